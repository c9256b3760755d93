"""The words of recordings in rows of CHUNK positions, so that a hit reads only its neighborhood.

words          the readings of each position, the recognized word first (sqlite_lexicon.py)
times          as in packing.py
confidences    thousandths of the words: a byte each without the two lowest bits; then these, of four words a byte
probabilities  of the alternatives, a byte each, in steps of 1/250
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from audiosearch.types import Alternative, Word
from indexer import word_codec as packing
from indexer.matching import match
from indexer.sqlite.lexicon import ALTERNATIVE, Lexicon, as_alternative, is_alternative, reading, readings
from indexer.types import Term
from indexer.word_codec import STEPS

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE stretches (
    number        INTEGER PRIMARY KEY, -- number of the recording × 2³² + position of the first word
    words         BLOB NOT NULL,
    times         BLOB NOT NULL,
    confidences   BLOB NOT NULL,
    probabilities BLOB NOT NULL
);
"""

CHUNK = 128
"""Words of a row: about 700 bytes; most hits need one row."""

END = 1 << 32
"""After every position of a recording."""

STEP = 1000 // STEPS

PROBABILITIES = [steps / STEPS for steps in range(STEPS + 1)]

NOT_WORD = bytes([*range(128), *range(128 + ALTERNATIVE, 256)])
NOT_ALTERNATIVE = bytes(range(128 + ALTERNATIVE))
"""Bytes that end no word, and no alternative."""

DIGIT, WORD, OTHER = b"\0", b"\1", b"\2"
KINDS = 128 * DIGIT + ALTERNATIVE * WORD + ALTERNATIVE * OTHER
"""What bytes are: no last one of a reading, the last one of a word, or of an alternative."""


class Chunk:
    """A row, of which no more is unpacked than is asked for."""

    def __init__(self, lexicon: Lexicon, row: Sequence[bytes]) -> None:
        self._lexicon = lexicon
        self._words, self._confidences, self._probabilities, *times = row
        self._times = times
        self._number = len(self._confidences) * 4 // 5
        self._likeliest: int | None = None

    def words(self, first: int, end: int) -> list[Word]:
        """Those at the places from ``first`` to before ``end``."""
        end = min(end, self._number)
        if first >= end:
            return []
        start = self._begin(first)
        packed = readings(self._words[start : self._begin(end)])
        steps = iter(self._probabilities[self._alternatives_before(start) :])
        texts: list[str] = []
        others: list[tuple[Alternative, ...]] = []
        for one, text in zip(packed, self._lexicon.texts(packed), strict=True):
            if is_alternative(one):
                others[-1] += (Alternative(text, PROBABILITIES[next(steps)]),)
            else:
                texts.append(text)
                others.append(())
        times = packing.unpack_times(self._times[0], first, end)
        confidences = map(self.word_confidence, range(first, end))
        return [
            Word(text, start / 1000, until / 1000, confidence / 1000, some)
            for text, (start, until), confidence, some in zip(texts, times, confidences, others, strict=True)
        ]

    def confidence(self, term: Term, place: int, alternative: bytes | None) -> int:
        """Thousandths of the surest reading at a place that a term matches, which it does.

        Args:
            alternative: the term as one; None for a prefix.
        """
        if alternative is not None:
            start = self._start(place, alternative)
            if start < 0:
                return self.word_confidence(place)
            return STEP * self._probabilities[self._alternatives_before(start)]
        start = self._begin(place)
        word, *others = self._lexicon.texts(readings(self._words[start : self._begin(place + 1)]))
        found = [self.word_confidence(place)] if match.matches(term, word) else []
        wanted = [rank for rank, other in enumerate(others) if match.matches(term, other)]
        if wanted:
            before = self._alternatives_before(start)
            found += [STEP * self._probabilities[before + rank] for rank in wanted]
        return max(found)

    def word_confidence(self, place: int) -> int:
        """Thousandths of the word that was recognized at a place."""
        packed = self._confidences
        return packed[place] << 2 | packed[self._number + (place >> 2)] >> 2 * (place & 3) & 3

    @property
    def likeliest(self) -> int:
        """The grade of the likeliest alternative; -1 where there is none."""
        if self._likeliest is None:
            self._likeliest = match.grade(STEP * max(self._probabilities)) if self._probabilities else -1
        return self._likeliest

    def has(self, place: int, alternative: bytes) -> bool:
        """Whether a place has a word, written as an alternative, as a reading."""
        return self._start(place, alternative) >= 0 or self._word(place) == alternative

    def is_several(self, place: int, alternatives: Sequence[bytes], *, recognized: bool) -> bool:
        """Whether a place at which a word is a reading has another of some words as one too.

        Args:
            alternatives: the words, that one first, as alternatives.
            recognized: that one is known not to be an alternative there.
        """
        first, *others = alternatives
        if any(self._start(place, other) >= 0 for other in others):
            return True
        return not recognized and self._start(place, first) >= 0 and self._word(place) in others

    def _word(self, place: int) -> bytes:
        """The word that was recognized at a place, as an alternative."""
        return as_alternative(readings(self._words[self._begin(place) : self._begin(place + 1)])[0])

    def _start(self, place: int, alternative: bytes) -> int:
        """The byte where an alternative of a place begins; -1 where it has not that one.

        The words up to a place take a byte each, or more, so that what is nearer need not be looked at.
        """
        words = self._words
        start = words.find(alternative, place + 1)
        while start >= 0:
            missing = place + 1 - len(words[:start].translate(None, NOT_WORD))
            if missing < 0:
                break
            if missing == 0 and words[start - 1] >= 128:  # else it is the end of a longer one
                return start
            start = words.find(alternative, start + (missing or 1))
        return -1

    def _begin(self, place: int) -> int:
        """The byte where the readings of a place begin.

        Between the ends of two words are the alternatives of one and the other digits of the other.
        """
        if place >= self._number:
            return len(self._words)
        *_, between, rest = self._words.translate(KINDS).split(WORD, place + 1)
        return len(self._words) - len(rest) - len(between) + between.rfind(OTHER)

    def _alternatives_before(self, start: int) -> int:
        """How many end before a byte."""
        return len(self._words[:start].translate(None, NOT_ALTERNATIVE))


