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

from audiosearch.types import Word
from indexer import match, packing
from indexer.types import CONTEXT_WORDS, MAX_SLOP, MAX_TERMS, Phrase

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
    """

    number: int
    text: str
    times: bytes
    confidences: bytes

    @property
    def offset(self) -> int:
        """Position of its first word."""
        return max(self.number * STRIDE - CONTEXT_WORDS, 0)

    def words(self, first: int, end: int) -> list[Word]:
        """The words at the positions from ``first`` to before ``end``, as far as it holds them."""
        places = max(first - self.offset, 0), end - self.offset
        return packing.unpack(self.text, self.times, self.confidences, *places)

    def own_words(self) -> list[Word]:
        """The words that no other passage owns."""
        return self.words(self.number * STRIDE, (self.number + 1) * STRIDE)


def cut(words: Sequence[Word]) -> Iterator[Passage]:
    """The passages of a recording; none where nothing is said."""
    for number in range(-(-len(words) // STRIDE)):
        first = max(number * STRIDE - CONTEXT_WORDS, 0)
        some = words[first : (number + 1) * STRIDE + OVERLAP + CONTEXT_WORDS]
        yield Passage(number, packing.pack_text(some), packing.pack_times(some), packing.pack_confidences(some))


def find(recording: str, passages: Mapping[int, Passage], phrases: Sequence[Phrase]) -> Iterator[match.Found[str]]:
    """Where phrases match in a recording, of which it is enough to have the passages that hold a match.

    Every minimal span lies whole in its owner, so that what is chosen from left to right does not depend on the rest.

    Args:
        passages: by number.
    """
    ordered = [(passages[number], passages[number].text.split()) for number in sorted(passages)]
    for phrase in phrases:
        positions: list[list[int]] = [[] for _ in phrase.terms]
        end = 0
        for passage, texts in ordered:
            start = max(end, passage.offset)  # before it, the passage before has said it all
            end = passage.offset + len(texts)
            matches = match.positions(texts[start - passage.offset :], phrase.terms)
            for places, more in zip(positions, matches, strict=True):
                places.extend(start + place for place in more)
        for span in match.spans(positions, phrase.slop):
            owner = passages[span[0] // STRIDE]
            lowest = min(packing.confidence_at(owner.confidences, place - owner.offset) for place in span)
            yield match.Found(recording, span[0], span[-1], lowest)
