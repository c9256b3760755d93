"""Compact encoding of the words of a part of a recording, the same in every store.

Text is joined by single spaces. Times are whole milliseconds: for each word the gap to the end of the word before (for
the first to 0), then the length of each. All are divided by their greatest common divisor, the unit, which is a frame
or more; gaps are doubled, and one less if negative. These numbers of four bytes are laid out by significance, so that
the many zeros lie together, and deflated with the unit before them:

    unit (2 bytes) │ lowest bytes of all │ second bytes of all │ third bytes of all │ highest bytes of all

Voices follow the deflated stream if a word has one: deflated text of a line for each word, and VOICES_END. What ends
with these bytes is inflated to its end and then checked, as a stream may end like that by chance.

Times take little more than a byte per word, and unpack without a Python step per byte. Confidences are whole
thousandths in two bytes, lowest first and uncompressed, for access by index.

Alternatives take no bytes if no word has any; otherwise their number, their probabilities in steps of 1/250, a byte
each, and deflated text, in which a line for each word holds its alternatives, each after a tab:

    number (4 bytes, lowest first) │ a byte each │ "\\n\\tthen\\tthem\\n\\n\\tcat …" deflated
"""

from __future__ import annotations

import math
import os
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, repeat

from audiosearch.types import MAX_ALTERNATIVES, Alternative, Word
from indexer.types import MAX_LETTERS

VOICES_END = b"\xf5VOX"

MAX_VOICE = 100
"""Maximum number of letters of a voice."""

STEPS = 250
"""Steps of the probability of an alternative, four thousandths each."""


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, the stores' unit of time."""
    return round(seconds * 1000)


def stored(words: Iterable[Word]) -> tuple[Word, ...]:
    """Words in stored precision; ValueError for words that no store accepts."""
    kept = []
    for word in words:
        text = _checked(word.text[:MAX_LETTERS])
        start, end = round(word.start * 1000), round(word.end * 1000)  # as milliseconds(), which costs a call
        if not 0 <= start <= end:
            raise ValueError(f"the word {text!r} spans {word.start} to {word.end} s")
        if not 0.0 <= word.confidence <= 1.0:
            raise ValueError(f"the word {text!r} has confidence {word.confidence}")
        quantized = _quantized_alternatives(word) if word.alternatives else ()
        alternatives = tuple(Alternative(_checked(rival), steps / STEPS) for rival, steps in quantized)
        kept.append(Word(text, start / 1000, end / 1000, round(word.confidence * 1000) / 1000, alternatives,
                         stored_voice(word.voice)))  # fmt: skip
    return tuple(kept)


def _quantized_alternatives(word: Word) -> list[tuple[str, int]]:
    """Alternatives with probabilities in steps, without those equal to the word after truncation."""
    steps: dict[str, int] = {}
    for rival in word.alternatives:
        if not 0.0 <= rival.probability <= 1.0:
            raise ValueError(f"the word {rival.text!r} has probability {rival.probability}")
        steps.setdefault(rival.text[:MAX_LETTERS], round(rival.probability * STEPS))
    steps.pop(word.text[:MAX_LETTERS], None)
    if len(steps) > MAX_ALTERNATIVES:
        raise ValueError(f"the word {word.text!r} has more than {MAX_ALTERNATIVES} alternatives")
    return list(steps.items())


def pack_text(words: Iterable[Word]) -> str:
    """Words joined by single spaces; ValueError for a text that is not a word."""
    return " ".join(_checked(word.text[:MAX_LETTERS]) for word in words)


def _checked(text: str) -> str:
    if not text or " " in text or not text.isprintable():
        raise ValueError(f"{text!r} is not a word")
    return text


def stored_voice(voice: str | None) -> str | None:
    """A voice on one line of at most MAX_VOICE letters; None if nothing is left of it."""
    if voice is None:
        return None
    return " ".join("".join(letter if letter.isprintable() else " " for letter in voice).split())[:MAX_VOICE] or None


