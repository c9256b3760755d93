"""Emissions of a whole recording → stretches that are decoded one by one.

Legend: T' emission frames, V labels.

A recording no longer than a stretch is one stretch, so it is decoded in one pass. A longer one is cut in its
longest pause before the limit, or at a space where nobody pauses; frames that are surely blank at the start
of a stretch are left out, so hours of silence are never decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.acoustic.windows import quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = float(np.log(0.9))
"""Log-probability from which a frame of a pause is quiet."""


@dataclass(frozen=True)
class Stretch:
    """Rows [T', V] of a recording from frame ``first`` on."""

    first: int
    log_probs: NDArray[np.float32]


class StretchCutter:
    """Stretches of one recording, from rows given in order.

    Args:
        longest: frames of the longest stretch.
        pause: frames of the shortest pause.
        blank: label that says nothing.
        space: label between words.
    """

    def __init__(self, longest: int, pause: int, blank: int, space: int) -> None:
        self.longest = max(longest, 2)
        self.pause = pause
        self.blank = blank
        self.space = space
        self._first = 0
        self._pending: list[NDArray[np.float32]] = []
        self._frames = 0

    def add(self, log_probs: NDArray[np.float32]) -> list[Stretch]:
        """Stretches that are settled once these rows are known."""
        self._pending.append(log_probs)
        self._frames += len(log_probs)
        return self._cut() if self._frames > self.longest else []

    def finish(self) -> list[Stretch]:
        """The last stretch, if it has rows."""
        if not self._frames:
            return []
        last = Stretch(self._first, np.concatenate(self._pending))
        self._pending, self._frames = [], 0
        return [last]

    def _cut(self) -> list[Stretch]:
        """Cuts while more frames are pending than one stretch may have."""
        rows = np.concatenate(self._pending)
        stretches = []
        while len(rows) > self.longest:
            skip = self._leading_silence(rows)
            if not skip:
                end = self._end(rows[: self.longest])
                stretches.append(Stretch(self._first, rows[:end]))
                skip = end
            self._first += skip
            rows = rows[skip:]
        self._pending, self._frames = [rows], len(rows)
        return stretches

    def _leading_silence(self, rows: NDArray[np.float32]) -> int:
        """Blank frames at the start that no word can need; a pause's length of them is left."""
        spoken = np.flatnonzero(rows[:, self.blank] < SURE)
        return max((int(spoken[0]) if len(spoken) else len(rows)) - self.pause, 0)

    def _end(self, rows: NDArray[np.float32]) -> int:
        """Where a stretch that starts with these rows ends: after at least one frame."""
        log_quiet = quiet(rows, self.blank, self.space)
        half = len(rows) // 2
        for earliest in (half, self.pause):  # a late pause leaves the language model more to go by
            best = self._longest_pause(log_quiet >= SURE, earliest)
            if best is not None:
                return best
        space = rows[half:, self.space]
        if space.max() > np.log(0.5):
            return half + int(space.argmax()) + 1  # the word before a space is whole
        return half + int(log_quiet[half:].argmax()) + 1

    def _longest_pause(self, is_quiet: NDArray[np.bool_], earliest: int) -> int | None:
        """The middle of the longest run of quiet frames, if its middle is not before ``earliest``."""
        edges = np.diff(np.concatenate([[0], is_quiet.astype(np.int8), [0]]))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        middles, lengths = (starts + ends) // 2, ends - starts
        fits = (lengths >= self.pause) & (middles >= max(earliest, 1))
        if not fits.any():
            return None
        return int(middles[fits][lengths[fits].argmax()])
