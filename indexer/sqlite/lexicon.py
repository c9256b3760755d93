"""Words of an SQLite index by number, in a byte or two each, and the common ones among them.

A reading of a position is the number of its word in base 128, highest digit first. The last digit is marked, which
also distinguishes the recognized word of a position from the alternatives that follow it:

    0 to 127    a digit that is not the last
    128 to 191  the last digit, 0 to 63, of a word
    192 to 255  the last digit, 0 to 63, of an alternative

Numbers are assigned by frequency in the first recording, and later as new words come; none is assigned twice.

A word is common from the recording on that follows the one with its MIN_COMMON-th reading, and stays common.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from audiosearch.types import Word

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE lexicon (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    word       TEXT NOT NULL UNIQUE,
    recordings INTEGER NOT NULL, -- in which it was recognized
    readings   INTEGER NOT NULL, -- alternatives too
    common     INTEGER           -- from which number of a recording on
);
CREATE INDEX common ON lexicon (common) WHERE common IS NOT NULL;
"""

MIN_COMMON = 5_000
"""Readings from which on a word is common: fewer are read quickly one by one."""

ALTERNATIVE = 64
"""Value added to the last byte of an alternative."""

_READING = re.compile(rb"[\0-\x7f]*[\x80-\xff]")


class Lexicon:
    """Words of a file and their numbers."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._texts: dict[bytes, str] = {}

    def add(self, recording: int, words: Sequence[Word]) -> dict[str, int]:
        """Count the words of a new recording, and return their numbers."""
        recognized, counts = _counted(words)
        ordered = sorted(counts, key=lambda text: (-counts[text], text))
        counted = [(text, text in recognized, counts[text]) for text in ordered]
        rows = [
            *self._connection.executemany(
                "UPDATE lexicon SET recordings = recordings + ?2, readings = readings + ?3 WHERE word = ?1 "
                "RETURNING word, number, readings",
                counted,
            )
        ]
        known = {text for text, *_ in rows}
        rows += self._connection.executemany(
            "INSERT INTO lexicon (word, recordings, readings) VALUES (?, ?, ?) RETURNING word, number, readings",
            (row for row in counted if row[0] not in known),  # conflicts with known words would use up numbers
        )
        grown = [(recording + 1, number) for _, number, readings in rows if readings >= MIN_COMMON]
        self._connection.executemany("UPDATE lexicon SET common = ? WHERE number = ? AND common IS NULL", grown)
        return {text: number for text, number, _ in rows}

    def remove(self, words: Sequence[Word]) -> None:
        """Uncount the words of a deleted recording."""
        recognized, counts = _counted(words)
        self._connection.executemany(
            "UPDATE lexicon SET recordings = recordings - ?, readings = readings - ? WHERE word = ?",
            ((text in recognized, count, text) for text, count in sorted(counts.items())),
        )
        self._connection.executemany(
            "DELETE FROM lexicon WHERE word = ? AND readings <= 0 AND common IS NULL", ((text,) for text in counts)
        )

    def common(self, recording: int) -> frozenset[str]:
        """Words that are common in the recording of a number."""
        rows = self._connection.execute("SELECT word FROM lexicon WHERE common <= ?", (recording,))
        return frozenset(word for (word,) in rows)

    def common_since(self, texts: Iterable[str]) -> int | None:
        """Number of the recording from which on all of these words are common; None if one is not."""
        since = 0
        for text in texts:
            common = self._connection.execute("SELECT common FROM lexicon WHERE word = ?", (text,)).get
            if common is None:
                return None
            since = max(since, common)
        return since

    def known(self, texts: Iterable[str]) -> set[str]:
        """Those of the words that are readings of a recording, or were common once."""
        select = "SELECT word FROM lexicon WHERE word IN (SELECT value FROM json_each(?))"
        return {word for (word,) in self._connection.execute(select, (json.dumps(list(texts)),))}

    def rarest(self, texts: Iterable[str]) -> int | None:
        """Number of readings of the rarest of these words; None for no words."""
        select = "SELECT readings FROM lexicon WHERE word = ?"
        return min((self._connection.execute(select, (text,)).get or 0 for text in texts), default=None)

    def alternative(self, text: str) -> bytes | None:
        """Bytes of a word as an alternative; None if the lexicon does not have it."""
        number = self._connection.execute("SELECT number FROM lexicon WHERE word = ?", (text,)).get
        return None if number is None else reading(number, alternative=True)

    def texts(self, readings: Sequence[bytes]) -> list[str]:
        """Texts of readings."""
        known = self._texts
        missing = [_number(packed) for packed in readings if packed not in known]
        if missing:
            rows = self._connection.execute(
                "SELECT number, word FROM lexicon WHERE number IN (SELECT value FROM json_each(?))",
                (json.dumps(missing),),
            )
            for number, text in rows:
                known[reading(number)] = known[reading(number, alternative=True)] = text
        return [known[packed] for packed in readings]


def _counted(words: Sequence[Word]) -> tuple[set[str], Counter[str]]:
    """Recognized words, and the number of readings of each word, alternatives included."""
    recognized = {word.text for word in words}
    counts = Counter(word.text for word in words)
    counts.update(rival.text for word in words if word.alternatives for rival in word.alternatives)
    return recognized, counts


def reading(number: int, *, alternative: bool = False) -> bytes:
    """Bytes of the word of a number."""
    digits = [number & 63 | 128 + ALTERNATIVE * alternative]
    number >>= 6
    while number:
        digits.append(number & 127)
        number >>= 7
    return bytes(digits[::-1])


def _number(reading: bytes) -> int:
    """Number of the word of a reading."""
    number = 0
    for digit in reading[:-1]:
        number = number << 7 | digit
    return number << 6 | reading[-1] & 63


def as_alternative(reading: bytes) -> bytes:
    """Reading of the same word as an alternative."""
    return reading[:-1] + bytes([reading[-1] | ALTERNATIVE])


def is_alternative(reading: bytes) -> bool:
    """Return whether a reading is an alternative."""
    return reading[-1] >= 128 + ALTERNATIVE


def readings(packed: bytes) -> list[bytes]:
    """Readings of packed bytes, in order."""
    return _READING.findall(packed)
