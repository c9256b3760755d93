"""Prefixes of the beam search (``beam_search.py``) as a tree; each is created and scored once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from audiosearch.decoding.hotwords import HotState, HotWords

TWO_BEAMS = math.log(2)
"""Largest gain of a beam by merging another beam, which scores no better, into it."""


class WordScorer(Protocol):
    """Weighted log-probabilities of words by a language model."""

    @property
    def order(self) -> int:
        """Number of words that one score depends on: the word itself and those before it."""

    def start(self) -> Any:
        """State before the first word."""

    def score(self, state: Any, word: str, last: bool = False) -> tuple[float, Any]:
        """Score of a complete word after a state, and the next state; ``last`` adds the score of the sentence end."""

    def score_partial(self, part: str) -> float:
        """Score of the letters of an incomplete word; never above 0."""


class WordHistory:
    """Complete words of a prefix, as a linked list from the last one backwards."""

    __slots__ = (
        *("bonus", "end_frame", "hot_state", "lm_score", "previous", "recent", "rivals", "score", "state", "word"),
    )

    def __init__(
        self,
        previous: WordHistory | None,
        word: str,
        end_frame: int,
        recent: tuple[str, ...],
        state: Any,
        lm_score: float,
        hot_state: HotState | None,
        bonus: float,
    ) -> None:
        self.previous = previous  # None before the first word
        self.word = word
        self.end_frame = end_frame  # frame in which the word was first complete
        self.recent = recent  # last words, as many as the language model depends on
        self.state = state  # of the language model
        self.lm_score = lm_score
        self.hot_state = hot_state
        self.bonus = bonus  # final bonus of hot words
        self.score = lm_score if hot_state is None else lm_score + bonus + hot_state.pending_bonus
        self.rivals: dict[WordHistory, float] = {}  # pruned in favor of this one, with their highest relative score

    @property
    def text(self) -> str:
        """All words, joined by spaces."""
        history, words = self, []
        while history.previous is not None:
            words.append(history.word)
            history = history.previous
        return " ".join(reversed(words))


class Prefix:
    """Complete words and the letters after the last space.

    A prefix refers to its children and not to its parent, so that a prefix that no beam can return to is freed. A
    child that is alive keeps its identity as long as its parent may be extended.
    """

    __slots__ = ("ceiling", "children", "history", "part", "score")

    def __init__(self, history: WordHistory, part: str, score: float, ceiling: float) -> None:
        self.history = history
        self.part = part
        self.score = score
        self.ceiling = ceiling  # upper bound of the score of two merged beams with one letter more
        self.children: dict[int, Prefix] = {}


class PrefixTree:
    """Creates prefixes with their scores."""

    def __init__(self, labels: Sequence[str], scorer: WordScorer | None, hotwords: HotWords | None) -> None:
        self.labels = labels
        self.space = labels.index(" ") if " " in labels else -1
        self.scorer = scorer
        self.hotwords = hotwords
        self.context = 1 if scorer is None else max(1, scorer.order - 1)
        self.partial_scores: dict[str, float] = {"": 0.0}
        self.frame = 0
        self.letter_bonus = 0.0 if hotwords is None else hotwords.weight

    def root(self) -> Prefix:
        """The empty prefix. The tree keeps no reference: prefixes live as long as a beam leads to them or a parent."""
        state = None if self.scorer is None else self.scorer.start()
        hot_state = None if self.hotwords is None else self.hotwords.start
        empty = WordHistory(None, "", 0, (), state, 0.0, hot_state, 0.0)
        return Prefix(empty, "", 0.0, TWO_BEAMS + self.letter_bonus)

    def extend(self, prefix: Prefix, label: int, min_score: float) -> Prefix | None:
        """The prefix with one more character, or None if even two merged beams of it would score below ``min_score``.

        Spaces at the start or after another space add nothing.
        """
        history, part = prefix.history, prefix.part
        if label != self.space:
            part += self.labels[label]
        elif part:
            history, part = self._complete(history, part), ""
        else:
            return prefix
        partial_scores = self.partial_scores if history.hot_state is None else history.hot_state.partial_scores
        partial = partial_scores.get(part)
        if partial is None:
            partial = partial_scores[part] = self._partial(history.hot_state, part)
        score = history.score + partial
        if score + TWO_BEAMS < min_score:
            return None
        # A letter adds a score of at most 0, unless it begins or continues a hot word.
        ceiling = history.score + TWO_BEAMS
        if self.letter_bonus and (partial > 0 or not part):
            ceiling += self.letter_bonus * (len(part) + 1)
        child = prefix.children[label] = Prefix(history, part, score, ceiling)
        return child

    def final_score(self, prefix: Prefix) -> float:
        """Score of a prefix as the complete text, without the acoustic score."""
        history = prefix.history
        score = history.lm_score + history.bonus
        if history.hot_state is not None and prefix.part:
            score += history.hot_state.advance(prefix.part)[0]
        if self.scorer is not None:
            score += self.scorer.score(history.state, prefix.part, last=True)[0]
        return score

    def _complete(self, history: WordHistory, word: str) -> WordHistory:
        lm_score, state, hot_state, bonus = history.lm_score, history.state, history.hot_state, history.bonus
        if self.scorer is not None:
            score, state = self.scorer.score(state, word)
            lm_score += score
        if hot_state is not None:
            final_bonus, hot_state = hot_state.advance(word)
            bonus += final_bonus
        recent = (*history.recent, word)[-self.context :]
        return WordHistory(history, word, self.frame, recent, state, lm_score, hot_state, bonus)

    def _partial(self, hot_state: HotState | None, part: str) -> float:
        if hot_state is not None and (bonus := hot_state.partial_bonus(part)):
            return bonus
        return 0.0 if self.scorer is None else self.scorer.score_partial(part)
