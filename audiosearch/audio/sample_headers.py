"""Headers of uncompressed files that state another length than the file has. Standard library only.

Recorders that crash, streams and files above 4 GiB (whose sizes are stated modulo 2³²) leave such headers. The size of
the file counts: after the stated samples only chunks, tags and padding may follow; anything else is sound, too.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

WAVE = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_UNKNOWN = 0x7FFF_0000
"""Sizes from here on stand for a length that was not known when the header was written."""
_MAX_PADDING = 1 << 16
"""Zeros after the samples up to this number of bytes are padding."""


@dataclass(frozen=True, slots=True)
class SampleHeader:
    """A comparison of a header with its file.

    Args:
        end: where the samples and chunks end that the header states.
        is_short: more samples follow there.
        amended: offset → bytes in place of those there, for a reader to read all samples.
        excess: stated size of the samples, as a multiple of what the file has of them; 1 unless it was cut.
        is_open: the header states no length, and ``end`` is where the samples begin.
        prefix: a header for ``samples`` and what follows, in place of the one that is there.
        samples: where the samples begin, for ``prefix``.
    """

    end: int
    is_short: bool = False
    amended: dict[int, bytes] = field(default_factory=dict)
    excess: float = 1.0
    is_open: bool = False
    prefix: bytes = b""
    samples: int = 0

    @property
    def is_amended(self) -> bool:
        """True if a reader needs other bytes than those of the file."""
        return bool(self.amended or self.prefix)


def read_header(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    """Compare the header at ``start`` with the end of its file, or of its part of a file, at ``stop``."""
    try:
        head = _read(file, start, 40)
        if head[:4] in WAVE and head[8:12] == b"WAVE":
            return _wave(file, start, stop, head)
        if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            return _aiff(file, start, stop)
        if head[:16] == _W64_RIFF:
            return _wave64(file, start, stop)
        if head[:4] == b".snd":
            return _au(file, start, stop)
        if head[:4] == b"caff":
            return _caf(file, start, stop)
        if head[:19] == b"Creative Voice File":
            return _voc(file, start, stop)
        if head[:7] == b"NIST_1A":
            return _sphere(file, start, stop)
    except struct.error:  # cut inside the header
        pass
    return SampleHeader(stop)


def _wave(file: BinaryIO, start: int, stop: int, head: bytes) -> SampleHeader:
    order, at, long_at, form = ">" if head[:4] == b"RIFX" else "<", start + 12, 0, b""
    while at < stop and len(chunk := _read(file, at, 8)) == 8 and chunk.strip(b"\0"):
        length = struct.unpack(order + "I", chunk[4:])[0]
        if chunk[:4] == b"ds64":
            long_at = at + 8
        if chunk[:4] == b"fmt ":
            form = _read(file, at, 8 + length)
        if chunk[:4] == b"data":
            begin = at + 8
            if length == 0xFFFF_FFFF and long_at:
                length = struct.unpack("<Q", _read(file, long_at + 8, 8))[0]
            if begin + length >= stop:
                sizes = {long_at: stop - start - 8, long_at + 8: stop - begin} if long_at else {}
                return _cut(begin, length, stop, {place: struct.pack("<Q", size) for place, size in sizes.items()})
            end = _end_of_chunks(file, begin + length, stop, order)
            if end == stop:
                return SampleHeader(stop)
            if head[:4] in (b"RF64", b"BW64") and long_at:
                long_sizes = struct.pack("<QQ", stop - start - 8, stop - begin)
                return SampleHeader(end, True, {at + 4: b"\xff" * 4, long_at: long_sizes})
            sizes = {start + 4: stop - start - 8, at + 4: stop - begin}
            if stop - start >= 1 << 32:
                return SampleHeader(end, True, prefix=_rf64_header(form, stop - begin), samples=begin)
            return SampleHeader(end, True, {place: struct.pack(order + "I", size) for place, size in sizes.items()})
        at += 8 + length + length % 2
    return SampleHeader(stop)


def _rf64_header(form: bytes, size: int) -> bytes:
    """Header of a file of RF64, whose sizes have 64 bits; EBU Tech 3306.

    Args:
        form: its chunk of the format.
        size: of the samples.
    """
    sizes = struct.pack("<QQQI", 4 + 36 + len(form) + 8 + size, size, 0, 0)
    unknown = b"\xff" * 4
    return b"RF64" + unknown + b"WAVEds64" + struct.pack("<I", len(sizes)) + sizes + form + b"data" + unknown


def _aiff(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    at, common = start + 12, 0
    while at < stop and len(chunk := _read(file, at, 8)) == 8 and chunk.strip(b"\0"):
        length = struct.unpack(">I", chunk[4:])[0]
        common = at if chunk[:4] == b"COMM" else common
        if chunk[:4] == b"SSND":
            begin = at + 8
            if begin + length >= stop:
                return _cut(begin, length, stop)
            end = _end_of_chunks(file, begin + length, stop, ">")
            if end == stop or not common:
                return SampleHeader(stop)
            channels, frames, bits = struct.unpack(">hIh", _read(file, common + 8, 8))
            length = min(stop - begin, 0xFFFF_FFFF)
            frames = max(frames, (length - 8) // max(1, channels * ((bits + 7) // 8)))
            sizes = {start + 4: min(stop - start - 8, 0xFFFF_FFFF), common + 10: frames, at + 4: length}
            return SampleHeader(end, True, {place: struct.pack(">I", size) for place, size in sizes.items()})
        at += 8 + length + length % 2
    return SampleHeader(stop)


def _wave64(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    at = start + 40
    while at < stop and len(chunk := _read(file, at, 24)) == 24:
        length = struct.unpack("<Q", chunk[16:])[0]
        if chunk[:4] == b"data":
            end = at + length + -length % 8
            if end >= stop:
                return _cut(at + 24, length - 24, stop, {at + 16: struct.pack("<Q", stop - at)})
            if _read(file, end + 4, 12) == chunk[4:16]:  # another chunk
                return SampleHeader(stop)
            sizes = {start + 16: stop - start, at + 16: stop - at}
            return SampleHeader(end, True, {place: struct.pack("<Q", size) for place, size in sizes.items()})
        at += max(24, length + -length % 8)
    return SampleHeader(stop)


def _au(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    offset, length = struct.unpack(">II", _read(file, start + 4, 8))
    end = start + offset + length
    if end >= stop - 1:
        return _cut(start + offset, length, stop)
    if _is_padding(file, end, stop):
        return SampleHeader(stop)
    return SampleHeader(end, True, {start + 8: b"\xff" * 4})


def _caf(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    at = start + 8
    while at < stop and len(chunk := _read(file, at, 12)) == 12 and chunk.strip(b"\0"):
        length = struct.unpack(">q", chunk[4:])[0]
        if chunk[:4] == b"data":
            begin = at + 12
            if length < 0 or begin + length >= stop:
                return _cut(begin, length, stop, {at + 4: struct.pack(">q", stop - begin)})
            end = _end_of_chunks(file, begin + length, stop, "caf")
            if end == stop:
                return SampleHeader(stop)
            return SampleHeader(end, True, {at + 4: struct.pack(">q", stop - begin)})
        at += 12 + max(0, length)
    return SampleHeader(stop)


def _voc(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    at, last = start + struct.unpack("<H", _read(file, start + 20, 2))[0], 0
    while at < stop and len(block := _read(file, at, 4)) == 4 and 0 < block[0] < 10:
        length = int.from_bytes(block[1:], "little")
        last = at if block[0] in (1, 2, 9) else last
        at += 4 + length
        if not length and last:  # to the end of the file
            return SampleHeader(stop)
    if at >= stop - 1 or not last or _is_padding(file, at, stop):
        return SampleHeader(stop)
    return SampleHeader(at + (_read(file, at, 1) == b"\0"), True, {last + 1: bytes(3)})


def _sphere(file: BinaryIO, start: int, stop: int) -> SampleHeader:
    head = _read(file, start, 1024)
    number = {name: int(value) for name, value in re.findall(rb"\n(\w+) -i (\d+)", head)}
    if b"embedded" in head or b"sample_count" not in number:
        return SampleHeader(stop)
    begin = start + int(head[8:16])
    width = number.get(b"sample_n_bytes", 1) * number.get(b"channel_count", 1)
    length = number[b"sample_count"] * width
    if begin + length >= stop - width:
        return _cut(begin, length, stop)
    is_padded = _is_padding(file, begin + length, stop)
    return SampleHeader(stop) if is_padded else SampleHeader(begin + length, True)  # readers go on to the end


def _cut(begin: int, length: int, stop: int, amended: dict[int, bytes] | None = None) -> SampleHeader:
    """A header of a file that ends before its ``length`` bytes of samples from ``begin`` on."""
    if length == stop - begin:
        return SampleHeader(stop)
    if 0 < length < _UNKNOWN or 0xFFFF_FFFF < length < 1 << 48:
        return SampleHeader(stop, amended=amended or {}, excess=length / max(1, stop - begin))
    return SampleHeader(begin, is_open=True, amended=amended or {})


def _end_of_chunks(file: BinaryIO, at: int, stop: int, order: str) -> int:
    """End of the chunks, tags and padding from ``at`` on; ``stop`` if nothing else follows."""
    while at < stop - 8:
        for place in (at + at % 2, at):  # chunks begin at even offsets, though some programs forget it
            chunk = _read(file, place, 12)
            if chunk.startswith((b"ID3", b"TAG", b"APETAGEX")):
                return stop
            name = chunk[:4]
            if name.isascii() and name.decode().isprintable() and name not in (*WAVE, b"FORM", b"caff"):
                length = (
                    struct.unpack(">q", chunk[4:])[0] + 4
                    if order == "caf"
                    else struct.unpack(order + "I", chunk[4:8])[0]
                )
                following = place + 8 + max(0, length)
                if following <= stop + 1:
                    at = following
                    break
        else:
            return stop if _is_padding(file, at, stop) else at
    return stop


def _is_padding(file: BinaryIO, at: int, stop: int) -> bool:
    return stop - at <= _MAX_PADDING and not _read(file, at, stop - at).strip(b"\0")


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
