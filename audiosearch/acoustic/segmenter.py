"""Segments of a recording's emissions, cut at pauses and decoded one by one.

Legend: T' emission frames, V labels.

A recording of at most ``max_frames`` is one segment and is decoded in one pass. A longer one is cut in the longest
pause before that limit, or at a space if there is no pause. Blank frames at the start of a segment are dropped:
hours of silence are never decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.acoustic.windows import log_prob_silence

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_SILENCE_LOG_PROB = float(np.log(0.9))
"""Log-probability of silence from which a frame belongs to a pause."""

MIN_SPACE_LOG_PROB = float(np.log(0.5))
"""Log-probability of the space from which a segment may end there."""


@dataclass(frozen=True)
class Segment:
    """Log-probabilities [T', V] of consecutive frames of a recording; ``first`` is the index of the first one."""

    first: int
    log_probs: NDArray[np.float32]


class PauseSegmenter:
    """Cuts one recording into segments at its pauses.

    Args:
        max_frames: length of the longest segment.
        pause: length of the shortest pause, in frames.
        blank: index of the CTC blank.
        space: index of the space.
    """

    def __init__(self, max_frames: int, pause: int, blank: int, space: int) -> None:
        self.max_frames = max(max_frames, 2)
        self.pause = pause
        self.blank = blank
        self.space = space
        self._first = 0
        self._pending: list[NDArray[np.float32]] = []
        self._frames = 0

    def add(self, log_probs: NDArray[np.float32]) -> list[Segment]:
        """Append rows [T', V] and return the segments that they complete."""
        self._pending.append(log_probs)
        self._frames += len(log_probs)
        return self._cut() if self._frames > self.max_frames else []

    def finish(self) -> list[Segment]:
        """Return the last segment, if any rows are left."""
        if not self._frames:
            return []
        last = Segment(self._first, np.concatenate(self._pending))
        self._pending, self._frames = [], 0
        return [last]

    def _cut(self) -> list[Segment]:
        """Cut off segments until at most ``max_frames`` are pending."""
        rows = np.concatenate(self._pending)
        segments = []
        while len(rows) > self.max_frames:
            skip = self._leading_silence(rows)
            if not skip:
                end = self._end(rows[: self.max_frames])
                segments.append(Segment(self._first, rows[:end]))
                skip = end
            self._first += skip
            rows = rows[skip:]
        self._pending, self._frames = [rows], len(rows)
        return segments

    def _leading_silence(self, rows: NDArray[np.float32]) -> int:
        """Blank frames at the start beyond the length of one pause; they cannot belong to a word."""
        spoken = np.flatnonzero(rows[:, self.blank] < MIN_SILENCE_LOG_PROB)
        return max((int(spoken[0]) if len(spoken) else len(rows)) - self.pause, 0)

    def _end(self, rows: NDArray[np.float32]) -> int:
        """Frame, at least 1, at which a segment that starts with these rows ends."""
        log_silence = log_prob_silence(rows, self.blank, self.space)
        half = len(rows) // 2
        for earliest in (half, self.pause):  # a late pause gives the language model more context
            middle = self._longest_pause(log_silence >= MIN_SILENCE_LOG_PROB, earliest)
            if middle is not None:
                return middle
        space = rows[half:, self.space]
        if space.max() > MIN_SPACE_LOG_PROB:
            return half + int(space.argmax()) + 1  # the word before a space is complete
        return half + int(log_silence[half:].argmax()) + 1

    def _longest_pause(self, is_silence: NDArray[np.bool_], earliest: int) -> int | None:
        """Middle of the longest pause, among those with their middle at ``earliest`` or later."""
        edges = np.diff(np.concatenate([[0], is_silence.astype(np.int8), [0]]))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        middles, lengths = (starts + ends) // 2, ends - starts
        fits = (lengths >= self.pause) & (middles >= max(earliest, 1))
        if not fits.any():
            return None
        return int(middles[fits][lengths[fits].argmax()])
