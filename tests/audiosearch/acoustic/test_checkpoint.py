from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from audiosearch.acoustic.checkpoint import load_model, load_tensors, save_model, save_tensors
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config, FeaturesConfig, ModelConfig
from audiosearch.errors import ModelError

CONFIG = Config(model=ModelConfig(conv_channels=4, hidden=3, layers=1), features=FeaturesConfig(mel_bins=8))


@pytest.fixture
def network() -> DeepSpeech:
    torch.manual_seed(0)
    return DeepSpeech(CONFIG.model, 8, len(Alphabet())).eval()


@pytest.fixture
def model_file(network: DeepSpeech, tmp_path: Path) -> Path:
    path = tmp_path / "run" / "model.safetensors"
    save_model(path, network.state_dict(), CONFIG, Alphabet(), notes={"wer": "0.1"})
    return path


def test_a_saved_model_loads_unchanged(network: DeepSpeech, model_file: Path) -> None:
    model = load_model(model_file)
    assert model.config == CONFIG
    assert model.alphabet == Alphabet()
    assert not model.network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], tensor)
    assert model.frame_duration == pytest.approx(0.02)
    assert model.emission_start == pytest.approx(network.center_offset * 0.01)
    assert os.listdir(model_file.parent) == [model_file.name]  # noqa: PTH208
    assert load_model(model_file.parent).fingerprint == model.fingerprint


def test_half_precision_loads_as_float32_and_changes_the_fingerprint(network: DeepSpeech, model_file: Path) -> None:
    half = model_file.with_name("half.safetensors")
    save_model(half, network.state_dict(), CONFIG, Alphabet(), dtype=torch.float16)
    assert half.stat().st_size < model_file.stat().st_size
    model = load_model(half)
    assert len(model.fingerprint) == 16
    assert model.fingerprint != load_model(model_file).fingerprint
    for name, tensor in network.state_dict().items():
        assert model.network.state_dict()[name].dtype == torch.float32
        torch.testing.assert_close(model.network.state_dict()[name], tensor, rtol=1e-3, atol=1e-3)


def test_int8_models_store_matrices_in_8_bits(network: DeepSpeech, model_file: Path) -> None:
    with torch.no_grad():
        network.output.weight[0] = 0
        network.output.weight[1] *= 1000
    save_model(model_file, network.state_dict(), CONFIG, Alphabet())
    small = model_file.with_name("small.safetensors")
    save_model(small, network.state_dict(), CONFIG, Alphabet(), dtype=torch.int8)
    weights = load_model(small).network.state_dict()
    assert weights.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert weights[name].dtype == torch.float32
        greatest = tensor.abs().flatten(1).amax(1) if tensor.ndim > 1 else tensor.abs().amax()
        apart = (weights[name] - tensor).abs().flatten(1).amax(1) if tensor.ndim > 1 else (weights[name] - tensor).abs()
        assert (apart <= 0.51 / 127 * greatest + 1e-8).all()
    again = small.with_name("again.safetensors")
    save_model(again, weights, CONFIG, Alphabet(), dtype=torch.int8)
    for name, tensor in load_model(again).network.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-6, atol=0)


def test_large_int8_models_take_one_byte_per_weight(tmp_path: Path) -> None:
    config = Config(model=ModelConfig(conv_channels=64, hidden=64, layers=2), features=FeaturesConfig(mel_bins=8))
    network = DeepSpeech(config.model, 8, len(Alphabet()))
    size = sum(tensor.numel() for tensor in network.state_dict().values())
    save_model(tmp_path / "model.safetensors", network.state_dict(), config, Alphabet(), dtype=torch.int8)
    assert (tmp_path / "model.safetensors").stat().st_size < 1.2 * size


def test_a_training_run_loads_as_its_best_model(model_file: Path, tmp_path: Path) -> None:
    model_file.rename(model_file.with_name("best.safetensors"))
    assert load_model(model_file.parent).config == CONFIG
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        load_model(tmp_path)


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["pickle", "torch", "text", "empty", "truncated", "damaged header", "missing"])
def test_other_files_are_refused_by_name_and_never_unpickled(kind: str, model_file: Path, tmp_path: Path) -> None:
    path, touched = tmp_path / "posing.safetensors", tmp_path / "touched"
    content = model_file.read_bytes()
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Bomb(touched)))
    elif kind == "torch":
        torch.save({"weights": torch.zeros(3), "bomb": Bomb(touched)}, path)
    elif kind == "text":
        path.write_text("I am a model, believe me. " * 20)
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "damaged header":
        path.write_bytes(content[:20] + b"\xff\xff" + content[22:])
    with pytest.raises(ModelError, match=r"posing\.safetensors: (is not a model file|cannot be read)"):
        load_model(path)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "other"}, "not one of the kind audiosearch-model"),
        ({"version": "2"}, "of version 2"),
        ({"config": "{"}, "settings are damaged"),
        ({"config": '{"model": {"sparkles": 1}}'}, r"no setting model\.sparkles"),
        ({"alphabet": '["a", "b"]'}, "settings are damaged"),
    ],
)
def test_invalid_metadata_is_refused(metadata: dict[str, str], message: str, model_file: Path) -> None:
    tensors, own = load_tensors(model_file, "audiosearch-model", "1")
    save_file(tensors, model_file, {**own, **metadata})
    with pytest.raises(ModelError, match=message):
        load_model(model_file)


def test_weights_of_another_network_are_refused(network: DeepSpeech, model_file: Path) -> None:
    weights = dict(network.state_dict())
    for wrong in (
        {name: tensor for name, tensor in weights.items() if name != "output.bias"},
        {**weights, "output.bias": torch.zeros(2)},
        {**weights, "surplus": torch.zeros(2)},
    ):
        save_model(model_file, wrong, CONFIG, Alphabet())
        with pytest.raises(ModelError, match="weights do not fit"):
            load_model(model_file)


def test_a_failed_save_leaves_the_old_file(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_file.read_bytes()

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audiosearch.acoustic.checkpoint.save_file", no_space)
    with pytest.raises(ModelError, match="cannot be written"):
        save_tensors(model_file, {}, {})
    assert model_file.read_bytes() == before
