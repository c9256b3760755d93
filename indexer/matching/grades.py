"""Grades of confidence, by which both stores find the best matches first.

A grade is one character in the tokens of an index (``sqlite/fts_tokens.py``, ``elastic/passages.py``).
"""

from __future__ import annotations

from bisect import bisect_right

from audiosearch.types import Word

THRESHOLDS = (500, 700, 850, 950)
"""Lower bounds of the grades from 1 on, in thousandths; grade 0 is everything below."""

ALL_GRADES = range(len(THRESHOLDS) + 1)
BEST_GRADE = ALL_GRADES[-1]

VARIANT = 1001
"""Thousandths by which a match of a variant is ranked lower than it is confident: after all matches of phrases."""

MARKS = "\x01\x02\x03\x04\x05"
"""Characters of the grades from 0 on; no word contains one."""


def grade_of(confidence: int) -> int:
    """Grade of a confidence in thousandths, from 0 to BEST_GRADE; below 0 for a variant."""
    if confidence < 0:
        return bisect_right(THRESHOLDS, confidence + VARIANT) - len(ALL_GRADES)
    return bisect_right(THRESHOLDS, confidence)


def marked_readings(word: Word) -> list[tuple[str, str]]:
    """Text and mark of every reading, the recognized word first."""
    marked = [(word.text, _MARKS_BY_CONFIDENCE[round(1000 * word.confidence)])]
    return marked + [(rival.text, _MARKS_BY_CONFIDENCE[round(1000 * rival.probability)]) for rival in word.alternatives]


_MARKS_BY_CONFIDENCE = [MARKS[grade_of(confidence)] for confidence in range(1001)]
