"""The words of a stretch of a recording in few bytes each, the same in every store.

Text is joined by single spaces. Times are whole milliseconds: for each word the gap to the end of the word before (for
the first to 0; doubled, and one less if negative), then the length of each. These numbers of four bytes are laid out by
significance, so that the many zeros lie together, and deflated:

    lowest bytes of all │ second bytes of all │ third bytes of all │ highest bytes of all

That takes two bytes a word, and unpacks without a step of Python for each byte. Confidences are whole thousandths in
two bytes, lowest first and as they are, so that one is found without the others.
"""

from __future__ import annotations

import os
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from audiosearch.types import Word
from indexer.types import MAX_LETTERS


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, the stores' unit of time."""
    return round(seconds * 1000)


def stored(words: Iterable[Word]) -> tuple[Word, ...]:
    """Words as every store gives them back."""
    return tuple(
        Word(
            word.text[:MAX_LETTERS],
            milliseconds(word.start) / 1000,
            milliseconds(word.end) / 1000,
            round(word.confidence * 1000) / 1000,
        )
        for word in words
    )


def pack_text(words: Iterable[Word]) -> str:
    """The words with single spaces between them; ValueError for what is not a word."""
    texts = [word.text[:MAX_LETTERS] for word in words]
    for text in texts:
        if not text or " " in text or not text.isprintable():
            raise ValueError(f"{text!r} is not a word")
    return " ".join(texts)


def pack_times(words: Iterable[Word]) -> bytes:
    """Starts and ends; ValueError for a word that ends before it starts."""
    gaps, lengths = [], []
    last = 0
    for word in words:
        start, end = round(word.start * 1000), round(word.end * 1000)  # as milliseconds(), which costs a call
        if not 0 <= start <= end:
            raise ValueError(f"the word {word.text!r} spans {word.start} to {word.end} s")
        gap = start - last
        gaps.append(2 * gap if gap >= 0 else -2 * gap - 1)
        lengths.append(end - start)
        last = end
    numbers = _little_endian(array("I", gaps + lengths)).tobytes()
    return deflate(b"".join(numbers[significance::4] for significance in range(4)))


def pack_confidences(words: Iterable[Word]) -> bytes:
    """Confidences; ValueError for one that is no probability."""
    packed = array("H")
    for word in words:
        if not 0.0 <= word.confidence <= 1.0:
            raise ValueError(f"the word {word.text!r} has confidence {word.confidence}")
        packed.append(round(word.confidence * 1000))
    return _little_endian(packed).tobytes()


def thousandths(confidences: bytes) -> array[int]:
    """Every confidence of what ``pack_confidences`` made."""
    return _little_endian(array("H", confidences))


def confidence_at(confidences: bytes, place: int) -> int:
    """Thousandths of the word at a place of what ``pack_confidences`` made."""
    return confidences[2 * place] | confidences[2 * place + 1] << 8


def unpack(text: str, times: bytes, confidences: bytes, first: int = 0, end: int | None = None) -> list[Word]:
    """The words from place ``first`` to before ``end`` of what was packed, in stored precision."""
    texts = text.split()
    planes = inflate(times)
    numbers = bytearray(len(planes))
    for significance in range(4):
        numbers[significance::4] = planes[significance * len(planes) // 4 : (significance + 1) * len(planes) // 4]
    times_of = _little_endian(array("I", bytes(numbers)))
    gaps, lengths = times_of[: len(texts)][:end], times_of[len(texts) :][:end]
    ends = list(accumulate([(gap >> 1 ^ -(gap & 1)) + length for gap, length in zip(gaps, lengths, strict=True)]))
    some = zip(texts[first:end], lengths[first:], ends[first:], thousandths(confidences)[first:end], strict=True)
    return [
        Word(text, (until - length) / 1000, until / 1000, confidence / 1000) for text, length, until, confidence in some
    ]


def deflate(plain: bytes) -> bytes:
    """Fewer bytes, without header or checksum."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(plain) + compressor.flush()


def inflate(deflated: bytes) -> bytes:
    """The bytes that were deflated."""
    return zlib.decompress(deflated, wbits=-15)


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def blocks(words: Sequence[Word], size: int) -> Iterator[tuple[int, Sequence[Word]]]:
    """Stretches of ``size`` words with the position of their first."""
    for first in range(0, len(words), size):
        yield first, words[first : first + size]


def pack_path(path: str) -> str:
    """A path as text that any store can keep, also where the file's name is not UTF-8.

    Absolute paths never begin with "hex:".
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return "hex:" + os.fsencode(path).hex()
    return path


def unpack_path(text: str) -> str:
    """The path that was packed."""
    return os.fsdecode(bytes.fromhex(text[4:])) if text.startswith("hex:") else text
