"""The language model of a model folder: ``lm.bin``, which ``audiosearch lm`` writes (format: ``storage.py``).

In its place a KenLM binary may be there, for pyctcdecode's search alone (``kenlm_model.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from audiosearch.core import NgramModel
from audiosearch.errors import LanguageModelError
from audiosearch.model_folder import verify

MODEL_NAME = "lm.bin"

KENLM_MAGIC = b"mmap lm http://kheafield.com/code"
"""Beginning of a KenLM binary."""


@dataclass(frozen=True)
class LanguageModel:
    """An n-gram model in a file.

    Args:
        path: as written by ``audiosearch lm``.
    """

    path: Path

    @classmethod
    def load(cls, folder: Path, *, allow_kenlm: bool = False) -> LanguageModel:
        """The model of a folder, once it has been opened.

        Args:
            allow_kenlm: accept a KenLM binary, which is not opened; it has neither ``ngrams`` nor ``words``.

        Raises:
            ModelError: the file does not match the checksums beside it.
            LanguageModelError: it is missing, damaged or of another kind.
        """
        verify(folder / MODEL_NAME)
        model = cls(folder / MODEL_NAME)
        if not (allow_kenlm and model.is_kenlm):
            _ = model.ngrams
        return model

    @cached_property
    def is_kenlm(self) -> bool:
        """True for a KenLM binary.

        Raises:
            LanguageModelError: the file cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                return file.read(len(KENLM_MAGIC)) == KENLM_MAGIC
        except OSError as error:
            raise LanguageModelError(
                f"{self.path}: the language model cannot be read ({error.strerror}); make one with 'audiosearch lm'."
            ) from error

    @cached_property
    def ngrams(self) -> NgramModel:
        """The n-grams, mapped into memory.

        Raises:
            LanguageModelError: the file cannot be read, or is of another kind.
        """
        if self.is_kenlm:
            raise LanguageModelError(
                f"{self.path}: is a KenLM binary; convert the ARPA file that it was made from with "
                "'audiosearch lm --arpa FILE', or set decoder.engine to pyctcdecode."
            )
        try:
            return NgramModel(str(self.path))
        except RuntimeError as error:
            raise LanguageModelError(
                f"{self.path}: is not a language model of this program, or damaged ({error}); "
                "make one with 'audiosearch lm'."
            ) from error

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words, in alphabetical order."""
        return tuple(self.ngrams.words)
