"""Error rates of transcripts: edits of words or characters over those spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Substitutions, insertions and deletions, and the words or characters of the references."""

    errors: int
    total: int

    @property
    def rate(self) -> float:
        """As a fraction, above 1 when there are more insertions than words; 0 of nothing is 0."""
        if self.total == 0:
            return float("inf") if self.errors else 0.0
        return self.errors / self.total

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(self.errors + other.errors, self.total + other.total)


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorRate:
    """Errors in words of normalized texts, paired in order."""
    import jiwer

    if not references:
        return ErrorRate(0, 0)
    result = jiwer.process_words(list(references), list(hypotheses))
    return _error_rate(result.hits, result.substitutions, result.deletions, result.insertions)


def character_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorRate:
    """Errors in characters of normalized texts, spaces between words included."""
    import jiwer

    if not references:
        return ErrorRate(0, 0)
    result = jiwer.process_characters(list(references), list(hypotheses))
    return _error_rate(result.hits, result.substitutions, result.deletions, result.insertions)


def _error_rate(hits: int, substitutions: int, deletions: int, insertions: int) -> ErrorRate:
    return ErrorRate(substitutions + deletions + insertions, hits + substitutions + deletions)
