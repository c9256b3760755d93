"""Word and character error rates: edit distance over the length of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Number of substitutions, insertions and deletions, and of words or characters in the references."""

    errors: int
    total: int

    @property
    def rate(self) -> float:
        """Errors over total; above 1 with many insertions, 0 without references and errors."""
        if self.total == 0:
            return float("inf") if self.errors else 0.0
        return self.errors / self.total

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(self.errors + other.errors, self.total + other.total)


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Word errors of one text by kind, and the words of its reference."""

    substitutions: int
    deletions: int
    insertions: int
    words: int


def count_word_errors(reference: str, hypothesis: str) -> WordCounts:
    """Word errors of a normalized text by kind."""
    import jiwer

    result = jiwer.process_words(reference, hypothesis)
    total = result.hits + result.substitutions + result.deletions
    return WordCounts(result.substitutions, result.deletions, result.insertions, total)


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorRate:
    """Word errors of normalized texts, paired in order."""
    import jiwer

    if not references:
        return ErrorRate(0, 0)
    result = jiwer.process_words(list(references), list(hypotheses))
    return _error_rate(result.hits, result.substitutions, result.deletions, result.insertions)


def character_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorRate:
    """Character errors of normalized texts, including spaces between words."""
    import jiwer

    if not references:
        return ErrorRate(0, 0)
    result = jiwer.process_characters(list(references), list(hypotheses))
    return _error_rate(result.hits, result.substitutions, result.deletions, result.insertions)


def _error_rate(hits: int, substitutions: int, deletions: int, insertions: int) -> ErrorRate:
    return ErrorRate(substitutions + deletions + insertions, hits + substitutions + deletions)
