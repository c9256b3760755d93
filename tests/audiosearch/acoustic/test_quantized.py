import pytest
import torch
from torch import nn

from audiosearch.acoustic.inference import MIN_QUANTIZED_WIDTH, choose_precision
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.acoustic.quantized import BLOCK_ROWS, QuantizedLSTM, quantize
from audiosearch.config import Config, ModelConfig, WindowConfig
from audiosearch.errors import ConfigError

CPU = torch.device("cpu")
native = pytest.mark.skipif(
    not torch.cpu.get_capabilities().get("avx512_vnni"), reason="this processor has no AVX-512 VNNI"
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def lstm(inputs: int = 40, hidden: int = 24) -> nn.LSTM:
    torch.manual_seed(3)
    return nn.LSTM(inputs, hidden, batch_first=True).eval()


@native
@torch.inference_mode()
def test_outputs_are_close_to_those_of_the_original_lstm() -> None:
    layer = lstm()
    x = torch.randn(3, 2 * BLOCK_ROWS + 5, 40) * torch.tensor([0.1, 1.0, 3.0])[:, None, None]
    expected, output = layer(x)[0], QuantizedLSTM(layer)(x)[0]
    assert (output - expected).abs().max() < 0.05
    assert (output - expected).square().mean().sqrt() < 0.02 * expected.square().mean().sqrt()


@native
@torch.inference_mode()
def test_rows_depend_neither_on_other_rows_nor_on_later_frames() -> None:
    layer, x = QuantizedLSTM(lstm()), torch.randn(5, 150, 40)
    together = layer(x)[0]
    louder = torch.cat([x[:2, :90], 100 * x[2:, :90]])
    assert torch.equal(layer(louder)[0][:2], together[:2, :90])


@native
@torch.inference_mode()
def test_zero_inputs_give_finite_outputs() -> None:
    layer = lstm()
    x = torch.zeros(2, 9, 40)
    torch.testing.assert_close(QuantizedLSTM(layer)(x)[0], layer(x)[0], atol=0.01, rtol=0)


@native
@torch.inference_mode()
def test_a_quantized_network_is_close_to_the_original_which_is_unchanged(small_config: Config) -> None:
    torch.manual_seed(5)
    network = DeepSpeech(small_config.model, 80, 29).eval()
    small = quantize(network)
    x, lengths = torch.randn(3, 100, 80), torch.tensor([100, 77, 30])
    expected, frames = network(x, lengths)
    output, _ = small(x, lengths)
    for row in range(3):
        kept = slice(frames[row])
        torch.testing.assert_close(output[row, kept].exp(), expected[row, kept].exp(), atol=0.02, rtol=0)
    assert not any(isinstance(layer, nn.LSTM) for layer in small.modules())
    assert sum(isinstance(layer, nn.LSTM) for layer in network.modules()) == 6


@pytest.fixture
def small_config() -> Config:
    return Config(model=ModelConfig(conv_channels=32, hidden=48))


@pytest.mark.parametrize(
    ("native", "cell", "hidden", "expected"),
    [
        ({"amx_bf16", "avx512_bf16", "avx512_vnni"}, "lstm", MIN_QUANTIZED_WIDTH, "bf16"),
        ({"avx512_bf16", "avx512_vnni"}, "lstm", MIN_QUANTIZED_WIDTH, "int8"),
        ({"avx512_bf16", "avx512_vnni"}, "lstm", MIN_QUANTIZED_WIDTH - 1, "bf16"),
        ({"avx512_vnni"}, "lstm", 64, "int8"),
        ({"avx512_vnni", "avx512_bf16"}, "gru", 1000, "fp32"),
        (set(), "lstm", 1000, "fp32"),
    ],
)
def test_automatic_precision_for_each_processor(
    native: set[str], cell: str, hidden: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(native, True))
    config = ModelConfig.model_validate({"cell": cell, "hidden": hidden})
    assert choose_precision("auto", CPU, config) == expected
    assert choose_precision("fp32", CPU, config) == "fp32"
    if cell == "gru" or not native:
        with pytest.raises(ConfigError, match="precision=int8 needs an LSTM on a processor with AVX-512 VNNI"):
            choose_precision(WindowConfig(precision="int8").precision, CPU, config)
