"""pyctcdecode's beam search as an engine (``decoder.engine: pyctcdecode``).

The only file that imports pyctcdecode, which need not be installed. The library gets labels with ``""`` for the blank,
log-probabilities, and the scorer of the built-in search, so that the two can be compared.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from audiosearch.config import DecoderConfig
from audiosearch.decoding.lm_scorer import LanguageModelScorer
from audiosearch.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.language_model.model import LanguageModel


def check_engine(config: DecoderConfig, hotwords: Sequence[str]) -> None:
    """Raise ConfigError if the configured engine is not installed or does not support hot words."""
    if config.engine != "pyctcdecode":
        return
    if find_spec("pyctcdecode") is None:
        raise ConfigError(
            "decoder.engine pyctcdecode: the library is not installed; with a Python below 3.13, "
            "run pip install 'audiosearch[pyctcdecode]', or set decoder.engine to builtin."
        )
    if hotwords:
        raise ConfigError(
            f"decoder.engine pyctcdecode does not support hot words such as {hotwords[0]!r}: "
            "leave them out, or set decoder.engine to builtin."
        )


class PyctcdecodeSearch:
    """The beam search of pyctcdecode. It gives no alternatives of words.

    Args:
        labels: V, with ``""`` for the blank.
        config: weights and limits of the search.
        language_model: of words; without it, only the emissions are scored.
    """

    def __init__(self, labels: Sequence[str], config: DecoderConfig, language_model: LanguageModel | None) -> None:
        from pyctcdecode.alphabet import Alphabet
        from pyctcdecode.decoder import BeamSearchDecoderCTC

        self._config = config
        # Any, since the library's base class of language models exists only where the library is installed.
        scorer: Any = None if language_model is None else _LanguageModel(LanguageModelScorer(language_model, config))
        self._decoder = BeamSearchDecoderCTC(Alphabet(list(labels), is_bpe=False), scorer)
        # The library keeps language models in a class-level table until cleanup is called.
        weakref.finalize(self, self._decoder.cleanup)

    def decode(self, log_probs: NDArray[np.floating[Any]], *, prune_history: bool) -> list[tuple[str, float]]:
        """Texts with their scores for log-probs [T', V], best first."""
        results = self._decoder.decode_beams(
            log_probs,
            beam_width=self._config.beam_width,
            beam_prune_logp=self._config.beam_prune_logp,
            token_min_logp=self._config.token_min_logp,
            prune_history=prune_history,
        )
        return [(text, float(score)) for text, _, _, _, score in results]


class _LanguageModel:
    """A scorer with the method names of pyctcdecode's AbstractLanguageModel."""

    def __init__(self, scorer: LanguageModelScorer) -> None:
        self.order = scorer.order
        self.get_start_state = scorer.start
        self.score_partial_token = scorer.score_partial
        self._score = scorer.score

    def score(self, prev_state: Any, word: str, is_last_word: bool = False) -> tuple[float, Any]:
        return self._score(prev_state, word, is_last_word)
