"""KenLM binaries, which pyctcdecode's search can score with (``decoding/pyctcdecode_engine.py``).

The only file that imports kenlm, which need not be installed. A KenLM binary does not list its words: a file
``words.txt`` or ``words.txt.xz`` beside it must, one per line.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiosearch.errors import LanguageModelError

WORD_LISTS = ("words.txt", "words.txt.xz")


class KenlmScorer:
    """Log10 probabilities of words after a state, which represents the preceding words.

    Args:
        path: a KenLM binary, with a word list beside it, or a model in ARPA format.
        words: of the model; None to read the word list.

    Raises:
        LanguageModelError: kenlm is not installed, the model is damaged, or there is no word list.
    """

    def __init__(self, path: Path, words: tuple[str, ...] | None = None) -> None:
        try:
            import kenlm
        except ImportError as error:
            raise LanguageModelError(
                f"{path}: is a KenLM binary, and kenlm is not installed; with a Python below 3.13, "
                "run pip install kenlm, or convert the ARPA file of the model with 'audiosearch lm --arpa FILE'."
            ) from error
        config = kenlm.Config()
        config.load_method = kenlm.LoadMethod.LAZY  # pages are read on demand
        config.show_progress = False  # no progress bar of text formats on standard error
        try:
            self._model: Any = kenlm.Model(str(path), config)
        except (OSError, RuntimeError) as error:
            raise LanguageModelError(
                f"{path}: the language model cannot be read; it is damaged or truncated."
            ) from error
        self._state: Callable[[], Any] = kenlm.State
        self.order: int = self._model.order
        self.words = _read_words(path.parent) if words is None else words

    def start(self) -> Any:
        """The state at the beginning of a sentence."""
        state = self._state()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Score of a word after a state, and the next state."""
        next_state = self._state()
        return self._model.BaseScore(state, word, next_state), next_state

    def score_end(self, state: Any) -> float:
        """Score of the sentence end after a state."""
        return self.score(state, "</s>")[0]


def _read_words(folder: Path) -> tuple[str, ...]:
    path = next((folder / name for name in WORD_LISTS if (folder / name).exists()), None)
    if path is None:
        raise LanguageModelError(f"{folder}: has no {WORD_LISTS[0]}, which must list the words of the KenLM binary.")
    try:
        with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
            words = tuple(file.read().split())
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise LanguageModelError(f"{path}: the word list cannot be read ({reason}).") from error
    if not words:
        raise LanguageModelError(f"{path}: the word list is empty.")
    return words
