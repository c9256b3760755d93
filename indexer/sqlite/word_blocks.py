"""Words of recordings in rows of BLOCK_WORDS positions, of which a hit reads one or two.

words          the readings of each position, the recognized word first (lexicon.py)
times          with voices, as in word_codec.py
confidences    thousandths, a byte for each word without the two lowest bits; then these, a byte for four words
probabilities  of the alternatives, a byte each, in steps of 1/250
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from audiosearch.types import Alternative, Word
from indexer import word_codec
from indexer.matching import match
from indexer.matching.grades import grade_of
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

BLOCK_WORDS = 128
"""Words of a row: about 700 bytes; most hits need one row."""

END = 1 << 32
"""Upper bound of the positions of a recording, and of the numbers of recordings."""

STEP = 1000 // STEPS

PROBABILITIES = [steps / STEPS for steps in range(STEPS + 1)]

NOT_WORD = bytes([*range(128), *range(128 + ALTERNATIVE, 256)])
NOT_ALTERNATIVE = bytes(range(128 + ALTERNATIVE))
"""Bytes that do not end a word, and those that do not end an alternative."""

DIGIT, WORD_END, ALTERNATIVE_END = b"\0", b"\1", b"\2"
KINDS = 128 * DIGIT + ALTERNATIVE * WORD_END + ALTERNATIVE * ALTERNATIVE_END
"""Kind of each byte: a digit that is not the last of a reading, the last of a word, or the last of an alternative."""


class WordBlock:
    """Row of which only the requested parts are unpacked. Indices count its words from 0."""

    def __init__(self, lexicon: Lexicon, row: Sequence[bytes]) -> None:
        self._lexicon = lexicon
        self._words, self._confidences, self._probabilities, *times = row
        self._times = times
        self._number = len(self._confidences) * 4 // 5
        self._best_grade: int | None = None

    def words(self, first: int, end: int) -> list[Word]:
        """Words at the indices from ``first`` to before ``end``."""
        end = min(end, self._number)
        if first >= end:
            return []
        start = self._begin(first)
        packed = readings(self._words[start : self._begin(end)])
        steps = iter(self._probabilities[self._rivalsbefore(start) :])
        texts: list[str] = []
        alternatives: list[tuple[Alternative, ...]] = []
        for reading_, text in zip(packed, self._lexicon.texts(packed), strict=True):
            if is_alternative(reading_):
                alternatives[-1] += (Alternative(text, PROBABILITIES[next(steps)]),)
            else:
                texts.append(text)
                alternatives.append(())
        times = word_codec.unpack_times(self._times[0], first, end)
        confidences = map(self.word_confidence, range(first, end))
        words = [
            Word(text, start / 1000, until / 1000, confidence / 1000, rivals)
            for text, (start, until), confidence, rivals in zip(texts, times, confidences, alternatives, strict=True)
        ]
        return word_codec.with_voices(words, self._times[0], first, end)

    def confidence(self, term: Term, index: int, alternative: bytes | None) -> int:
        """Confidence of the most confident reading at an index that a term matches, in thousandths.

        Args:
            term: matches a reading there.
            alternative: bytes of the term as an alternative; None for a prefix.
        """
        if alternative is not None:
            start = self._start(index, alternative)
            if start < 0:
                return self.word_confidence(index)
            return STEP * self._probabilities[self._rivalsbefore(start)]
        start = self._begin(index)
        word, *rivals = self._lexicon.texts(readings(self._words[start : self._begin(index + 1)]))
        confidences = [self.word_confidence(index)] if match.matches(term, word) else []
        ranks = [rank for rank, rival in enumerate(rivals) if match.matches(term, rival)]
        if ranks:
            before = self._rivalsbefore(start)
            confidences += [STEP * self._probabilities[before + rank] for rank in ranks]
        return max(confidences)

    def word_confidence(self, index: int) -> int:
        """Confidence of the recognized word at an index, in thousandths."""
        packed = self._confidences
        return packed[index] << 2 | packed[self._number + (index >> 2)] >> 2 * (index & 3) & 3

    @property
    def best_alternative_grade(self) -> int:
        """Grade of the most probable alternative; -1 if there is none."""
        if self._best_grade is None:
            self._best_grade = grade_of(STEP * max(self._probabilities)) if self._probabilities else -1
        return self._best_grade

    def has(self, index: int, alternative: bytes) -> bool:
        """Return whether a word, given as an alternative, is a reading at an index."""
        return self._start(index, alternative) >= 0 or self._word(index) == alternative

    def has_several(self, index: int, alternatives: Sequence[bytes], *, recognized: bool) -> bool:
        """Return whether an index that has the first of these words as a reading has another of them too.

        Args:
            alternatives: the words, as alternatives.
            recognized: the first word is known not to be an alternative there.
        """
        first, *rest = alternatives
        if any(self._start(index, alternative) >= 0 for alternative in rest):
            return True
        return not recognized and self._start(index, first) >= 0 and self._word(index) in rest

    def _word(self, index: int) -> bytes:
        """Recognized word at an index, as an alternative."""
        return as_alternative(readings(self._words[self._begin(index) : self._begin(index + 1)])[0])

    def _start(self, index: int, alternative: bytes) -> int:
        """Offset of an alternative at an index; -1 if it is none there.

        The words before an index take at least a byte each: the search begins after that many bytes.
        """
        words = self._words
        start = words.find(alternative, index + 1)
        while start >= 0:
            missing = index + 1 - len(words[:start].translate(None, NOT_WORD))
            if missing < 0:
                break
            if missing == 0 and words[start - 1] >= 128:  # else it is the end of a longer one
                return start
            start = words.find(alternative, start + (missing or 1))
        return -1

    def _begin(self, index: int) -> int:
        """Offset of the readings at an index.

        Between the ends of two words are the alternatives of the first and the leading digits of the second.
        """
        if index >= self._number:
            return len(self._words)
        *_, between, rest = self._words.translate(KINDS).split(WORD_END, index + 1)
        return len(self._words) - len(rest) - len(between) + between.rfind(ALTERNATIVE_END)

    def _rivalsbefore(self, start: int) -> int:
        """Number of alternatives that end before an offset."""
        return len(self._words[:start].translate(None, NOT_ALTERNATIVE))


class WordBlocks:
    """Word blocks of all recordings of a file."""

    def __init__(self, connection: apsw.Connection, lexicon: Lexicon) -> None:
        self._connection = connection
        self._lexicon = lexicon

    def add(self, number: int, words: Sequence[Word], numbers: Mapping[str, int]) -> None:
        """Store the words of a new recording.

        Args:
            words: in stored precision.
            numbers: in the lexicon, of the texts of all readings.
        """
        self._connection.executemany(
            "INSERT INTO stretches VALUES (?, ?, ?, ?, ?)",
            (
                ((number << 32) + first, _pack(part, numbers), word_codec.pack_times(part), *_pack_confidences(part))
                for first, part in word_codec.blocks(words, BLOCK_WORDS)
            ),
        )

    def remove(self, number: int) -> None:
        """Delete the words of a recording."""
        self._connection.execute(
            "DELETE FROM stretches WHERE number >= ? AND number < ?", (number << 32, number + 1 << 32)
        )

    def words(self, number: int, first: int, end: int) -> list[Word]:
        """Words of a recording at the positions from ``first`` to before ``end``, as far as they exist."""
        words = []
        for offset, block in self._read(number, first, end):
            words += block.words(max(first - offset, 0), end - offset)
        return words

    def times(self, number: int, block: int) -> list[tuple[int, int]]:
        """Start and end of the words of a block of a recording, in milliseconds."""
        return word_codec.unpack_times(self._packed_times(number, block))

    def voices(self, number: int, block: int) -> list[str | None]:
        """Voices of the words of a block of a recording."""
        return list(islice(word_codec.unpack_voices(self._packed_times(number, block)), BLOCK_WORDS))

    def _packed_times(self, number: int, block: int) -> bytes:
        key = (number << 32) + block * BLOCK_WORDS
        times: bytes = self._connection.execute("SELECT times FROM stretches WHERE number = ?", (key,)).get
        return times

    def at(self, numbers: Collection[int]) -> dict[int, WordBlock]:
        """Blocks by number, without times."""
        rows = self._connection.execute(
            "SELECT number, words, confidences, probabilities FROM stretches "
            "WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps([*numbers]),),
        )
        return {number: WordBlock(self._lexicon, row) for number, *row in rows}

    def _read(self, number: int, first: int, end: int) -> Iterator[tuple[int, WordBlock]]:
        """Blocks, each with the position of its first word."""
        base = number << 32
        for key, *row in self._connection.execute(
            "SELECT number, words, confidences, probabilities, times FROM stretches "
            "WHERE number >= ? AND number < ? ORDER BY number",
            (base + first - first % BLOCK_WORDS, base + end),
        ):
            yield key - base, WordBlock(self._lexicon, row)


def _pack(words: Sequence[Word], numbers: Mapping[str, int]) -> bytes:
    """Readings of words."""
    packed = bytearray()
    for word in words:
        packed += reading(numbers[word.text])
        for alternative in word.alternatives:
            packed += reading(numbers[alternative.text], alternative=True)
    return bytes(packed)


def _pack_confidences(words: Sequence[Word]) -> tuple[bytes, bytes]:
    """Confidences of words, and probabilities of their alternatives."""
    thousandths = [round(1000 * word.confidence) for word in words]
    lowest = bytearray(-(-len(words) // 4))
    for index, number in enumerate(thousandths):
        lowest[index // 4] |= (number & 3) << 2 * (index % 4)
    confidences = bytes(number >> 2 for number in thousandths) + lowest
    return confidences, bytes(round(STEPS * rival.probability) for word in words for rival in word.alternatives)
