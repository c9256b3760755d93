"""Overlapping windows over long recordings, and stitching of their emissions.

Legend: S samples, T' emission frames, V labels.

Windows start a whole number of emission frames apart, so that their frames are aligned::

    window 0   [0 ················ size)
    window 1            [step ················ step + size)
    window 2                     [2·step ················ T')     the last may be shorter
                        |overlap|                                 step = size - overlap
                            ↑ seam: rows before it come from the left window, the others from the right one

A window is cut only when there are samples beyond it. Therefore the last of several windows is longer than the
overlap, and a recording that fits into one window is one window.
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
"""Log-probability, about 1e-10, of every label but the blank in windows that skip the network."""

SEAM_SECONDS = 0.1
"""Silence that a seam should have on either side."""

MIDDLE_COST = 1.0
"""Penalty of a seam at the edge of the overlap against one in its middle, in nats per frame of silence."""

DISAGREEMENT_COST = 4.0
"""Penalty of a seam for each label that only one of the two windows has emitted before it."""


@dataclass(frozen=True)
class WindowGrid:
    """Positions of windows.

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
        """Number of emission frames of ``samples`` samples, including a partly filled last one."""
        return -(-samples // self.unit)

    def frames_in(self, seconds: float) -> int:
        """Number of whole emission frames in ``seconds``, at least 1."""
        return max(int(seconds * self.rate / self.unit), 1)

    def cut(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of each window, given blocks of any length."""
        cutter = WindowCutter(self)
        for block in blocks:
            yield from cutter.add(block)
        yield from cutter.finish()


class WindowCutter:
    """Cuts the samples of a signal into windows."""

    def __init__(self, grid: WindowGrid) -> None:
        self._size, self._step = grid.size * grid.unit, grid.step * grid.unit
        self._pending = np.empty(0, np.float32)

    def add(self, block: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Yield the windows completed by further samples."""
        self._pending = np.concatenate([self._pending, block])
        while len(self._pending) > self._size:
            yield self._pending[: self._size]
            self._pending = self._pending[self._step :]

    def finish(self) -> Iterator[NDArray[np.float32]]:
        """Yield the last window, if there is any sample."""
        if len(self._pending):
            yield self._pending


def is_silent(samples: NDArray[np.float32], dbfs: float) -> bool:
    """True if no sample exceeds ``dbfs``, in decibels relative to full scale."""
    peak = max(float(samples.max()), -float(samples.min()))
    return peak <= 10 ** (dbfs / 20)


def blank_log_probs(frames: int, labels: int, blank: int) -> NDArray[np.float32]:
    """Log-probabilities [T', V] of frames without speech: blank with near certainty."""
    log_probs = np.full((frames, labels), SILENCE_LOG_PROB, np.float32)
    log_probs[:, blank] = np.log1p(-(labels - 1) * np.exp(SILENCE_LOG_PROB))
    return log_probs


class Stitcher:
    """Joins the log-probabilities of one recording's windows, given in order."""

    def __init__(self, grid: WindowGrid, blank: int, space: int) -> None:
        self.grid = grid
        self.blank = blank
        self.space = space
        self._pending: NDArray[np.float32] | None = None

    def add(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Append a window and return the rows [T', V] before its seam, which are final."""
        pending, overlap = self._pending, self.grid.overlap
        if pending is None:
            self._pending = log_probs
            return log_probs[:0]
        left, right = pending[len(pending) - overlap :], log_probs[:overlap]
        seam = find_seam(left, right, self.blank, self.space, self.grid.frames_in(SEAM_SECONDS)) if overlap else 0
        self._pending = log_probs[seam:]
        return pending[: len(pending) - overlap + seam]

    def finish(self) -> NDArray[np.float32] | None:
        """Return the rows after the last seam; None without any window."""
        pending, self._pending = self._pending, None
        return pending


def log_prob_silence(log_probs: NDArray[np.float32], blank: int, space: int) -> NDArray[np.float32]:
    """Log-probability [T'] of silence in each frame: blank or space."""
    return np.logaddexp(log_probs[:, blank], log_probs[:, space])


def find_seam(left: NDArray[np.float32], right: NDArray[np.float32], blank: int, space: int, around: int) -> int:
    """Find the frame of the overlap from which the right window replaces the left one.

    The best seam lies in silence for ``around`` frames on either side; at a frame before which both windows have
    emitted the same number of labels, as otherwise a label may be lost or doubled; and near the middle of the
    overlap, since near its edges one window lacks context.

    Args:
        left: last rows [T', V] of the left window.
        right: first rows of the right window, for the same frames.
    """
    overlap = len(left)
    seams = np.arange(overlap + 1)
    both = np.minimum(log_prob_silence(left, blank, space), log_prob_silence(right, blank, space))
    total = np.concatenate([[0.0], np.cumsum(both, dtype=np.float64)])
    low, high = np.maximum(seams - around, 0), np.minimum(seams + around, overlap)
    score = (total[high] - total[low]) / np.maximum(high - low, 1)
    score -= MIDDLE_COST * ((seams - overlap / 2) / (overlap / 2)) ** 2
    difference = _emitted_labels(left, blank) - _emitted_labels(right, blank)
    values, counts = np.unique(difference, return_counts=True)
    score -= DISAGREEMENT_COST * np.abs(difference - values[counts.argmax()])
    return int(score.argmax())


def _emitted_labels(log_probs: NDArray[np.float32], blank: int) -> NDArray[np.int64]:
    """Number of labels [T'+1] that begin on the greedy path before each frame, and before the end."""
    best = log_probs.argmax(1)
    begins = (best != blank) & (best != np.concatenate([[blank], best[:-1]]))
    return np.concatenate([[0], np.cumsum(begins)])
