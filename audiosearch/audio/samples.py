"""Values that the readers and writers of audio files exchange.

Legend: C channels, S samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiosearch.types import Seconds

Samples = NDArray[np.float32]

PIECE_SAMPLES = 1 << 16
"""Samples read at once from a file, in each channel."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """Properties of a recording, known before decoding.

    Args:
        duration: to within one codec frame.
        sample_rate: in Hz, of the file.
        channels: of the file.
        format: name of the container for uncompressed audio, else of the codec: wav, flac, mp3, opus, aac, …
        is_plain: one track, not joined of several files, with a true header: every player plays the same.
    """

    duration: Seconds
    sample_rate: int
    channels: int
    format: str
    is_plain: bool = True


class Piece(NamedTuple):
    """Consecutive samples at the file's own rate: [C, S], or [S] after mixing, or [K, S] of K voices."""

    rate: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Sound:
    """Span of a recording with its channels.

    Args:
        rate: in Hz.
        samples: [C, S].
    """

    rate: int
    samples: Samples

    @property
    def channels(self) -> int:
        """Number of channels, C."""
        return int(self.samples.shape[0])

    def __len__(self) -> int:
        return int(self.samples.shape[1])


def mix_down(samples: NDArray[Any]) -> Samples:
    """Average the channels: [C, S] → [S]."""
    if len(samples) == 1:
        alone: Samples = samples[0].astype(np.float32, copy=False)
        return alone
    with np.errstate(invalid="ignore", over="ignore"):  # non-finite samples are reported later
        averaged: Samples = samples.mean(axis=0, dtype=np.float32)
    return averaged


class PieceBuffer:
    """Joins short codec frames into pieces large enough for the resampler."""

    def __init__(self) -> None:
        self.rate = 0
        self._pending: list[Samples] = []
        self._count = 0

    def add(self, rate: int, samples: Samples) -> Iterator[Piece]:
        """Append samples [C, S] and yield the pieces that they complete."""
        if rate != self.rate or (self._pending and len(samples) != len(self._pending[0])):
            yield from self.flush()
            self.rate = rate
        self._pending.append(samples)
        self._count += samples.shape[1]
        if self._count >= PIECE_SAMPLES // 4:
            yield from self.flush()

    def flush(self) -> Iterator[Piece]:
        """Yield the remaining samples."""
        if self._count:
            yield Piece(self.rate, np.concatenate(self._pending, axis=1))
        self._pending, self._count = [], 0
