"""Emissions to text: the likeliest label of each frame, or a beam search weighed by a language model.

The only file that knows pyctcdecode. It gets labels with ``""`` for the blank and log-probabilities, never something
to guess at. Its own search loop is replaced by that of ``beam.py``, which finds the same in less time.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
import weakref
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pyctcdecode.alphabet import Alphabet as Labels
from pyctcdecode.decoder import BeamSearchDecoderCTC
from pyctcdecode.language_model import AbstractLanguageModel, HotwordScorer

from audiosearch.beam import Limits, search
from audiosearch.config import DecoderConfig
from audiosearch.text import Alphabet, normalise
from audiosearch.types import Emissions, Hypothesis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiosearch.lm import LanguageModel

__all__ = ["BeamDecoder", "greedy"]

_LONG_WORD = 6
"""Letters from which on an unknown word costs more with each letter; as in pyctcdecode."""


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
        hotwords: words, or phrases word by word, to be preferred where they fit.

    Raises:
        LanguageModelError: the language model is damaged.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None = None,
        hotwords: Sequence[str] = (),
    ) -> None:
        self.config = config
        self._hotwords = [word for phrase in hotwords for word in normalise(phrase).split()]
        self._scores = None if language_model is None else _WordScores(language_model, config)
        self._decoder = _Decoder(Labels(list(alphabet.labels), is_bpe=False), self._scores)
        # pyctcdecode keeps language models in a table of its class until told otherwise.
        weakref.finalize(self, self._decoder.cleanup)

    def weigh(self, alpha: float, beta: float) -> None:
        """Take other weights from now on, without reading the language model again."""
        self.config = self.config.model_copy(update={"alpha": alpha, "beta": beta})
        if self._scores is not None:
            self._scores.config = self.config

    def decode(self, emissions: Emissions, n_best: int = 1) -> tuple[Hypothesis, ...]:
        """At most ``n_best`` texts, all different, best first; at least one, which may be empty."""
        if len(emissions) == 0:
            return (Hypothesis("", 0.0),)
        log_probs: NDArray[Any] = emissions.log_probs
        found = self._decoder.decode_beams(
            log_probs,
            beam_width=self.config.beam_width,
            beam_prune_logp=self.config.beam_prune_logp,
            token_min_logp=self.config.token_min_logp,
            prune_history=n_best == 1,
            hotwords=self._hotwords,
            hotword_weight=self.config.hotword_weight,
        )
        return tuple(Hypothesis(text, score) for text, _, _, _, score in found[:n_best])


class _Decoder(BeamSearchDecoderCTC):
    """pyctcdecode's decoder with a quicker loop."""

    def _decode_logits(
        self,
        logits: NDArray[Any],
        beam_width: int,
        beam_prune_logp: float,
        token_min_logp: float,
        prune_history: bool,
        hotword_scorer: HotwordScorer,
        lm_start_state: Any = None,
    ) -> list[Any]:
        assert lm_start_state is None
        limits = Limits(beam_width, beam_prune_logp, token_min_logp, prune_history)
        hotwords = hotword_scorer if len(hotword_scorer._char_trie) else None
        found = search(logits, self._alphabet.labels, self._language_model, hotwords, limits)
        return [(f.text, None, [], f.acoustic, f.score) for f in found]


class _WordScores(AbstractLanguageModel):
    """KenLM's probabilities as pyctcdecode weighs them, except that no word is made of nothing.

    pyctcdecode scores an empty last word, as of silence or of a space at the end, as an unknown one. And it keeps
    the beginnings of words in a tree that takes seconds and 70 MB to grow; a sorted list answers as well.
    """

    def __init__(self, language_model: LanguageModel, config: DecoderConfig) -> None:
        self.config = config
        self._ngrams = language_model.open()
        self._known = frozenset(language_model.words)
        self._sorted = sorted(self._known)

    @property
    def order(self) -> int:
        return self._ngrams.order

    def get_start_state(self) -> Any:
        return self._ngrams.start()

    def score(self, prev_state: Any, word: str, is_last_word: bool = False) -> tuple[float, Any]:
        log10, state, bonus = 0.0, prev_state, 0.0
        if word:
            log10, state = self._ngrams.score(prev_state, word)
            bonus = self.config.beta
            if word not in self._known:
                log10 += self.config.unknown_score
        if is_last_word:
            log10 += self._ngrams.score_end(state)
        return self.config.alpha * log10 * math.log(10) + bonus, state

    def score_partial_token(self, partial_token: str) -> float:
        nearest = bisect_left(self._sorted, partial_token)
        if nearest < len(self._sorted) and self._sorted[nearest].startswith(partial_token):
            return 0.0
        return self.config.unknown_score * max(1.0, len(partial_token) / _LONG_WORD)
