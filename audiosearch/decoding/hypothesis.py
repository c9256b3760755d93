"""Result of decoding: a text, and for each of its words a slot of a confusion network."""

from __future__ import annotations

from dataclasses import dataclass

from audiosearch.core import Candidate, ConfusionSlot

__all__ = ["Candidate", "ConfusionSlot", "Hypothesis"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One text for given emissions.

    Args:
        text: normalized words separated by single spaces; may be empty.
        score: natural logarithm, acoustic and language model combined; comparable only within one call.
        slots: one for each word, if alternatives were requested.
    """

    text: str
    score: float
    slots: tuple[ConfusionSlot, ...] = ()
