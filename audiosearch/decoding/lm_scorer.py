"""Weighted scores of words for pyctcdecode's search (``pyctcdecode_engine.py``)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from audiosearch.config import DecoderConfig

if TYPE_CHECKING:
    from audiosearch.core import NgramModel
    from audiosearch.language_model.kenlm_model import KenlmScorer
    from audiosearch.language_model.model import LanguageModel

_LONG_WORD = 6
"""Letters beyond which the penalty of an unknown word grows with its length, as in pyctcdecode."""

_CACHE_SIZE = 200_000
"""Word beginnings whose scores are cached: some 30 MB."""


class LanguageModelScorer:
    """Probabilities of a language model, weighted as pyctcdecode does, except that an empty last word has no score.

    pyctcdecode scores an empty last word, after silence or a space at the end, as an unknown one. And it keeps word
    beginnings in a trie that takes seconds and 70 MB to build; a sorted list gives the same answers.

    Args:
        language_model: of this program, or a KenLM binary.
        hotwords: further words that are not scored as unknown.

    Raises:
        LanguageModelError: the language model is damaged, or kenlm is needed and not installed.
    """

    def __init__(self, language_model: LanguageModel, config: DecoderConfig, hotwords: Collection[str] = ()) -> None:
        self.config = config
        self._ngrams = _open(language_model)
        self._known = frozenset((*self._ngrams.words, *hotwords))
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


def _open(language_model: LanguageModel) -> NgramModel | KenlmScorer:
    if not language_model.is_kenlm:
        return language_model.ngrams
    from audiosearch.language_model.kenlm_model import KenlmScorer

    return KenlmScorer(language_model.path)
