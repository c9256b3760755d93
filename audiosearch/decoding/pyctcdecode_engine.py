"""The search of pyctcdecode, as it is, for those who want it (``decoder.engine: pyctcdecode``).

The only file that knows pyctcdecode, which need not be installed. The library gets labels with ``""`` for the blank,
log-probabilities, and the scores that the built-in search goes by, so that the two can be compared.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from audiosearch.config import DecoderConfig
from audiosearch.decoding.beam_search import End, Limits
from audiosearch.decoding.prefix_tree import Words, WordScores
from audiosearch.errors import ConfigError
from audiosearch.types import Hypothesis

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def check_engine(config: DecoderConfig, hotwords: Sequence[str]) -> None:
    """Raise ConfigError if the engine of the settings is not installed, or cannot do what is asked of it."""
    if config.engine != "pyctcdecode":
        return
    if find_spec("pyctcdecode") is None:
        raise ConfigError(
            "decoder.engine pyctcdecode: the library is not installed; with a Python below 3.13, "
            "run pip install 'audiosearch[pyctcdecode]', or set decoder.engine to builtin."
        )
    if hotwords:
        raise ConfigError(
            f"decoder.engine pyctcdecode takes no hot words such as {hotwords[0]!r}: "
            "leave them out, or set decoder.engine to builtin."
        )


class PyctcdecodeSearch:
    """The beam search of pyctcdecode.

    Args:
        labels: V, with ``""`` for the blank.
        scores: of words; without, letters are weighed by the emissions alone.
    """

    def __init__(self, labels: Sequence[str], scores: WordScores | None) -> None:
        from pyctcdecode.alphabet import Alphabet
        from pyctcdecode.decoder import BeamSearchDecoderCTC

        # Any, as the library's base class of language models is not there to inherit where it is not installed.
        language_model: Any = None if scores is None else _LanguageModel(scores)
        self._decoder = BeamSearchDecoderCTC(Alphabet(list(labels), is_bpe=False), language_model)
        # The library keeps language models in a table of its class until told otherwise.
        weakref.finalize(self, self._decoder.cleanup)

    def search(self, log_probs: NDArray[np.floating[Any]], limits: Limits) -> tuple[list[Hypothesis], list[End]]:
        """Texts for log-probs [T', V], best first; and the same as ends of a lattice without rivals.

        The library forgets the beams that it gives up: only those that are left in the end compete.
        """
        found = self._decoder.decode_beams(
            log_probs,
            beam_width=limits.beam_width,
            beam_prune_logp=limits.beam_prune_logp,
            token_min_logp=limits.token_min_logp,
            prune_history=limits.prune_history,
        )
        texts = [Hypothesis(text, float(score)) for text, _, _, _, score in found]
        ends = [End(_chain(frames), "", float(score)) for _, _, frames, _, score in found]
        return texts, ends


class _LanguageModel:
    """Scores of words under the names of pyctcdecode's AbstractLanguageModel."""

    def __init__(self, scores: WordScores) -> None:
        self.order = scores.order
        self.get_start_state = scores.start
        self.score_partial_token = scores.score_part
        self._score = scores.score

    def score(self, prev_state: Any, word: str, is_last_word: bool = False) -> tuple[float, Any]:
        return self._score(prev_state, word, is_last_word)


def _chain(frames: Iterable[tuple[str, tuple[int, int]]]) -> Words:
    """Words in a row, each said from the end of the one before to its own."""
    words = Words(None, "", 0, (), None, 0.0, None, 0.0)
    for word, (_, end) in frames:
        words = Words(words, word, end, (), None, 0.0, None, 0.0)
    return words
