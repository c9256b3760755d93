"""What all tests share: a user who has nothing, speech to measure with, and a voice of tones."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads on tiny tensors only wait for each other

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a shell runs in the background; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _nobody_at_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without settings, index or model of their own, whose home is made when something is written to it."""
    for name in ("AUDIOSEARCH_STORE", "AUDIOSEARCH_CONFIG", "AUDIOSEARCH_MODEL"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.getbasetemp() / "nobody"
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Speech to measure with, which is not part of the repository; the test is skipped where there is none."""
    folder = Path(os.environ.get("AUDIOSEARCH_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "speech").is_dir():
        pytest.skip(f"no speech in {folder}: set AUDIOSEARCH_SHARED to where it is")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


@pytest.fixture
def kenlm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where KenLM's lmplz is, or the test is skipped."""
    if shutil.which("lmplz", path=os.environ.get("AUDIOSEARCH_KENLM_BIN")) is None:
        default = Path.home() / ".local/bin"  # of scripts/build_kenlm.sh
        if shutil.which("lmplz", path=str(default)) is None:
            pytest.skip("no lmplz: build it by scripts/build_kenlm.sh")
        monkeypatch.setenv("AUDIOSEARCH_KENLM_BIN", str(default))


# Speech made of tones: every letter a pitch, so that a tiny network learns to read it in seconds


WORDS = ("i", "am", "a", "human", "saying", "things", "this", "sun", "hat", "mist", "nut", "at", "man", "math")


@dataclass(frozen=True)
class Tones:
    """A voice that says letters as tones of 80 ms and spaces as silence."""

    sample_rate: int = 8000

    def say(self, text: str) -> NDArray[np.float32]:
        """Samples of a text."""
        length = self.sample_rate * 80 // 1000
        time = np.arange(length) / self.sample_rate
        envelope = 0.5 * np.hanning(length)
        pieces = [np.zeros(length)]
        for letter in text:
            # 28 pitches evenly spaced in mel, from 300 Hz to 3300 Hz
            step = "abcdefghijklmnopqrstuvwxyz'".find(letter)
            hertz = 700 * (np.exp(np.interp(step, [0, 27], [0.357, 1.743])) - 1)
            pieces.append(envelope * np.sin(2 * np.pi * hertz * time) if step >= 0 else np.zeros(length))
        noise = np.random.default_rng(len(text)).standard_normal(length * (len(text) + 2)) * 1e-3
        samples: NDArray[np.float32] = (np.concatenate([*pieces, np.zeros(length)]) + noise).astype(np.float32)
        return samples

    def texts(self, count: int, seed: int = 0, most_words: int = 4) -> list[str]:
        """Random sentences of a few words."""
        rng = np.random.default_rng(seed)
        return [" ".join(rng.choice(WORDS, rng.integers(1, most_words + 1))) for _ in range(count)]

    def corpus(self, folder: Path, texts: Sequence[str]) -> Path:
        """A manifest of recordings of texts."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for number, text in enumerate(texts):
            soundfile.write(folder / f"{number:04}.wav", self.say(text), self.sample_rate)
            rows.append(json.dumps({"audio": f"{number:04}.wav", "text": text, "id": f"u{number:04}"}))
        manifest = folder / "manifest.jsonl"
        manifest.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
        return manifest


@pytest.fixture(scope="session")
def tones() -> Tones:
    """The voice of tones."""
    return Tones()


@pytest.fixture(scope="session")
def tone_corpora(tones: Tones, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Manifests of 96 utterances to learn from and 24 others to measure by."""
    folder = tmp_path_factory.mktemp("tones")
    return (
        tones.corpus(folder / "train", tones.texts(96, seed=1)),
        tones.corpus(folder / "valid", tones.texts(24, seed=2)),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a GPU are skipped where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
