"""Results of decoding: a text, and for each of its words a slot of a confusion network. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that competed for a slot, with uncalibrated scores.

    Args:
        text: the word.
        posterior: share of the search's paths through it, in [0, 1].
        acoustic_score: log-probability of its letters in the frames of the slot, over that of the best word's.
        language_score: weighted log-probability of it between the neighboring words, over that of the best word.
        share: by both scores, of all words tried in the slot, in [0, 1].
    """

    text: str
    posterior: float
    acoustic_score: float
    language_score: float
    share: float


@dataclass(frozen=True, slots=True)
class ConfusionSlot:
    """One position of a hypothesis: its best word, the posterior and share of that word, and the other candidates."""

    text: str
    posterior: float
    share: float
    candidates: tuple[Candidate, ...]


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
