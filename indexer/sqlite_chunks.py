"""The words of recordings in rows of CHUNK positions, so that a hit reads only its neighbourhood.

    words          the readings of each position, the recognised word first (sqlite_lexicon.py)
    times          as in packing.py
    confidences    thousandths of the words: a byte each without the two lowest bits; then these, of four words a byte
    probabilities  of the alternatives, a byte each, in steps of 1/250

Files of version 2 have deflated text, no alternatives, and confidences in two bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from audiosearch.types import Alternative, Word
from indexer import match, packing
from indexer.packing import STEPS
from indexer.sqlite_lexicon import ALTERNATIVE, Lexicon, as_alternative, is_alternative, reading, readings
from indexer.types import Term

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

NOT_WORD = bytes([*range(128), *range(128 + ALTERNATIVE, 256)])
NOT_ALTERNATIVE = bytes(range(128 + ALTERNATIVE))
"""Bytes that end no word, and no alternative."""

BEFORE, LONGEST = 16, 64
"""Bytes before a place from which on it is looked for, and how many."""


class Chunk:
    """A row, of which no more is unpacked than is asked for."""

    def __init__(self, lexicon: Lexicon, row: Sequence[bytes]) -> None:
        self._lexicon = lexicon
        self._words, self._confidences, self._probabilities, *times = row
        self._times = times
        self._known: dict[int, tuple[bytes, list[bytes], int]] = {}

    def _confidence(self, place: int) -> int:
        """Thousandths of the word at a place."""
        number = len(self._confidences) * 4 // 5
        return self._confidences[place] << 2 | self._confidences[number + place // 4] >> 2 * (place % 4) & 3

    def words(self, first: int, end: int) -> list[Word]:
        """Those at the places from ``first`` to before ``end``."""
        text = self._lexicon.text
        times = packing.unpack_times(self._times[0])
        words: list[Word] = []
        word, place, rank = b"", -1, 0
        others: list[Alternative] = []
        for one in (*readings(self._words), b"\x80"):
            if is_alternative(one):
                if place >= first:
                    others.append(Alternative(text(one), STEP * self._probabilities[rank] / 1000))
                rank += 1
                continue
            if place >= first:
                start, until = times[place]
                confidence = self._confidence(place) / 1000
                words.append(Word(text(word), start / 1000, until / 1000, confidence, tuple(others)))
                others = []
            place, word = place + 1, one
            if place >= end:
                break
        return words

    def confidence(self, term: Term, place: int, alternative: bytes | None) -> int:
        """Thousandths of the surest reading at a place that a term matches, which it does.

        Args:
            alternative: the term as one; None for a prefix.
        """
        if alternative is not None and alternative not in self._words:
            return self._confidence(place)
        word, others, start = self._place(place)
        if alternative is None:
            text = self._lexicon.text
            wanted = [rank for rank, other in enumerate(others) if match.matches(term, text(other))]
            found = [self._confidence(place)] if match.matches(term, text(word)) else []
        else:
            wanted = [others.index(alternative)] if alternative in others else []
            found = [] if wanted else [self._confidence(place)]
        if wanted:
            before = len(self._words[:start].translate(None, NOT_ALTERNATIVE))
            found += [STEP * self._probabilities[before + rank] for rank in wanted]
        return max(found)

    def word_confidence(self, place: int) -> int:
        """Thousandths of the word that was recognised at a place."""
        return self._confidence(place)

    @cached_property
    def likeliest(self) -> int:
        """The grade of the likeliest alternative; -1 where there is none."""
        return match.grade(STEP * max(self._probabilities)) if self._probabilities else -1

    def is_several(self, place: int, alternatives: Sequence[bytes], *, recognised: bool) -> bool:
        """Whether a place at which a word is a reading has another of some words as one too.

        Args:
            alternatives: the words, that one first, as alternatives.
            recognised: that one is known not to be an alternative there.
        """
        if not any(alternative in self._words for alternative in alternatives[recognised:]):
            return False
        word, others, _ = self._place(place)
        return bool(others) and sum(one in alternatives for one in (as_alternative(word), *others)) > 1

    def _place(self, place: int) -> tuple[bytes, list[bytes], int]:
        """The word at a place, its alternatives, and where their bytes begin.

        Only few readings are looked at in Python, from a bit before the byte where the place would be if all had
        equally many bytes.
        """
        known = self._known.get(place)
        if known is None:
            number = len(self._confidences) * 4 // 5
            start = len(self._words) * place // number
            while True:
                start = max(start - BEFORE, 0)
                seen = len(self._words[:start].translate(None, NOT_WORD))  # words that end before
                if seen <= place:
                    break
            while start and self._words[start - 1] < 128:
                start -= 1
            known = self._from(start, place - seen, LONGEST) or self._from(start, place - seen, len(self._words))
            assert known is not None
            self._known[place] = known
        return known

    def _from(self, start: int, place: int, size: int) -> tuple[bytes, list[bytes], int] | None:
        """The same of the place that comes after so many others, from a byte on; None: it goes on after ``size``."""
        word, others = b"", []
        end = start
        for one in readings(self._words[start : start + size]):
            if is_alternative(one):
                if word:
                    others.append(one)
            elif word:
                return word, others, start
            elif place == 0:
                word, start = one, end
            else:
                place -= 1
            end += len(one)
        return (word, others, start) if word and end == len(self._words) else None


class OldChunk(Chunk):
    """A row of a file of version 2."""

    def __init__(self, row: Sequence[bytes]) -> None:
        self._text, self._packed, self._packed_times = row

    def _confidence(self, place: int) -> int:
        return packing.confidence_at(self._packed, place)

    def words(self, first: int, end: int) -> list[Word]:
        """Those at the places from ``first`` to before ``end``."""
        return packing.unpack(packing.inflate(self._text).decode(), self._packed_times, self._packed, first, end)

    def confidence(self, term: Term, place: int, alternative: bytes | None) -> int:
        """Thousandths of the word at a place."""
        return self._confidence(place)


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

    def words(self, number: int, first: int, end: int, *, old: bool) -> list[Word]:
        """The words of a recording at the positions from ``first`` to before ``end``, as far as there are any."""
        words = []
        for offset, chunk in self._read(number, first, end, old):
            words += chunk.words(max(first - offset, 0), end - offset)
        return words

    def at(self, number: int, position: int, *, old: bool) -> Chunk:
        """The row that holds a position, without times."""
        columns = "words, confidences, x'' FROM chunks" if old else "words, confidences, probabilities FROM stretches"
        row = self._connection.execute(
            f"SELECT {columns} WHERE number = ?", ((number << 32) + position - position % CHUNK,)
        ).get
        return OldChunk(row) if old else Chunk(self._lexicon, row)

    def _read(self, number: int, first: int, end: int, old: bool) -> Iterator[tuple[int, Chunk]]:
        """Rows after the position of the first word of each."""
        base = number << 32
        columns = "words, confidences" + (", times FROM chunks" if old else ", probabilities, times FROM stretches")
        for place, *row in self._connection.execute(
            f"SELECT number, {columns} WHERE number >= ? AND number < ? ORDER BY number",
            (base + first - first % CHUNK, base + end),
        ):
            yield place - base, OldChunk(row) if old else Chunk(self._lexicon, row)


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
