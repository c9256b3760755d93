"""KenLM models: a quantized binary with its word list beside it.

A model folder holds ``lm.bin`` and ``words.txt.xz`` (one word per line, most frequent first); ``estimation.py`` writes
both.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiosearch.errors import LanguageModelError
from audiosearch.model_folder import verify

MODEL_NAME = "lm.bin"
WORDS_NAME = "words.txt.xz"

_MAGIC = b"mmap lm http://kheafield.com/code"


@dataclass(frozen=True)
class LanguageModel:
    """Path and vocabulary of an n-gram model.

    Args:
        path: a KenLM binary.
        words: most frequent first.
    """

    path: Path
    words: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path) -> LanguageModel:
        """Load the model of a folder, and check that it can be opened.

        Raises:
            ModelError: a file does not match the checksums beside it.
            LanguageModelError: a file is missing, damaged or of another kind.
        """
        path = folder / MODEL_NAME
        for name in (MODEL_NAME, WORDS_NAME):
            verify(folder / name)
        check_binary(path)
        model = cls(path, read_words(folder / WORDS_NAME))
        model.open()
        return model

    def open(self) -> KenlmScorer:
        """Map the model into memory, which processes share.

        Raises:
            LanguageModelError: the file is damaged.
        """
        return KenlmScorer(self.path)


class KenlmScorer:
    """Log10 probabilities of words after a state, which represents the preceding words."""

    def __init__(self, path: Path) -> None:
        import kenlm

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

    def start(self) -> Any:
        """The state at the beginning of a sentence."""
        state = self._state()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Score of a word after a state, and the next state."""
        next_state = self._state()
        return self._model.BaseScore(state, word, next_state), next_state

    def score_each(self, state: Any, words: Iterable[str], following: str | None) -> list[float]:
        """Score of each word after a state, plus that of the word ``following`` it, if any."""
        score, middle, last = self._model.BaseScore, self._state(), self._state()
        if following is None:
            return [score(state, word, middle) for word in words]
        return [score(state, word, middle) + score(middle, following, last) for word in words]

    def score_end(self, state: Any) -> float:
        """Score of the sentence end after a state."""
        return self.score(state, "</s>")[0]


def check_binary(path: Path) -> None:
    """Raise LanguageModelError unless ``path`` is a KenLM binary; the library would parse any other file as text."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise LanguageModelError(
            f"{path}: the language model cannot be read ({error.strerror}); create one with 'audiosearch lm'."
        ) from error
    if start != _MAGIC:
        raise LanguageModelError(f"{path}: is not a KenLM binary; create one with 'audiosearch lm'.")


def read_words(path: Path) -> tuple[str, ...]:
    """Read a word list with one word per line."""
    try:
        with lzma.open(path, "rt", encoding="ascii") as file:
            words = tuple(file.read().split())
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise LanguageModelError(
            f"{path}: the word list cannot be read ({reason}); 'audiosearch lm' writes it beside the model."
        ) from error
    if not words:
        raise LanguageModelError(f"{path}: the word list is empty; 'audiosearch lm' writes one.")
    return words
