"""Recordings cut into passages, for stores whose documents must not be as long as a recording.

Passage i owns STRIDE positions, and repeats as much of its neighbors as it needs to hold every span that begins there,
with the context of its hits:

    … │ passage i−1 owns          │ passage i owns            │ passage i+1 owns         │ …
                    [ CONTEXT ←───┤ i·STRIDE … (i+1)·STRIDE−1 ├───→ OVERLAP + CONTEXT ]

So a phrase across a border is found whole in the passage in which it begins, and counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

from audiosearch.types import Word
from indexer import word_codec as packing
from indexer.matching import match
from indexer.sqlite.fts_tokens import is_exact
from indexer.types import CONTEXT_WORDS, MAX_SLOP, MAX_TERMS, Phrase, Term

STRIDE = 512
"""Positions that a passage owns; it is about 7 kB, a quarter of it shared with its neighbors."""

OVERLAP = MAX_TERMS + MAX_SLOP - 1
"""Positions by which the longest span reaches into the next passage."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a recording.

    Args:
        number: i; it owns the positions from i · STRIDE on.
        text: its words, joined by single spaces.
        times: of these words, packed.
        confidences: of these words, packed.
        alternatives: to these words, packed.
    """

    number: int
    text: str
    times: bytes
    confidences: bytes
    alternatives: bytes = b""

    @property
    def offset(self) -> int:
        """Position of its first word."""
        return max(self.number * STRIDE - CONTEXT_WORDS, 0)

    def words(self, first: int, end: int) -> list[Word]:
        """The words at the positions from ``first`` to before ``end``, as far as it holds them."""
        places = max(first - self.offset, 0), end - self.offset
        return packing.unpack(self.text, self.times, self.confidences, *places, self.alternatives)

    def own_words(self) -> list[Word]:
        """The words that no other passage owns."""
        return self.words(self.number * STRIDE, (self.number + 1) * STRIDE)


def cut(words: Sequence[Word]) -> Iterator[Passage]:
    """The passages of a recording; none where nothing is said."""
    for number in range(-(-len(words) // STRIDE)):
        first = max(number * STRIDE - CONTEXT_WORDS, 0)
        some = words[first : (number + 1) * STRIDE + OVERLAP + CONTEXT_WORDS]
        yield Passage(
            number,
            packing.pack_text(some),
            packing.pack_times(some),
            packing.pack_confidences(some),
            packing.pack_alternatives(some),
        )


def find(recording: str, passages: Mapping[int, Passage], phrases: Sequence[Phrase]) -> Iterator[match.Found[str]]:
    """Where phrases match in a recording, as far as the passages are there that hold the matches.

    Every minimal span lies whole in its owner, so that what is chosen from left to right does not depend on the rest;
    but where matches of one phrase may overlap, all passages must be there that hold one.

    Args:
        passages: by number.
    """
    opened = [_Opened(passages[number], phrases) for number in sorted(passages)]
    owners = {one.passage.number: one for one in opened}
    for phrase in phrases:
        if is_exact(phrase) and not any(one.others for one in opened):  # no two matches overlap
            for one in opened:
                for place in one.starts(phrase):
                    plain = range(place, place + len(phrase.terms))
                    yield match.Found(recording, place, plain[-1], one.confidence(phrase, plain))
            continue
        positions: list[list[int]] = [[] for _ in phrase.terms]
        end = 0
        for one in opened:
            start = max(end, one.offset)  # before it, the passage before has said it all
            end = one.offset + len(one.texts)
            for places, more in zip(positions, one.positions(start, phrase), strict=True):
                places.extend(start + place for place in more)
        for span in match.spans(positions, phrase.slop):
            owner = owners.get(span[0] // STRIDE)
            if owner is not None:
                yield match.Found(recording, span[0], span[-1], owner.confidence(phrase, span))


class _Opened:
    """A passage with its words, and with the alternatives where a phrase may match one."""

    def __init__(self, passage: Passage, phrases: Sequence[Phrase]) -> None:
        self.passage = passage
        self.offset = passage.offset
        terms = {term.text for phrase in phrases for term in phrase.terms}
        self.others = packing.unpack_alternatives(passage.alternatives, wanted=terms)

    @cached_property
    def texts(self) -> list[str]:
        """Its words."""
        return self.passage.text.split()

    def starts(self, phrase: Phrase) -> Iterator[int]:
        """Where exact words follow one another, of the positions that it owns."""
        said, wanted = f" {self.passage.text} ", f" {' '.join(term.text for term in phrase.terms)} "
        first = self.passage.number * STRIDE
        at, place, counted = said.find(wanted), self.offset, 0
        while at >= 0 and place < first + STRIDE:
            place += said.count(" ", counted, at)
            counted = at
            if first <= place < first + STRIDE:
                yield place
            at = said.find(wanted, at + 1)

    def positions(self, start: int, phrase: Phrase) -> list[list[int]]:
        """For each term where it matches, counted from ``start``."""
        first = start - self.offset
        others = {place - first: some for place, some in self.others.items() if place >= first}
        return match.positions(self.texts[first:], phrase.terms, others)

    def confidence(self, phrase: Phrase, span: Sequence[int]) -> int:
        """Thousandths of a match that begins here."""
        return min(self._confidence(term, at - self.offset) for term, at in zip(phrase.terms, span, strict=True))

    def _confidence(self, term: Term, place: int) -> int:
        confidence = packing.confidence_at(self.passage.confidences, place)
        if place not in self.others:
            return confidence
        word = Word(self.texts[place], 0.0, 0.0, confidence / 1000, self.others[place])
        return round(1000 * match.reading(term, word).confidence)


# Graded tokens, by which Elasticsearch finds one word or two of a grade. A passage has the tokens of the positions that
# it owns: of every reading, and of every reading with every one at the position after it, each with the mark of its
# grade of confidence, that of the less sure reading for two:
#
#     night¹ train⁴     →  "night¹"  " night train¹"  "train⁴"
#
# They have no positions, so that each is kept once for a passage. Phrases of more than two words begin with two.

TOKENS = "tokens"
"""Field of the graded tokens."""

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
        return {"prefix": {TOKENS: {"value": text}}}
    return {"terms": {TOKENS: [text + MARKS[grade] for grade in grades]}}
