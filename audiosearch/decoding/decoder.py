"""Emissions to text and timed words: greedy decoding, or beam search with a language model.

The search is that of the core (``core/beam_search.cpp``) or pyctcdecode's (``pyctcdecode_engine.py``); their texts and
scores are the same.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.alignment.forced_alignment import align
from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.core import Decoder, SearchSettings
from audiosearch.decoding.confidence import Calibration
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.decoding.label_priors import subtract_label_priors
from audiosearch.decoding.pyctcdecode_engine import PyctcdecodeSearch, check_engine
from audiosearch.errors import ConfigError
from audiosearch.normalizer import normalize
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.types import Emissions, PackedEmissions, Seconds, Word

if TYPE_CHECKING:
    from audiosearch.language_model.model import LanguageModel

__all__ = ["BeamDecoder", "DecodedSegment", "SegmentDecoder", "greedy"]

MARGIN: Seconds = 0.24
"""Time that a candidate may extend beyond the first and last letter of the word in its place, between its neighbors."""


def greedy(emissions: Emissions, alphabet: Alphabet) -> Hypothesis:
    """The text of the best label of each frame; its score is the log-probability of that one path."""
    if len(emissions) == 0:
        return Hypothesis("", 0.0)
    best = emissions.log_probs.argmax(1)
    changed = np.flatnonzero(np.diff(best, prepend=-1))
    text = alphabet.decode(best[changed].tolist())
    return Hypothesis(" ".join(text.split()), float(emissions.log_probs.max(1).sum(dtype=np.float64)))


class BeamDecoder:
    """Finds the text with the best combined score of emissions and language model; threads may share it.

    Args:
        alphabet: the labels of the emissions.
        config: weights and limits of the search.
        language_model: without it, only the emissions are scored.
        hotwords: words and phrases to prefer where they fit, known to the language model or not.

    Raises:
        LanguageModelError: the language model is damaged.
        ConfigError: the priors are of other labels, or the engine is not installed or does not support hot words.
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
        self._language_model = language_model
        self._library = None
        if config.engine == "pyctcdecode":
            self._library = PyctcdecodeSearch(alphabet.labels, config, language_model)
            return
        ngrams = None if language_model is None else language_model.ngrams
        phrases = [normalize(phrase).split() for phrase in hotwords]
        self._core = Decoder(alphabet.labels, ngrams, phrases, config.hotword_weight)

    def decode_with_alternatives(self, emissions: Emissions) -> Hypothesis:
        """The best text, with the confusion slot of each of its words; without slots by pyctcdecode's search."""
        if len(emissions) == 0:
            return Hypothesis("", 0.0)
        log_probs = subtract_label_priors(emissions, self.config).log_probs
        if self._library is not None:
            return Hypothesis(*self._library.decode(log_probs, prune_history=True)[0])
        margin = round(MARGIN / emissions.frame_duration)
        text, score, slots = self._core.decode_with_alternatives(log_probs, self._settings(prune_history=True), margin)
        return Hypothesis(text, score, tuple(slots))

    def decode(self, emissions: Emissions, n_best: int = 1) -> tuple[Hypothesis, ...]:
        """At most ``n_best`` different texts, best first; at least one, which may be empty."""
        if len(emissions) == 0:
            return (Hypothesis("", 0.0),)
        log_probs = subtract_label_priors(emissions, self.config).log_probs
        if self._library is not None:
            results = self._library.decode(log_probs, prune_history=n_best == 1)
        else:
            results = self._core.decode(log_probs, self._settings(prune_history=n_best == 1))
        return tuple(Hypothesis(text, score) for text, score in results[:n_best])

    def with_weights(self, alpha: float, beta: float, prior: float) -> BeamDecoder:
        """A decoder with other weights, which shares everything else with this one."""
        decoder = copy(self)
        decoder.config = self.config.model_copy(update={"alpha": alpha, "beta": beta, "prior_weight": prior})
        if self._library is not None:
            decoder._library = PyctcdecodeSearch(self.alphabet.labels, decoder.config, self._language_model)
        return decoder

    def _settings(self, *, prune_history: bool) -> SearchSettings:
        config = self.config
        return SearchSettings(
            config.alpha,
            config.beta,
            config.unknown_score,
            config.beam_width,
            config.beam_prune_logp,
            config.token_min_logp,
            prune_history,
        )


@dataclass(frozen=True, slots=True)
class DecodedSegment:
    """Words of a segment, and its packed emissions if they are to be kept."""

    words: tuple[Word, ...]
    emissions: tuple[PackedEmissions, ...] = ()


class SegmentDecoder:
    """Turns the emissions of a segment into timed words with confidences and alternatives; threads may share it.

    Args:
        alphabet: the labels of the emissions.
        config: its label priors are subtracted from kept emissions.
        decoder: beam search; None for greedy decoding, which gives no alternatives.
        calibration: of the confidences.
        fixed_words: words that are never replaced by an alternative.
        keep_emissions: pack the emissions, for searching by sound.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        decoder: BeamDecoder | None,
        calibration: Calibration,
        fixed_words: Collection[str] = (),
        keep_emissions: bool = False,
    ) -> None:
        self.alphabet = alphabet
        self.config = config
        self.decoder = decoder
        self.calibration = calibration
        self.fixed_words = fixed_words
        self.keep_emissions = keep_emissions

    def decode_segment(self, emissions: Emissions) -> DecodedSegment:
        """Words of a segment, and its packed emissions."""
        if self.decoder is None:
            words = align(emissions, greedy(emissions, self.alphabet).text, self.alphabet)
        else:
            hypothesis = self.decoder.decode_with_alternatives(emissions)
            words = align(emissions, hypothesis.text, self.alphabet)
            if hypothesis.slots:
                words = self.calibration.rescore(words, hypothesis.slots, self.fixed_words)
        packed = pack_in_pieces(subtract_label_priors(emissions, self.config)) if self.keep_emissions else ()
        return DecodedSegment(words, tuple(packed))
