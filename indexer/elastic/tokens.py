"""Graded tokens of passages, by which Elasticsearch finds one word or two of a grade.

A passage has the tokens of the positions that it owns: of every reading, and of every reading with every one at the
position after it, each with the mark of its grade of confidence, that of the less sure reading for two:

    night¹ train⁴     →  "night¹"  " night train¹"  "train⁴"

They have no positions, so that each is kept once for a passage. What is longer than two words begins with two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

from audiosearch.types import Word
from indexer.matching import match
from indexer.types import Phrase

FIELD = "tokens"

GRADES = range(len(match.GRADES) + 1)

MARKS = "\x01\x02\x03\x04\x05"
"""Of the grades from 0 on; no word holds one."""


def graded(words: Sequence[Word], owned: int) -> list[str]:
    """Tokens of the first ``owned`` of the words, as they are stored."""
    readings = [_readings(word) for word in words]
    found = set()
    for some, following in zip_longest(readings[:owned], readings[1 : owned + 1], fillvalue=()):
        for one, mark in some:
            found.add(one + mark)
            found.update(f" {one} {other}{min(mark, its)}" for other, its in following)
    return sorted(found)


def _readings(word: Word) -> list[tuple[str, str]]:
    """Text and mark of every reading."""
    marked = [(word.text, _mark(word.confidence))]
    return marked + [(other.text, _mark(other.probability)) for other in word.alternatives]


def _mark(confidence: float) -> str:
    return MARKS[match.grade(round(1000 * confidence))]


def begins(phrase: Phrase) -> bool:
    """Whether matches of a phrase begin with a token: one word, or two with none between, the last maybe a prefix."""
    return len(phrase.terms) == 1 or (not phrase.slop and not phrase.terms[0].prefix)


def first(phrase: Phrase, grades: Iterable[int]) -> dict[str, Any]:
    """The query for passages that hold the first one or two words of a phrase that ``begins``, in these grades.

    Prefixes come in all grades.
    """
    one, *more = phrase.terms[:2]
    text = f" {one.text} {more[0].text}" if more else one.text
    if phrase.terms[:2][-1].prefix:
        return {"prefix": {FIELD: {"value": text}}}
    return {"terms": {FIELD: [text + MARKS[grade] for grade in grades]}}
