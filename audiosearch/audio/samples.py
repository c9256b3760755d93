"""Sound as the readers and writers of files hand it to each other.

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

PIECE = 1 << 16
"""Samples taken at once from a file, in each channel."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a recording is, before decoding.

    Args:
        duration: to within one codec frame.
        sample_rate: in Hz, of the file.
        channels: of the file.
        format: of the container where sound is stored plainly, else of the codec: wav, flac, mp3, opus, aac, …
    """

    duration: Seconds
    sample_rate: int
    channels: int
    format: str


class Piece(NamedTuple):
    """Some mono samples at the file's own rate."""

    rate: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch of a recording with its channels.

    Args:
        rate: in Hz.
        samples: [C, S].
    """

    rate: int
    samples: Samples

    @property
    def channels(self) -> int:
        """C"""
        return int(self.samples.shape[0])

    def __len__(self) -> int:
        return int(self.samples.shape[1])


def mean(samples: NDArray[Any]) -> Samples:
    """[C, S] → [S]"""
    if len(samples) == 1:
        alone: Samples = samples[0].astype(np.float32, copy=False)
        return alone
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is reported later
        averaged: Samples = samples.mean(axis=0, dtype=np.float32)
    return averaged


class Joiner:
    """Joins the short frames of a codec into pieces worth a call of the resampler."""

    def __init__(self) -> None:
        self.rate = 0
        self.waiting: list[Samples] = []
        self.held = 0

    def add(self, rate: int, samples: Samples) -> Iterator[Piece]:
        """The pieces that become whole with ``samples``."""
        if rate != self.rate:
            yield from self.rest()
            self.rate = rate
        self.waiting.append(samples)
        self.held += len(samples)
        if self.held >= PIECE // 4:
            yield from self.rest()

    def rest(self) -> Iterator[Piece]:
        """What is held."""
        if self.held:
            yield Piece(self.rate, np.concatenate(self.waiting))
        self.waiting, self.held = [], 0
