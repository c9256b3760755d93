"""pyctcdecode's beam search as an engine (``decoder.engine: pyctcdecode``).

The only file that imports pyctcdecode, which need not be installed. The library gets labels with ``""`` for the blank,
log-probabilities, and the scorer of the built-in search, so that the two can be compared.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from audiosearch.config import DecoderConfig
from audiosearch.decoding.beam_search import BeamSettings, FinalBeam
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.decoding.prefix_tree import WordHistory, WordScorer
from audiosearch.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    """The beam search of pyctcdecode.

    Args:
        labels: V, with ``""`` for the blank.
        scorer: of words; without it, only the emissions are scored.
    """

    def __init__(self, labels: Sequence[str], scorer: WordScorer | None) -> None:
        from pyctcdecode.alphabet import Alphabet
        from pyctcdecode.decoder import BeamSearchDecoderCTC

        # Any, since the library's base class of language models exists only where the library is installed.
        language_model: Any = None if scorer is None else _LanguageModel(scorer)
        self._decoder = BeamSearchDecoderCTC(Alphabet(list(labels), is_bpe=False), language_model)
        # The library keeps language models in a class-level table until cleanup is called.
        weakref.finalize(self, self._decoder.cleanup)

    def search(
        self, log_probs: NDArray[np.floating[Any]], settings: BeamSettings
    ) -> tuple[list[Hypothesis], list[FinalBeam]]:
        """Hypotheses for log-probs [T', V], best first, and the same as final beams of a lattice without rivals.

        The library discards pruned beams: only those after the last frame compete.
        """
        results = self._decoder.decode_beams(
            log_probs,
            beam_width=settings.beam_width,
            beam_prune_logp=settings.beam_prune_logp,
            token_min_logp=settings.token_min_logp,
            prune_history=settings.prune_history,
        )
        hypotheses = [Hypothesis(text, float(score)) for text, _, _, _, score in results]
        beams = [FinalBeam(_history(frames), "", float(score)) for _, _, frames, _, score in results]
        return hypotheses, beams


class _LanguageModel:
    """A scorer with the method names of pyctcdecode's AbstractLanguageModel."""

    def __init__(self, scorer: WordScorer) -> None:
        self.order = scorer.order
        self.get_start_state = scorer.start
        self.score_partial_token = scorer.score_partial
        self._score = scorer.score

    def score(self, prev_state: Any, word: str, is_last_word: bool = False) -> tuple[float, Any]:
        return self._score(prev_state, word, is_last_word)


def _history(frames: Iterable[tuple[str, tuple[int, int]]]) -> WordHistory:
    """Words in a row, each from the end of the previous word to its own end."""
    history = WordHistory(None, "", 0, (), None, 0.0, None, 0.0)
    for word, (_, end) in frames:
        history = WordHistory(history, word, end, (), None, 0.0, None, 0.0)
    return history
