"""Which words of a text were said, given where the best path places them.

The best path places some words of a text that was not said at all: short ones fit nearly everywhere. They are few among
words without a place, and fit badly. A hidden Markov model with two states, said and not said, decides for runs of
words (Viterbi); the log-likelihood ratios of its observations were estimated on texts with foreign paragraphs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from audiosearch.types import Word

LEFT_OUT = -2.5
"""Log-likelihood ratio, said to not said, of a word that the best path leaves out."""

PLACED = 0.9
"""Of a short word that it places."""

ANCHOR = 3.0
"""Added for a word that is an anchor."""

MIN_LETTERS = 4
"""Of a word that does not fit by chance."""

FITS = ((-1.0, 2.0), (-3.0, 0.3), (-math.inf, -1.5))
"""Added for other words, by the lower bound of the mean log-probability of their letters."""

START = -2.0
"""Log-odds that the first word was said."""

CHANGE = -5.0
"""Log-probability of a change from said to not said or back, over that of none."""


def said_words(placed: Sequence[Word | None], anchored: Collection[int]) -> list[bool]:
    """True for the words of a text that were said.

    Args:
        placed: each word of the text, where the best path places it, or None.
        anchored: positions of the anchors in the text.
    """
    said, unsaid = START, 0.0
    choices: list[tuple[bool, bool]] = []  # True where the best path to a state comes from the other one
    for position, word in enumerate(placed):
        to_said, to_unsaid = unsaid + CHANGE > said, said + CHANGE > unsaid
        choices.append((to_said, to_unsaid))
        said, unsaid = max(said, unsaid + CHANGE), max(unsaid, said + CHANGE)
        said += _ratio(word, position in anchored)
    is_said = said >= unsaid
    states = []
    for to_said, to_unsaid in reversed(choices):
        states.append(is_said)
        is_said ^= to_said if is_said else to_unsaid
    return states[::-1]


def _ratio(word: Word | None, is_anchor: bool) -> float:
    if word is None:
        return LEFT_OUT
    ratio = PLACED + (ANCHOR if is_anchor else 0.0)
    if len(word.text) >= MIN_LETTERS:
        log_prob = math.log(max(word.confidence, 1e-9))
        ratio += next(value for bound, value in FITS if log_prob >= bound)
    return ratio
