"""Passages, overlapping parts of recordings of bounded length.

Passage i owns STRIDE positions, and repeats enough of its neighbors to contain every span that begins at one of these
positions, with the context of its hits:

    … │ passage i−1 owns          │ passage i owns            │ passage i+1 owns         │ …
                    [ CONTEXT ←───┤ i·STRIDE … (i+1)·STRIDE−1 ├───→ OVERLAP + CONTEXT ]

A span across a border is contained in the passage that owns its first position, and counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

from audiosearch.types import Word
from indexer import word_codec
from indexer.matching import match
from indexer.matching.grades import MARKS, marked_readings
from indexer.matching.match import Match
from indexer.types import CONTEXT_WORDS, MAX_SLOP, MAX_TERMS, Phrase, Term

STRIDE = 512
"""Positions owned by a passage, which takes about 7 kB, a quarter of it shared with its neighbors."""

OVERLAP = MAX_TERMS + MAX_SLOP - 1
"""Positions by which the longest span extends into the next passage."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Packed words of a part of a recording.

    Args:
        number: i; the passage owns the positions from i · STRIDE on.
        text: words, joined by single spaces.
        times: of these words, packed.
        confidences: of these words, packed.
        alternatives: of these words, packed.
    """

    number: int
    text: str
    times: bytes
    confidences: bytes
    alternatives: bytes = b""

    @property
    def offset(self) -> int:
        """Position of the first word."""
        return max(self.number * STRIDE - CONTEXT_WORDS, 0)

    def words(self, first: int, end: int) -> list[Word]:
        """Words of the passage at the positions ``first`` to ``end`` (exclusive)."""
        span = max(first - self.offset, 0), end - self.offset
        return word_codec.unpack(self.text, self.times, self.confidences, *span, self.alternatives)

    def own_words(self) -> list[Word]:
        """Words at the owned positions."""
        return self.words(self.number * STRIDE, (self.number + 1) * STRIDE)


def cut(words: Sequence[Word]) -> Iterator[Passage]:
    """Passages of a recording; none for a recording without words."""
    for number in range(-(-len(words) // STRIDE)):
        first = max(number * STRIDE - CONTEXT_WORDS, 0)
        part = words[first : (number + 1) * STRIDE + OVERLAP + CONTEXT_WORDS]
        yield Passage(
            number,
            word_codec.pack_text(part),
            word_codec.pack_times(part),
            word_codec.pack_confidences(part),
            word_codec.pack_alternatives(part),
        )


def find(recording: str, passages: Mapping[int, Passage], phrases: Sequence[Phrase]) -> Iterator[Match[str]]:
    """Matches of phrases in passages of a recording.

    Every minimal span is contained in its owner: the choice from left to right does not depend on further passages. If
    matches of a phrase may overlap, all passages that contain one must be given.

    Args:
        passages: by number.
    """
    opened = [_OpenPassage(passages[number], phrases) for number in sorted(passages)]
    owners = {passage.passage.number: passage for passage in opened}
    for phrase in phrases:
        if phrase.is_exact and not any(passage.alternatives for passage in opened):  # no two matches overlap
            for passage in opened:
                for start in passage.starts(phrase):
                    span = range(start, start + len(phrase.terms))
                    yield Match(recording, start, span[-1], passage.confidence(phrase, span))
            continue
        positions: list[list[int]] = [[] for _ in phrase.terms]
        end = 0
        for passage in opened:
            start = max(end, passage.offset)  # earlier positions are in the previous passage
            end = passage.offset + len(passage.texts)
            for of_term, relative in zip(positions, passage.positions(start, phrase), strict=True):
                of_term.extend(start + position for position in relative)
        for minimal in match.spans(positions, phrase.slop):
            owner = owners.get(minimal[0] // STRIDE)
            if owner is not None:
                yield Match(recording, minimal[0], minimal[-1], owner.confidence(phrase, minimal))


class _OpenPassage:
    """Passage with its words, and with the alternatives that a phrase may match."""

    def __init__(self, passage: Passage, phrases: Sequence[Phrase]) -> None:
        self.passage = passage
        self.offset = passage.offset
        terms = {term.text for phrase in phrases for term in phrase.terms}
        self.alternatives = word_codec.unpack_alternatives(passage.alternatives, wanted=terms)

    @cached_property
    def texts(self) -> list[str]:
        """Recognized words."""
        return self.passage.text.split()

    def starts(self, phrase: Phrase) -> Iterator[int]:
        """Owned positions at which the recognized words are those of an exact phrase."""
        text, wanted = f" {self.passage.text} ", f" {' '.join(term.text for term in phrase.terms)} "
        first = self.passage.number * STRIDE
        index, position, counted = text.find(wanted), self.offset, 0
        while index >= 0 and position < first + STRIDE:
            position += text.count(" ", counted, index)
            counted = index
            if first <= position < first + STRIDE:
                yield position
            index = text.find(wanted, index + 1)

    def positions(self, start: int, phrase: Phrase) -> list[list[int]]:
        """Positions at which each term matches, counted from ``start``."""
        first = start - self.offset
        alternatives = {index - first: readings for index, readings in self.alternatives.items() if index >= first}
        return match.positions(self.texts[first:], phrase.terms, alternatives)

    def confidence(self, phrase: Phrase, span: Sequence[int]) -> int:
        """Confidence of a match that begins in this passage, in thousandths."""
        indices = (position - self.offset for position in span)
        return min(self._confidence(term, index) for term, index in zip(phrase.terms, indices, strict=True))

    def _confidence(self, term: Term, index: int) -> int:
        confidence = word_codec.confidence_at(self.passage.confidences, index)
        if index not in self.alternatives:
            return confidence
        word = Word(self.texts[index], 0.0, 0.0, confidence / 1000, self.alternatives[index])
        return round(1000 * match.best_reading(term, word).confidence)


# Graded tokens let Elasticsearch find a word, or two adjacent ones, of a grade of confidence. A passage has a token for
# every reading of an owned position, and one for every pair of it with a reading of the next position. A token ends
# with the mark of its grade, for a pair that of the less confident reading:
#
#     night¹ train⁴     →  "night¹"  " night train¹"  "train⁴"
#
# Tokens have no positions: each is stored once for a passage. For a longer phrase the token of its first two words is
# used.

TOKENS = "tokens"
"""Field of the graded tokens."""


def graded_tokens(words: Sequence[Word], owned: int) -> list[str]:
    """Tokens of the first ``owned`` words, given in stored precision."""
    readings = [marked_readings(word) for word in words]
    tokens = set()
    for current, following in zip_longest(readings[:owned], readings[1 : owned + 1], fillvalue=()):
        for text, mark in current:
            tokens.add(text + mark)
            tokens.update(f" {text} {text_}{min(mark, mark_)}" for text_, mark_ in following)
    return sorted(tokens)


def begins_with_token(phrase: Phrase) -> bool:
    """Return whether matches begin with a token: of one word, or of two adjacent ones, the second perhaps a prefix."""
    return len(phrase.terms) == 1 or (not phrase.slop and not phrase.terms[0].prefix)


def first_token_query(phrase: Phrase, grades: Iterable[int]) -> dict[str, Any]:
    """Query for passages with the first one or two words, in any of the grades, of a phrase that ``begins_with_token``.

    Prefixes match in all grades.
    """
    first, *second = phrase.terms[:2]
    text = f" {first.text} {second[0].text}" if second else first.text
    if phrase.terms[:2][-1].prefix:
        return {"prefix": {TOKENS: {"value": text}}}
    return {"terms": {TOKENS: [text + MARKS[grade] for grade in grades]}}
