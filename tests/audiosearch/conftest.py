"""Whistled speech, for tests that need no training: a network with weights set by hand reads it exactly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads on tiny tensors only wait for each other

WHISTLES = "abcdefghijklmnopqrstuvwxyz' "


@dataclass(frozen=True)
class Whistler:
    """A voice that says every character, the space too, as a whistle of 60 ms and 40 ms of silence."""

    sample_rate: int = 8000

    def say(self, text: str) -> NDArray[np.float32]:
        """Samples of a text; ``_`` in it is a second of silence."""
        time = np.arange(round(0.06 * self.sample_rate)) / self.sample_rate
        envelope = 0.5 * np.minimum(1, np.minimum(time, time[::-1]) / 0.008)
        pieces = [np.zeros(0)]
        for character in text:
            if character == "_":
                pieces.append(np.zeros(self.sample_rate))
            else:
                hertz = 40 * (5 + 3 * WHISTLES.index(character))  # bins of the spectrogram are 40 Hz apart
                whistle = envelope * np.sin(2 * np.pi * hertz * time)
                pieces += [whistle, np.zeros(round(0.04 * self.sample_rate))]
        return np.concatenate(pieces).astype(np.float32)

    def write(self, path: Path, text: str) -> Path:
        """A recording of a text."""
        soundfile.write(path, self.say(text), self.sample_rate)
        return path


@pytest.fixture(scope="session")
def whistler() -> Whistler:
    """The whistling voice."""
    return Whistler()


@pytest.fixture(scope="session")
def whistle_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that reads whistles, hearing only two spectrogram frames at a time.

    The convolution measures each whistle, the recurrent layer's gates are held so that it remembers nothing, and the
    output names the loudest whistle, or the blank.
    """
    import torch

    from audiosearch.acoustic.checkpoint import save_model
    from audiosearch.acoustic.model import DeepSpeech
    from audiosearch.alphabet import Alphabet
    from audiosearch.config import Config

    count = len(WHISTLES)
    features = {"sample_rate": 8000, "kind": "log-spectrogram", "high_hz": 4000, "normalization": "none"}
    model = {"conv_channels": count, "conv_width": 2, "hidden": count, "layers": 1, "norm": "none"}
    config = Config.model_validate({"features": features, "model": model, "decoder": {"threads": 1}})
    state = {
        name: torch.zeros_like(tensor)
        for name, tensor in DeepSpeech(config.model, config.features.bins, count + 1).state_dict().items()
    }
    for channel in range(count):
        state["conv.weight"][channel, 5 + 3 * channel] = 0.5
    state["conv.bias"] += 3.0
    for direction in ("forwards", "backwards"):  # gates: input open, forget shut, cell, output open
        state[f"recurrent.0.{direction}.weight_ih_l0"][2 * count : 3 * count] = torch.eye(count)
        state[f"recurrent.0.{direction}.bias_ih_l0"] += torch.tensor([20.0, -20.0, 0.0, 20.0]).repeat_interleave(count)
    state["output.weight"][1:] = 10 * torch.eye(count)
    state["output.bias"][0] = 9.0
    folder = tmp_path_factory.mktemp("whistle-model")
    save_model(folder / "model.safetensors", state, config, Alphabet())
    return folder
