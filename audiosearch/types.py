"""What the stages of recognition hand to each other. Standard library only.

Legend: T' emission frames, V labels (blank included).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Seconds = float
"""Time from the start of the recording; spans are half-open, ``[start, end)``."""


@dataclass(frozen=True, slots=True)
class Emissions:
    """Label log-probabilities of a stretch of one recording.

    Args:
        log_probs: natural logarithms [T', V], float32; each row sums to 1 as probabilities.
        frame_duration: length of one frame.
        start: time at which frame 0 begins.
    """

    log_probs: NDArray[np.float32]
    frame_duration: Seconds
    start: Seconds = 0.0

    def __len__(self) -> int:
        return int(self.log_probs.shape[0])

    def seconds(self, frame: float) -> Seconds:
        """Time at which ``frame`` begins; the one place where frames become seconds."""
        return self.start + frame * self.frame_duration


MAX_ALTERNATIVES = 2
"""Alternatives that a word has at most."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One word that competed at a word's place; ``probability`` of being right lies in [0, 1]."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Word:
    """A recognized word.

    Args:
        text: as the alphabet spells it.
        start: of its first letter.
        end: of its last.
        confidence: probability of being right, in [0, 1].
        alternatives: the likeliest first, at most ``MAX_ALTERNATIVES``; none is ``text`` or twice there.
    """

    text: str
    start: Seconds
    end: Seconds
    confidence: float
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class PackedEmissions:
    """Emissions of a stretch in few bytes; ``posteriors.py`` packs and unpacks them.

    Args:
        start: time at which frame 0 begins.
        frame_duration: length of one frame.
        frames: T'.
        data: the likely labels of each frame, quantized and compressed.
    """

    start: Seconds
    frame_duration: Seconds
    frames: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one recording, in order of time, not overlapping.

    Args:
        path: the recording, as it was given.
        duration: of the recording.
        words: with ``0 <= start < end <= duration`` and non-decreasing starts.
        emissions: where they are kept, in order of time.
    """

    path: str
    duration: Seconds
    words: tuple[Word, ...]
    emissions: tuple[PackedEmissions, ...] = ()

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)
