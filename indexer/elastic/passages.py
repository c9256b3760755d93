"""Recordings cut into passages, for stores whose documents must not be as long as a recording.

Passage i owns STRIDE positions, and repeats as much of its neighbors as it needs to contain every span that begins
there, with the context of its hits:

    … │ passage i−1 owns          │ passage i owns            │ passage i+1 owns         │ …
                    [ CONTEXT ←───┤ i·STRIDE … (i+1)·STRIDE−1 ├───→ OVERLAP + CONTEXT ]

A phrase across a border is found whole in the passage in which it begins, and counts once.
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
        """Words at the positions from ``first`` to before ``end``, as far as the passage contains them."""
        places = max(first - self.offset, 0), end - self.offset
        return word_codec.unpack(self.text, self.times, self.confidences, *places, self.alternatives)

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
    """Matches of phrases in a recording, those in the given passages.

    Every minimal span lies whole in its owner: the choice from left to right does not depend on other passages. But if
    matches of one phrase may overlap, all passages that contain one must be given.

    Args:
        passages: by number.
    """
    opened = [_OpenPassage(passages[number], phrases) for number in sorted(passages)]
    owners = {each.passage.number: each for each in opened}
    for phrase in phrases:
        if phrase.is_exact and not any(each.alternatives for each in opened):  # no two matches overlap
            for each in opened:
                for place in each.starts(phrase):
                    span = range(place, place + len(phrase.terms))
                    yield Match(recording, place, span[-1], each.confidence(phrase, span))
            continue
        positions: list[list[int]] = [[] for _ in phrase.terms]
        end = 0
        for each in opened:
            start = max(end, each.offset)  # positions before it are in the passage before
            end = each.offset + len(each.texts)
            for places, more in zip(positions, each.positions(start, phrase), strict=True):
                places.extend(start + place for place in more)
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
        at, place, counted = text.find(wanted), self.offset, 0
        while at >= 0 and place < first + STRIDE:
            place += text.count(" ", counted, at)
            counted = at
            if first <= place < first + STRIDE:
                yield place
            at = text.find(wanted, at + 1)

    def positions(self, start: int, phrase: Phrase) -> list[list[int]]:
        """Positions at which each term matches, counted from ``start``."""
        first = start - self.offset
        alternatives = {place - first: some for place, some in self.alternatives.items() if place >= first}
        return match.positions(self.texts[first:], phrase.terms, alternatives)

    def confidence(self, phrase: Phrase, span: Sequence[int]) -> int:
        """Confidence of a match that begins in this passage, in thousandths."""
        return min(self._confidence(term, at - self.offset) for term, at in zip(phrase.terms, span, strict=True))

    def _confidence(self, term: Term, place: int) -> int:
        confidence = word_codec.confidence_at(self.passage.confidences, place)
        if place not in self.alternatives:
            return confidence
        word = Word(self.texts[place], 0.0, 0.0, confidence / 1000, self.alternatives[place])
        return round(1000 * match.best_reading(term, word).confidence)


# Graded tokens, by which Elasticsearch finds one word or two of a grade. A passage has the tokens of its owned
# positions: one for every reading, and one for every reading with every reading of the next position, each with the
# mark of its grade of confidence, for two words that of the less confident reading:
#
#     night¹ train⁴     →  "night¹"  " night train¹"  "train⁴"
#
# Tokens have no positions: each is stored once for a passage. Phrases of more than two words begin with two.

TOKENS = "tokens"
"""Field of the graded tokens."""


def graded_tokens(words: Sequence[Word], owned: int) -> list[str]:
    """Tokens of the first ``owned`` of the words, which are in stored precision."""
    readings = [marked_readings(word) for word in words]
    tokens = set()
    for current, following in zip_longest(readings[:owned], readings[1 : owned + 1], fillvalue=()):
        for text, mark in current:
            tokens.add(text + mark)
            tokens.update(f" {text} {text_}{min(mark, mark_)}" for text_, mark_ in following)
    return sorted(tokens)


def begins_with_token(phrase: Phrase) -> bool:
    """Return whether matches begin with a token: of one word, or of two of which only the second may be a prefix."""
    return len(phrase.terms) == 1 or (not phrase.slop and not phrase.terms[0].prefix)


def first_token_query(phrase: Phrase, grades: Iterable[int]) -> dict[str, Any]:
    """Query for passages that contain the first one or two words of a phrase that ``begins_with_token``, in grades.

    Prefixes match in all grades.
    """
    first, *second = phrase.terms[:2]
    text = f" {first.text} {second[0].text}" if second else first.text
    if phrase.terms[:2][-1].prefix:
        return {"prefix": {TOKENS: {"value": text}}}
    return {"terms": {TOKENS: [text + MARKS[grade] for grade in grades]}}
