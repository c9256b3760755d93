"""The clock of a recording: times that a player shows, from time stamps and the number of samples.

    stamps later than samples      a gap becomes silence; a slow drift stretches the samples
    stamps earlier than samples    samples are compressed until both agree
    stamps begin again             a joined file, whose next part follows on the one before
    stamps stand still             the samples alone count

Legend: C channels, S samples.
"""

from __future__ import annotations

import numpy as np

from audiosearch.audio.samples import Samples
from audiosearch.types import Seconds

MIN_GAP: Seconds = 0.05
"""Shorter gaps between time stamps are rounding errors."""

MAX_GAP: Seconds = 3600.0
"""Longer gaps are wrong time stamps, unless the file states its duration."""

MIN_RESTART: Seconds = 1.0
"""Time stamps that fall back by more begin a joined part."""

MAX_DRIFT: Seconds = 0.5
"""A larger difference that grew slowly is filled with silence."""

_SETTLING: Seconds = 0.5
"""Time constant of the correction of a drift."""


class Clock:
    """Fits decoded frames to their time stamps; ``elapsed`` is the time of the next sample."""

    def __init__(self, elapsed: Seconds = 0.0) -> None:
        self.elapsed = elapsed
        self._offset = self._former_offset = self._last = 0.0
        self._stamp: Seconds | None = None
        self._drifts = False

    def gap(self, begin: Seconds) -> Seconds:
        """Advance to the time stamp of the next frame, and return the silence before it."""
        if begin == self._stamp:  # of the packet before, or none at all
            self._last = 0.0
            return 0.0
        self._stamp = begin
        ahead = begin + self._offset - self.elapsed
        if -MIN_GAP < ahead < MIN_GAP:
            self._last = ahead
            return 0.0
        if ahead < -MIN_RESTART or (self._offset and abs(begin + self._former_offset - self.elapsed) < MIN_GAP):
            other = self._former_offset if abs(begin + self._former_offset - self.elapsed) < MIN_GAP else None
            self._former_offset = self._offset
            self._offset = self.elapsed - begin if other is None else other
            ahead = begin + self._offset - self.elapsed
        if ahead > MAX_GAP:
            ahead = 0.0
        silence = 0.0
        if abs(ahead) > MIN_GAP:
            if ahead > 0 and (ahead - self._last > MIN_GAP or ahead > MAX_DRIFT):
                silence = ahead
                self.elapsed += silence
                ahead = 0.0
            else:
                self._drifts = True
        self._last = ahead
        return silence

    def fit(self, samples: Samples, rate: int) -> Samples:
        """Samples [S] or [C, S] of the frame, of a number that brings the clock nearer to the time stamps."""
        if not self._drifts:
            self.elapsed += samples.shape[-1] / rate
            return samples
        count = samples.shape[-1]
        if self._last and count:
            change = round(self._last * min(count / rate / _SETTLING, 1.0) * rate)
            if change := max(-count // 2, min(count // 2, change)):
                at = np.arange(count + change) * (count / (count + change))
                rows = [np.interp(at, np.arange(count), row) for row in np.atleast_2d(samples)]
                samples = np.asarray(rows if samples.ndim == 2 else rows[0], np.float32)
        self.elapsed += samples.shape[-1] / rate
        return samples
