"""Weighted scores of words by a KenLM model, as the beam search and the alternatives use them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from audiosearch.config import DecoderConfig

if TYPE_CHECKING:
    from audiosearch.language_model.kenlm_model import LanguageModel

_LONG_WORD = 6
"""Letters beyond which the penalty of an unknown word grows with its length, as in pyctcdecode."""

_CACHE_SIZE = 200_000
"""Word beginnings whose scores are cached: some 30 MB."""


class LanguageModelScorer:
    """KenLM's probabilities, weighted as pyctcdecode does, except that an empty last word has no score.

    pyctcdecode scores an empty last word, after silence or a space at the end, as an unknown one. And it keeps word
    beginnings in a trie that takes seconds and 70 MB to build; a sorted list gives the same answers.
    """

    def __init__(self, language_model: LanguageModel, config: DecoderConfig, hotwords: Collection[str] = ()) -> None:
        self.config = config
        self._ngrams = language_model.open()
        self._known = frozenset((*language_model.words, *hotwords))
        self._sorted = sorted(self._known)
        self._partial_scores: dict[str, float] = {}

    @property
    def order(self) -> int:
        return self._ngrams.order

    def start(self) -> Any:
        return self._ngrams.start()

    def score(self, state: Any, word: str, last: bool = False) -> tuple[float, Any]:
        log10, bonus = 0.0, 0.0
        if word:
            log10, state = self._ngrams.score(state, word)
            bonus = self.config.beta
            if word not in self._known:
                log10 += self.config.unknown_score
        if last:
            log10 += self._ngrams.score_end(state)
        return self.config.alpha * log10 * math.log(10) + bonus, state

    def word_priors(self) -> tuple[list[str], list[float]]:
        """Known words, and their weighted scores after an unknown word."""
        state = self._ngrams.score(self._ngrams.start(), "<unk>")[1]
        weight = self.config.alpha * math.log(10)
        return self._sorted, [weight * self._ngrams.score(state, word)[0] for word in self._sorted]

    def score_in_context(self, words: Sequence[str], position: int, candidates: Sequence[str]) -> list[float]:
        """Weighted scores of candidates in place of one of ``words``; only their differences are meaningful."""
        state = self._ngrams.start()
        for word in words[max(0, position - self.order + 1) : position]:
            state = self._ngrams.score(state, word)[1]
        following = words[position + 1] if position + 1 < len(words) else None
        weight = self.config.alpha * math.log(10)
        scores = self._ngrams.score_each(state, candidates, following)
        return [
            weight * (log10 if candidate in self._known else log10 + self.config.unknown_score)
            for candidate, log10 in zip(candidates, scores, strict=True)
        ]

    def score_partial(self, part: str) -> float:
        score = self._partial_scores.get(part)
        if score is None:
            if len(self._partial_scores) >= _CACHE_SIZE:
                self._partial_scores.clear()
            score = self._partial_scores[part] = self._partial_score(part)
        return score

    def _partial_score(self, part: str) -> float:
        nearest = bisect_left(self._sorted, part)
        if nearest < len(self._sorted) and self._sorted[nearest].startswith(part):
            return 0.0
        return self.config.unknown_score * max(1.0, len(part) / _LONG_WORD)
