"""Synthetic emissions, and a tiny language model to decode them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import Alphabet
from audiosearch.language_model.arpa import convert_arpa
from audiosearch.language_model.model import MODEL_NAME, LanguageModel
from audiosearch.types import Emissions

ENGLISH = Alphabet()
TINY_ARPA = Path(__file__).parents[1] / "data" / "tiny.arpa"
FRAME = 0.02

_FOLDER = TemporaryDirectory(prefix="audiosearch-tiny-")  # deleted when the process ends
convert_arpa(TINY_ARPA, Path(_FOLDER.name, MODEL_NAME))
TINY = LanguageModel(Path(_FOLDER.name, MODEL_NAME))


def from_probabilities(probabilities: NDArray[np.floating]) -> Emissions:
    """Emissions of rows [T', V] that need not sum to 1."""
    rows = np.asarray(probabilities, dtype=np.float64)
    return Emissions(np.log(rows / rows.sum(1, keepdims=True)).astype(np.float32), FRAME)


def from_logits(logits: NDArray[np.floating], start: float = 0.0) -> Emissions:
    """Emissions of unnormalized log-probabilities [T', V]."""
    return Emissions(normalize(logits), FRAME, start)


def normalize(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Log-softmax over labels."""
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def spell(*frames: str, alphabet: Alphabet = ENGLISH) -> Emissions:
    """Frames as strings of their likely labels, each half as likely as the one before; ``_`` is the blank."""
    rows = np.full((len(frames), len(alphabet)), 1e-5)
    for row, frame in zip(rows, frames, strict=True):
        for rank, character in enumerate(frame):
            row[alphabet.blank if character == "_" else alphabet.encode(character)[0]] = 0.5**rank
    return from_probabilities(rows)


def random_rows(seed: int, frames: int, labels: int, sharpness: float = 2.0) -> NDArray[np.float32]:
    """Log-probabilities [T', V] of independent normal logits."""
    return normalize(np.random.default_rng(seed).normal(0, sharpness, (frames, labels)))


def mixed_emissions(seed: int, frames: int = 40, labels: int = len(ENGLISH), sharpness: float = 2.5) -> Emissions:
    """Emissions with runs of frames certain of a label, frames certain of the blank, and uncertain frames."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, sharpness, (frames, labels))
    runs = random.integers(0, labels, frames // 4 + 1).repeat(4)[:frames]
    certain = random.random(frames) < 0.5
    logits[certain, runs[certain]] += 30
    logits[random.random(frames) < 0.4, 0] += 20
    return from_logits(logits)
