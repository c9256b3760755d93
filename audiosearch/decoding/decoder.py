"""Emissions to text and timed words: greedy decoding, or beam search with a language model, in one or more processes.

The search is that of ``beam_search.py`` or pyctcdecode's (``pyctcdecode_engine.py``); the results are the same.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.alignment.forced_alignment import align
from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.alternatives import confusion_slots
from audiosearch.decoding.beam_search import BeamSettings, FinalBeam, search
from audiosearch.decoding.confidence import Calibration
from audiosearch.decoding.hotwords import HotWords
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.decoding.label_priors import subtract_label_priors
from audiosearch.decoding.lexicon_search import LexiconSearch
from audiosearch.decoding.lm_scorer import LanguageModelScorer
from audiosearch.decoding.pyctcdecode_engine import PyctcdecodeSearch, check_engine
from audiosearch.errors import ConfigError
from audiosearch.parallel import ProcessPool
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.types import Emissions, PackedEmissions, Word

if TYPE_CHECKING:
    from audiosearch.language_model.kenlm_model import LanguageModel

__all__ = ["BeamDecoder", "DecodedSegment", "SegmentDecoder", "decoder_pool", "greedy", "segment_decoder_pool"]


def greedy(emissions: Emissions, alphabet: Alphabet) -> Hypothesis:
    """The text of the best label of each frame; its score is the log-probability of that one path."""
    if len(emissions) == 0:
        return Hypothesis("", 0.0)
    best = emissions.log_probs.argmax(1)
    changed = np.flatnonzero(np.diff(best, prepend=-1))
    text = alphabet.decode(best[changed].tolist())
    return Hypothesis(" ".join(text.split()), float(emissions.log_probs.max(1).sum(dtype=np.float64)))


class BeamDecoder:
    """Finds the text with the best combined score of emissions and language model.

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
        hot = HotWords(hotwords, config.hotword_weight)
        self._hotwords = hot or None
        self._scorer = None if language_model is None else LanguageModelScorer(language_model, config, hot.words)
        self._library = PyctcdecodeSearch(alphabet.labels, self._scorer) if config.engine == "pyctcdecode" else None

    def set_weights(self, alpha: float, beta: float, prior: float) -> None:
        """Change the weights from now on, without reading the language model again."""
        self.config = self.config.model_copy(update={"alpha": alpha, "beta": beta, "prior_weight": prior})
        if self._scorer is not None:
            self._scorer.config = self.config

    @cached_property
    def _lexicon(self) -> LexiconSearch | None:
        return None if self._scorer is None else LexiconSearch(*self._scorer.word_priors(), self.alphabet)

    def prepare(self) -> None:
        """Build the lexicon and compile its search, which would delay the first ``decode_with_alternatives``."""
        if self._lexicon is not None:
            self._lexicon.prepare()

    def decode_with_alternatives(self, emissions: Emissions) -> Hypothesis:
        """The best text, with the confusion slot of each of its words."""
        emissions = subtract_label_priors(emissions, self.config)
        hypotheses, beams = self._search(emissions, prune_history=True)
        best = hypotheses[0]
        if not best.text:
            return best
        score_in_context = None if self._scorer is None else self._scorer.score_in_context
        slots = confusion_slots(best.text, beams, emissions, self.alphabet, self._lexicon, score_in_context)
        return replace(best, slots=slots)

    def decode(self, emissions: Emissions, n_best: int = 1) -> tuple[Hypothesis, ...]:
        """At most ``n_best`` different texts, best first; at least one, which may be empty."""
        hypotheses, _ = self._search(subtract_label_priors(emissions, self.config), prune_history=n_best == 1)
        return tuple(hypotheses[:n_best])

    def _search(self, emissions: Emissions, *, prune_history: bool) -> tuple[list[Hypothesis], list[FinalBeam]]:
        """Hypotheses, best first, and the final beams of the lattice."""
        if len(emissions) == 0:
            return [Hypothesis("", 0.0)], []
        config = self.config
        settings = BeamSettings(config.beam_width, config.beam_prune_logp, config.token_min_logp, prune_history)
        if self._library is not None:
            return self._library.search(emissions.log_probs, settings)
        return search(emissions.log_probs, self.alphabet.labels, self._scorer, self._hotwords, settings)


@dataclass(frozen=True, slots=True)
class DecodedSegment:
    """Words of a segment, and its packed emissions if they are to be kept."""

    words: tuple[Word, ...]
    emissions: tuple[PackedEmissions, ...] = ()


class SegmentDecoder:
    """Turns the emissions of a segment into timed words with confidences and alternatives.

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
            words = self.calibration.rescore(words, hypothesis.slots, self.fixed_words)
        packed = pack_in_pieces(subtract_label_priors(emissions, self.config)) if self.keep_emissions else ()
        return DecodedSegment(words, tuple(packed))


def segment_decoder_pool(
    alphabet: Alphabet,
    config: DecoderConfig,
    language_model: LanguageModel | None,
    hotwords: Sequence[str],
    calibration: Calibration,
    *,
    is_greedy: bool = False,
    keep_emissions: bool = False,
) -> ProcessPool[Emissions, DecodedSegment]:
    """A pool of processes, each with a ``SegmentDecoder``; see ``decoder_pool``.

    Greedy decoding takes less time than sending the emissions to another process: it works in this one.
    """
    make = _MakeSegmentDecoder(
        alphabet,
        config,
        language_model,
        tuple(hotwords),
        calibration,
        is_greedy=is_greedy,
        keep_emissions=keep_emissions,
    )
    return ProcessPool(make, 1 if is_greedy else config.processes)


def decoder_pool(
    alphabet: Alphabet,
    config: DecoderConfig,
    language_model: LanguageModel | None = None,
    hotwords: Sequence[str] = (),
    processes: int | None = None,
) -> ProcessPool[Emissions, Hypothesis]:
    """A pool of processes, each with a ``BeamDecoder``, that maps emissions to hypotheses with alternatives.

    The processes are spawned, as torch has threads that a fork would not survive, and load no torch. Each reads the
    language model once; its file is mapped into memory, which they share.

    Args:
        processes: that of the configuration by default; 1 works in this process; 0 means one for each core.
    """
    make = _MakeDecoder(alphabet, config, language_model, tuple(hotwords))
    return ProcessPool(make, config.processes if processes is None else processes)


class _MakeDecoder:
    """Creates the function that a process applies; a class, since it must be picklable."""

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None,
        hotwords: tuple[str, ...],
    ) -> None:
        self.arguments = (alphabet, config, language_model, hotwords)

    def __call__(self) -> Callable[[Emissions], Hypothesis]:
        decoder = BeamDecoder(*self.arguments)
        decoder.prepare()
        return decoder.decode_with_alternatives


@dataclass(frozen=True)
class _MakeSegmentDecoder:
    """Creates the function of a ``segment_decoder_pool``."""

    alphabet: Alphabet
    config: DecoderConfig
    language_model: LanguageModel | None
    hotwords: tuple[str, ...]
    calibration: Calibration
    is_greedy: bool
    keep_emissions: bool

    def __call__(self) -> Callable[[Emissions], DecodedSegment]:
        decoder = None
        if not self.is_greedy:
            decoder = BeamDecoder(self.alphabet, self.config, self.language_model, self.hotwords)
            decoder.prepare()
        fixed_words = frozenset(word for phrase in self.hotwords for word in phrase.split())
        segments = SegmentDecoder(
            self.alphabet, self.config, decoder, self.calibration, fixed_words, self.keep_emissions
        )
        return segments.decode_segment
