"""Recordings cut into passages, for stores whose documents must not be as long as a recording.

Passage i owns STRIDE positions, and repeats as much of its neighbours as it needs to hold every span that begins there,
with the context of its hits:

    … │ passage i−1 owns          │ passage i owns            │ passage i+1 owns         │ …
                    [ CONTEXT ←───┤ i·STRIDE … (i+1)·STRIDE−1 ├───→ OVERLAP + CONTEXT ]

So a phrase across a border is found whole in the passage in which it begins, and counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from audiosearch.types import Word
from indexer import word_codec as packing
from indexer.matching import match
from indexer.sqlite.fts_tokens import is_exact
from indexer.types import CONTEXT_WORDS, MAX_SLOP, MAX_TERMS, Phrase, Term

STRIDE = 512
"""Positions that a passage owns; it is about 7 kB, a quarter of it shared with its neighbours."""

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