def pack_times(words: Sequence[Word]) -> bytes:
    """Starts, ends and voices; ValueError for a word that ends before it starts."""
    gaps, lengths = [], []
    last = 0
    for word in words:
        start, end = round(word.start * 1000), round(word.end * 1000)  # as milliseconds(), which costs a call
        if not 0 <= start <= end:
            raise ValueError(f"the word {word.text!r} spans {word.start} to {word.end} s")
        gaps.append(start - last)
        lengths.append(end - start)
        last = end
    unit = math.gcd(*gaps, *lengths) or 1
    unit = unit if unit < 1 << 16 else 1
    if unit > 1:
        gaps, lengths = [gap // unit for gap in gaps], [length // unit for length in lengths]
    gaps = [2 * gap if gap >= 0 else -2 * gap - 1 for gap in gaps]
    numbers = _little_endian(array("I", gaps + lengths)).tobytes()
    packed = deflate(unit.to_bytes(2, "little") + b"".join(numbers[significance::4] for significance in range(4)))
    if any(word.voice is not None for word in words):
        packed += deflate("\n".join(stored_voice(word.voice) or "" for word in words).encode()) + VOICES_END
    return packed


def unpack_voices(times: bytes, first: int = 0, end: int | None = None) -> Iterable[str | None]:
    """Voice of each word from ``first`` to before ``end``, from the output of ``pack_times``; endless if unknown."""
    if times.endswith(VOICES_END):
        stream = zlib.decompressobj(wbits=-15)
        stream.decompress(times)
        if stream.unused_data:
            return [voice or None for voice in inflate(stream.unused_data).decode().split("\n")[first:end]]
    return repeat(None)


def pack_confidences(words: Iterable[Word]) -> bytes:
    """Confidences; ValueError for one outside 0 to 1."""
    packed = array("H")
    for word in words:
        if not 0.0 <= word.confidence <= 1.0:
            raise ValueError(f"the word {word.text!r} has confidence {word.confidence}")
        packed.append(round(word.confidence * 1000))
    return _little_endian(packed).tobytes()


def pack_alternatives(words: Iterable[Word]) -> bytes:
    """Alternatives; ValueError for an invalid word or probability."""
    lines, probabilities = [], bytearray()
    for word in words:
        quantized = _quantized_alternatives(word) if word.alternatives else []
        lines.append("".join("\t" + _checked(text) for text, _ in quantized))
        probabilities += bytes(steps for _, steps in quantized)
    if not probabilities:
        return b""
    return len(probabilities).to_bytes(4, "little") + probabilities + deflate("\n".join(lines).encode())


def unpack_alternatives(
    packed: bytes, first: int = 0, end: int | None = None, wanted: Iterable[str] | None = None
) -> dict[int, tuple[Alternative, ...]]:
    """Alternatives by index of the word, from the output of ``pack_alternatives``.

    Args:
        first, end: indices, half-open.
        wanted: prefixes of alternatives; words without one are left out.
    """
    text = alternatives_text(packed)
    lines = text.split("\n")
    if wanted is None:
        indices = [index for index, line in enumerate(lines[:end]) if line and index >= first]
    else:
        indices = sorted({index for prefix in wanted for index in _lines(text, "\t" + prefix, first, end)})
    alternatives = {}
    at, last = 4, 0  # offset of the probabilities of a word, and its index
    for index in indices:
        at += "".join(lines[last:index]).count("\t")
        last = index
        texts = lines[index][1:].split("\t")
        steps = packed[at : at + len(texts)]
        alternatives[index] = tuple(Alternative(rival, step / STEPS) for rival, step in zip(texts, steps, strict=True))
    return alternatives


def _lines(text: str, part: str, first: int, end: int | None) -> Iterator[int]:
    """Numbers of the lines from ``first`` to before ``end`` that contain a part; some come twice."""
    line, counted = 0, 0
    at = text.find(part)
    while at >= 0:
        line += text.count("\n", counted, at)
        counted = at
        if line >= first and (end is None or line < end):
            yield line
        at = text.find(part, at + 1)


def alternatives_text(packed: bytes) -> str:
    """Inflated text of the output of ``pack_alternatives``."""
    return inflate(packed[4 + int.from_bytes(packed[:4], "little") :]).decode() if packed else ""


def thousandths(confidences: bytes) -> array[int]:
    """All confidences from the output of ``pack_confidences``, in thousandths."""
    return _little_endian(array("H", confidences))


def confidence_at(confidences: bytes, index: int) -> int:
    """Confidence at an index from the output of ``pack_confidences``, in thousandths."""
    return confidences[2 * index] | confidences[2 * index + 1] << 8


def unpack(
    text: str, times: bytes, confidences: bytes, first: int = 0, end: int | None = None, alternatives: bytes = b""
) -> list[Word]:
    """Words from index ``first`` to before ``end`` of packed words, in stored precision."""
    texts = text.split(" ", -1 if end is None else end)[first:end] if text else []
    columns = zip(texts, unpack_times(times, first, end), thousandths(confidences)[first:end], strict=True)
    rivals = unpack_alternatives(alternatives, first, end)
    words = [
        Word(word, start / 1000, until / 1000, confidence / 1000, rivals.get(index, ()))
        for index, (word, (start, until), confidence) in enumerate(columns, first)
    ]
    return with_voices(words, times, first, end)


def with_voices(words: list[Word], times: bytes, first: int, end: int | None) -> list[Word]:
    """Unpacked words from index ``first`` to before ``end`` with their voices."""
    if not times.endswith(VOICES_END):
        return words
    return [replace(word, voice=voice) for word, voice in zip(words, unpack_voices(times, first, end), strict=False)]


def unpack_times(packed: bytes, first: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Start and end of each word from ``first`` to before ``end``, in milliseconds."""
    inflated = inflate(packed)
    unit, planes = int.from_bytes(inflated[:2], "little"), inflated[2:]
    size = len(planes) // 4
    numbers = _interleaved(planes, size)
    gaps, lengths = numbers[: size // 2], numbers[size // 2 :]
    before = 0
    if not planes[:first].translate(_ODD).count(1):  # nearly always; else the gaps are added one by one
        before = sum(gaps[:first]) // 2 + sum(lengths[:first])
        gaps, lengths = gaps[first:end], lengths[first:end]
        first, end = 0, None
    lengths = lengths[:end]
    moves = [0] * (2 * len(lengths))
    moves[::2] = [gap >> 1 ^ -(gap & 1) for gap in gaps[:end]]
    moves[1::2] = lengths
    edges = [unit * edge for edge in accumulate(moves, initial=before)]
    return list(zip(edges[1::2], edges[2::2], strict=True))[first:]


def _interleaved(planes: bytes, size: int) -> Sequence[int]:
    """``size`` numbers of four bytes from planes of equal significance, lowest first; most need one byte, or two."""
    used = -(-len(planes.rstrip(b"\0")) // size) if size else 0
    if used <= 1:
        return planes[:size]
    width = 2 if used == 2 else 4
    numbers = bytearray(width * size)
    for significance in range(width):
        numbers[significance::width] = planes[significance * size : (significance + 1) * size]
    return _little_endian(array("H" if width == 2 else "I", bytes(numbers)))


_ODD = bytes(byte & 1 for byte in range(256))


def deflate(plain: bytes) -> bytes:
    """Deflate bytes, without header or checksum."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(plain) + compressor.flush()


def inflate(deflated: bytes) -> bytes:
    """Inflate the output of ``deflate``."""
    return zlib.decompress(deflated, wbits=-15)


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def blocks(words: Sequence[Word], size: int) -> Iterator[tuple[int, Sequence[Word]]]:
    """Blocks of ``size`` words, each with the position of its first word."""
    for first in range(0, len(words), size):
        yield first, words[first : first + size]


def pack_path(path: str) -> str:
    """Path as text that every store accepts, also for file names that are not UTF-8.

    Absolute paths never begin with "hex:".
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return "hex:" + os.fsencode(path).hex()
    return path


def unpack_path(text: str) -> str:
    """Path of the output of ``pack_path``."""
    return os.fsdecode(bytes.fromhex(text[4:])) if text.startswith("hex:") else text
