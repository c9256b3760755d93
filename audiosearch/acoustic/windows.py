"""Long recordings: samples → overlapping windows → one row of emissions for each frame.

Legend: S samples, T' emission frames, V labels.

A window starts a whole number of emission frames after the one before it, so that their frames line up::

    window 0   [0 ················ size)
    window 1            [step ················ step + size)
    window 2                     [2·step ················ T')     the last is shorter
                        |overlap|                                 step = size - overlap
                            ↑ seam: rows before it are the left window's, from it on the right one's

A window is cut when a sample behind it has come, so the last one is longer than the overlap whenever there are
several, and a recording that fits into one window is one window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.config import FeaturesConfig, ModelConfig, WindowConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

SILENCE_LOG_PROB = -23.0
"""Log-probability, about 1e-10, of every label but the blank where the network was not asked."""

SEAM_SECONDS = 0.1
"""A seam should have quiet so far on either side."""

MIDDLE_COST = 1.0
"""What a seam at the edge of the overlap loses to one in its middle, in nats per frame of the quiet around it."""

DISAGREEMENT_COST = 4.0
"""What a seam loses for each label that one window has emitted before it and the other has not."""


@dataclass(frozen=True)
class WindowGrid:
    """Where windows lie.

    Args:
        unit: samples of one emission frame.
        size: emission frames of a window.
        overlap: emission frames shared by neighbors, at most half of ``size``.
        rate: samples of a second.
    """

    unit: int
    size: int
    overlap: int
    rate: int

    @staticmethod
    def of(window: WindowConfig, features: FeaturesConfig, model: ModelConfig) -> WindowGrid:
        """The grid of these settings, rounded to whole emission frames."""
        unit = features.hop_length * model.conv_stride
        size = max(round(window.seconds * features.sample_rate / unit), 1)
        overlap = min(round(window.overlap_seconds * features.sample_rate / unit), size // 2)
        return WindowGrid(unit, size, overlap, features.sample_rate)

    @property
    def step(self) -> int:
        """Emission frames from the start of a window to that of the next."""
        return self.size - self.overlap

    def frames(self, samples: int) -> int:
        """Emission frames of so many samples; the last, partly filled one counts."""
        return -(-samples // self.unit)

    def frames_in(self, seconds: float) -> int:
        """Whole emission frames of so long, at least one."""
        return max(int(seconds * self.rate / self.unit), 1)

    def cut(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """The samples of each window in turn, of blocks of any length."""
        size, step = self.size * self.unit, self.step * self.unit
        pending = np.empty(0, np.float32)
        for block in blocks:
            pending = np.concatenate([pending, block])
            while len(pending) > size:
                yield pending[:size]
                pending = pending[step:]
        if len(pending):
            yield pending


def is_silent(samples: NDArray[np.float32], dbfs: float) -> bool:
    """Whether no sample is louder than this, in decibels of full scale."""
    peak = max(float(samples.max()), -float(samples.min()))
    return peak <= 10 ** (dbfs / 20)


def silence(frames: int, labels: int, blank: int) -> NDArray[np.float32]:
    """Log-probabilities [T', V] that are surely blank."""
    log_probs = np.full((frames, labels), SILENCE_LOG_PROB, np.float32)
    log_probs[:, blank] = np.log1p(-(labels - 1) * np.exp(SILENCE_LOG_PROB))
    return log_probs


class Stitcher:
    """Rows of one recording from the rows of its windows, given in order."""

    def __init__(self, grid: WindowGrid, blank: int, space: int) -> None:
        self.grid = grid
        self.blank = blank
        self.space = space
        self._held: NDArray[np.float32] | None = None

    def add(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rows [T', V] that are settled once this window is known: all before the seam to it."""
        held, overlap = self._held, self.grid.overlap
        if held is None:
            self._held = log_probs
            return log_probs[:0]
        left, right = held[len(held) - overlap :], log_probs[:overlap]
        seam = find_seam(left, right, self.blank, self.space, self.grid.frames_in(SEAM_SECONDS)) if overlap else 0
        self._held = log_probs[seam:]
        return held[: len(held) - overlap + seam]

    def finish(self) -> NDArray[np.float32] | None:
        """The rows after the last seam; none if there was no window."""
        held, self._held = self._held, None
        return held


def quiet(log_probs: NDArray[np.float32], blank: int, space: int) -> NDArray[np.float32]:
    """Log-probability [T'] that a frame says nothing: blank or space."""
    return np.logaddexp(log_probs[:, blank], log_probs[:, space])


def find_seam(left: NDArray[np.float32], right: NDArray[np.float32], blank: int, space: int, around: int) -> int:
    """The frame of two windows' common stretch from which the right one is believed.

    There both are surest of quiet, for ``around`` frames on either side; both have emitted equally much before it,
    or a label that they place differently would be lost or said twice; and it is near the middle, far from the
    edges where one window has heard nothing of what comes or came.

    Args:
        left: the last rows [T', V] of the left window.
        right: the first rows of the right window, for the same frames.
    """
    overlap = len(left)
    seams = np.arange(overlap + 1)
    both = np.minimum(quiet(left, blank, space), quiet(right, blank, space))
    total = np.concatenate([[0.0], np.cumsum(both, dtype=np.float64)])
    low, high = np.maximum(seams - around, 0), np.minimum(seams + around, overlap)
    score = (total[high] - total[low]) / np.maximum(high - low, 1)
    score -= MIDDLE_COST * ((seams - overlap / 2) / (overlap / 2)) ** 2
    ahead = _emitted(left, blank) - _emitted(right, blank)
    values, counts = np.unique(ahead, return_counts=True)
    score -= DISAGREEMENT_COST * np.abs(ahead - values[counts.argmax()])
    return int(score.argmax())


def _emitted(log_probs: NDArray[np.float32], blank: int) -> NDArray[np.int64]:
    """Labels [T'+1] that the likeliest path has begun before each frame and at the end."""
    best = log_probs.argmax(1)
    begins = (best != blank) & (best != np.concatenate([[blank], best[:-1]]))
    return np.concatenate([[0], np.cumsum(begins)])
