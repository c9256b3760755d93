"""Emissions to text: the likeliest label of each frame, or a beam search weighed by a language model.

The search is that of ``beam.py``, or pyctcdecode's (``pyctcdecode_engine.py``), which finds the same in more time.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.alternatives import slots
from audiosearch.decoding.beam_search import End, Limits, search
from audiosearch.decoding.hotwords import HotWords
from audiosearch.decoding.label_priors import divide
from audiosearch.decoding.lexicon_search import Lexicon
from audiosearch.decoding.pyctcdecode_engine import PyctcdecodeSearch, check_engine
from audiosearch.errors import ConfigError
from audiosearch.types import Emissions, Hypothesis

if TYPE_CHECKING:
    from audiosearch.language_model.kenlm_model import LanguageModel

__all__ = ["BeamDecoder", "greedy"]

_LONG_WORD = 6
"""Letters from which on an unknown word costs more with each letter; as in pyctcdecode."""

_REMEMBERED = 200_000
"""Beginnings of words whose scores are kept: some 30 MB."""


def greedy(emissions: Emissions, alphabet: Alphabet) -> Hypothesis:
    """The text of the likeliest label of each frame; its score is the probability of that one path."""
    if len(emissions) == 0:
        return Hypothesis("", 0.0)
    best = emissions.log_probs.argmax(1)
    changed = np.flatnonzero(np.diff(best, prepend=-1))
    text = alphabet.decode(best[changed].tolist())
    return Hypothesis(" ".join(text.split()), float(emissions.log_probs.max(1).sum(dtype=np.float64)))


class BeamDecoder:
    """Finds the text that emissions and language model together make likeliest.

    Args:
        alphabet: the labels of the emissions.
        config: weights and limits of the search.
        language_model: without one, letters are weighed by the emissions alone.
        hotwords: words and phrases to be preferred where they fit, known to the language model or not.

    Raises:
        LanguageModelError: the language model is damaged.
        ConfigError: the priors are those of other labels, or the engine is not installed or takes no hot words.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None = None,
        hotwords: Sequence[str] = (),
    ) -> None:
        if len(config.label_priors) not in (0, len(alphabet.labels)):
            count = len(config.label_priors)
            raise ConfigError(
                f"decoder.label_priors has {count} numbers for {len(alphabet.labels)} labels: run 'audiosearch tune'."
            )
        check_engine(config, hotwords)
        self.alphabet = alphabet
        self.config = config
        hot = HotWords(hotwords, config.hotword_weight)
        self._hotwords = hot or None
        self._scores = None if language_model is None else _WordScores(language_model, config, hot.words)
        self._library = PyctcdecodeSearch(alphabet.labels, self._scores) if config.engine == "pyctcdecode" else None

    def weigh(self, alpha: float, beta: float, prior: float) -> None:
        """Take other weights from now on, without reading the language model again."""
        self.config = self.config.model_copy(update={"alpha": alpha, "beta": beta, "prior_weight": prior})
        if self._scores is not None:
            self._scores.config = self.config

    @cached_property
    def _lexicon(self) -> Lexicon | None:
        return None if self._scores is None else Lexicon(*self._scores.priors(), self.alphabet)

    def prepare(self) -> None:
        """Do now what would make the first ``read`` slow."""
        if self._lexicon is not None:
            self._lexicon.prepare()

    def read(self, emissions: Emissions) -> Hypothesis:
        """The best text, and for each of its words what competed with it."""
        emissions = divide(emissions, self.config)
        found, ends = self._search(emissions, prune_history=True)
        best = found[0]
        if not best.text:
            return best
        in_context = None if self._scores is None else self._scores.in_context
        competing = slots(best.text, ends, emissions, self.alphabet, self._lexicon, in_context)
        return replace(best, slots=competing)

    def decode(self, emissions: Emissions, n_best: int = 1) -> tuple[Hypothesis, ...]:
        """At most ``n_best`` texts, all different, best first; at least one, which may be empty."""
        found, _ = self._search(divide(emissions, self.config), prune_history=n_best == 1)
        return tuple(found[:n_best])

    def _search(self, emissions: Emissions, *, prune_history: bool) -> tuple[list[Hypothesis], list[End]]:
        """Texts, best first, and the ends of the lattice that was searched."""
        if len(emissions) == 0:
            return [Hypothesis("", 0.0)], []
        config = self.config
        limits = Limits(config.beam_width, config.beam_prune_logp, config.token_min_logp, prune_history)
        if self._library is not None:
            return self._library.search(emissions.log_probs, limits)
        return search(emissions.log_probs, self.alphabet.labels, self._scores, self._hotwords, limits)


class _WordScores:
    """KenLM's probabilities as pyctcdecode weighs them, except that no word is made of nothing.

    pyctcdecode scores an empty last word, as of silence or of a space at the end, as an unknown one. And it keeps
    the beginnings of words in a tree that takes seconds and 70 MB to grow; a sorted list answers as well.
    """

    def __init__(self, language_model: LanguageModel, config: DecoderConfig, hotwords: Collection[str] = ()) -> None:
        self.config = config
        self._ngrams = language_model.open()
        self._known = frozenset((*language_model.words, *hotwords))
        self._sorted = sorted(self._known)
        self._partial: dict[str, float] = {}

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

    def priors(self) -> tuple[list[str], list[float]]:
        """Known words, and their weighted scores after a word that is unknown."""
        state = self._ngrams.score(self._ngrams.start(), "<unk>")[1]
        weight = self.config.alpha * math.log(10)
        return self._sorted, [weight * self._ngrams.score(state, word)[0] for word in self._sorted]

    def in_context(self, words: Sequence[str], place: int, others: Sequence[str]) -> list[float]:
        """Weighted scores of words in place of one of ``words``; only their differences mean something."""
        state = self._ngrams.start()
        for word in words[max(0, place - self.order + 1) : place]:
            state = self._ngrams.score(state, word)[1]
        following = words[place + 1] if place + 1 < len(words) else None
        weight = self.config.alpha * math.log(10)
        found = self._ngrams.score_each(state, others, following)
        return [
            weight * (log10 if other in self._known else log10 + self.config.unknown_score)
            for other, log10 in zip(others, found, strict=True)
        ]

    def score_part(self, part: str) -> float:
        found = self._partial.get(part)
        if found is None:
            if len(self._partial) >= _REMEMBERED:
                self._partial.clear()
            found = self._partial[part] = self._begins(part)
        return found

    def _begins(self, part: str) -> float:
        nearest = bisect_left(self._sorted, part)
        if nearest < len(self._sorted) and self._sorted[nearest].startswith(part):
            return 0.0
        return self.config.unknown_score * max(1.0, len(part) / _LONG_WORD)
