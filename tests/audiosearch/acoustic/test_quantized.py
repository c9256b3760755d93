import numpy as np
import pytest
import torch
from torch import nn

from audiosearch.acoustic import inference
from audiosearch.acoustic.inference import choose_precision
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.acoustic.quantized import QuantizedLSTM, quantize
from audiosearch.config import Config, ModelConfig, WindowConfig
from audiosearch.core import QuantizedLstm
from audiosearch.errors import ConfigError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def lstm(inputs: int = 40, hidden: int = 24) -> nn.LSTM:
    torch.manual_seed(3)
    return nn.LSTM(inputs, hidden, batch_first=True).eval()


@torch.inference_mode()
def test_outputs_are_close_to_those_of_the_original_lstm() -> None:
    layer = lstm()
    x = torch.randn(3, 133, 40) * torch.tensor([0.1, 1.0, 3.0])[:, None, None]
    expected, output = layer(x)[0], QuantizedLSTM(layer)(x)[0]
    assert (output - expected).abs().max() < 0.05
    assert (output - expected).square().mean().sqrt() < 0.02 * expected.square().mean().sqrt()


@torch.inference_mode()
def test_rows_depend_neither_on_other_rows_nor_on_later_frames() -> None:
    layer, x = QuantizedLSTM(lstm()), torch.randn(5, 150, 40)
    together = layer(x)[0]
    louder = torch.cat([x[:2, :90], 100 * x[2:, :90]])
    assert torch.equal(layer(louder)[0][:2], together[:2, :90])


@torch.inference_mode()
def test_zero_inputs_give_finite_outputs() -> None:
    layer = lstm()
    x = torch.zeros(2, 9, 40)
    torch.testing.assert_close(QuantizedLSTM(layer)(x)[0], layer(x)[0], atol=0.01, rtol=0)


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


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (7, 3, 5, 9), (16, 70, 33, 64), (13, 4, 80, 31), (65, 2, 8, 8)])
@torch.inference_mode()
def test_odd_sizes(shape: tuple[int, int, int, int]) -> None:
    rows, frames, inputs, hidden = shape
    layer, x = lstm(inputs, hidden), torch.randn(rows, frames, inputs)
    torch.testing.assert_close(QuantizedLSTM(layer)(x)[0], layer(x)[0], atol=0.03, rtol=0)


@torch.inference_mode()
def test_weights_of_8_bits_lose_only_the_rounding_of_inputs() -> None:
    layer = lstm()
    for name, parameter in layer.named_parameters():
        if name.startswith("weight"):
            scales = parameter.abs().amax(1, keepdim=True) / 127
            parameter.copy_((parameter / scales).round() * scales)
    x = torch.randn(4, 60, 40)
    torch.testing.assert_close(QuantizedLSTM(layer)(x)[0], layer(x)[0], atol=0.002, rtol=0)


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="four rows for each hidden unit"):
        QuantizedLstm(np.zeros((8, 3), np.float32), np.zeros((8, 3), np.float32), np.zeros(8, np.float32))
    layer = QuantizedLstm(np.zeros((8, 3), np.float32), np.zeros((8, 2), np.float32), np.zeros(8, np.float32))
    with pytest.raises(ValueError, match="must fit each other"):
        layer.run(np.zeros((2, 5, 3), np.float32), np.zeros((2, 4, 2), np.float32))


@pytest.mark.parametrize(
    ("native", "is_fast", "cell", "expected"),
    [
        ({"amx_bf16", "avx512_bf16"}, True, "lstm", "bf16"),
        ({"avx512_bf16"}, True, "lstm", "int8"),
        (set(), True, "lstm", "int8"),
        (set(), True, "gru", "fp32"),
        (set(), False, "lstm", "fp32"),
    ],
)
def test_automatic_precision_for_each_processor(
    native: set[str], is_fast: bool, cell: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(native, True))
    monkeypatch.setattr(inference, "has_integer_products", lambda: is_fast)
    config = ModelConfig.model_validate({"cell": cell})
    assert choose_precision("auto", CPU, config) == expected
    assert choose_precision("fp32", CPU, config) == "fp32"
    if cell == "gru":
        with pytest.raises(ConfigError, match="precision=int8 needs an LSTM on a CPU"):
            choose_precision(WindowConfig(precision="int8").precision, CPU, config)