class Chunks:
    """The rows of a file."""

    def __init__(self, connection: apsw.Connection, lexicon: Lexicon) -> None:
        self._connection = connection
        self._lexicon = lexicon

    def add(self, number: int, words: Sequence[Word], numbers: Mapping[str, int]) -> None:
        """Keep the words of a new recording.

        Args:
            words: as they are stored.
            numbers: of the texts of all readings.
        """
        self._connection.executemany(
            "INSERT INTO stretches VALUES (?, ?, ?, ?, ?)",
            (
                ((number << 32) + first, _packed(some, numbers), packing.pack_times(some), *_probabilities(some))
                for first, some in packing.blocks(words, CHUNK)
            ),
        )

    def remove(self, number: int) -> None:
        """Forget the words of a recording."""
        self._connection.execute(
            "DELETE FROM stretches WHERE number >= ? AND number < ?", (number << 32, number + 1 << 32)
        )

    def words(self, number: int, first: int, end: int) -> list[Word]:
        """The words of a recording at the positions from ``first`` to before ``end``, as far as there are any."""
        words = []
        for offset, chunk in self._read(number, first, end):
            words += chunk.words(max(first - offset, 0), end - offset)
        return words

    def at(self, numbers: Collection[int]) -> dict[int, Chunk]:
        """Rows by number, without times."""
        rows = self._connection.execute(
            "SELECT number, words, confidences, probabilities FROM stretches "
            "WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps([*numbers]),),
        )
        return {number: Chunk(self._lexicon, row) for number, *row in rows}

    def _read(self, number: int, first: int, end: int) -> Iterator[tuple[int, Chunk]]:
        """Rows after the position of the first word of each."""
        base = number << 32
        for place, *row in self._connection.execute(
            "SELECT number, words, confidences, probabilities, times FROM stretches "
            "WHERE number >= ? AND number < ? ORDER BY number",
            (base + first - first % CHUNK, base + end),
        ):
            yield place - base, Chunk(self._lexicon, row)


def _packed(words: Sequence[Word], numbers: Mapping[str, int]) -> bytes:
    """The readings of words."""
    packed = bytearray()
    for word in words:
        packed += reading(numbers[word.text])
        for other in word.alternatives:
            packed += reading(numbers[other.text], alternative=True)
    return bytes(packed)


def _probabilities(words: Sequence[Word]) -> tuple[bytes, bytes]:
    """Confidences, and probabilities of alternatives."""
    thousandths = [round(1000 * word.confidence) for word in words]
    lowest = bytearray(-(-len(words) // 4))
    for place, number in enumerate(thousandths):
        lowest[place // 4] |= (number & 3) << 2 * (place % 4)
    confidences = bytes(number >> 2 for number in thousandths) + lowest
    return confidences, bytes(round(STEPS * other.probability) for word in words for other in word.alternatives)
