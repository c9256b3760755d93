"""Files joined of several, a part of a file as a file, and headers that state too little. Standard library only."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

OGG = b"OggS"
_ID3 = b"ID3"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # MP4 and QuickTime, at offset 4
_PAGE_HEADER = 27
_FIRST_PAGE = 2  # flag of the first page of a stream


class FilePart(io.RawIOBase):
    """Bytes ``start`` to ``stop`` of a file, read only, with some bytes replaced.

    Args:
        amended: offset in the file → bytes in place of those there.
    """

    def __init__(self, path: Path, start: int, stop: int, amended: dict[int, bytes] | None = None) -> None:
        super().__init__()
        self._amended = amended or {}
        self.name = str(path)
        self._file = path.open("rb")
        self._start, self._stop = start, stop
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        position = self._file.tell()
        view = memoryview(buffer).cast("B")[: max(0, self._stop - position)]
        count = self._file.readinto(view)
        for offset, replacement in self._amended.items():
            first, last = max(offset, position), min(offset + len(replacement), position + count)
            if first < last:
                view[first - position : last - position] = replacement[first - offset : last - offset]
        return count

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (self._start, self._file.tell(), self._stop)[whence]
        self._file.seek(max(self._start, base + offset))
        return self.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def ogg_parts(path: Path) -> list[tuple[int, int]]:
    """Start and end of each of the consecutive streams of an Ogg file; FFmpeg does not read past a change of format."""
    starts: list[int] = []
    with path.open("rb") as file:
        position, is_head = 0, False
        while len(page := file.read(_PAGE_HEADER)) == _PAGE_HEADER and page.startswith(OGG):
            if page[5] & _FIRST_PAGE and not is_head:
                starts.append(position)
            is_head = bool(page[5] & _FIRST_PAGE)
            position += _PAGE_HEADER + page[26] + sum(file.read(page[26]))
            file.seek(position)
        size = file.seek(0, 2)
    return list(pairwise([*starts, size])) or [(0, size)]


def mp3_header_fits(path: Path) -> bool:
    """False if the header of an mp3 file (Xing, Info) states fewer bytes than there are: another file is joined."""
    with path.open("rb") as file:
        start = 0
        while (tag := file.read(10))[:3] == _ID3 and len(tag) == 10:
            start += 10 + sum((tag[6 + place] & 127) << 7 * (3 - place) for place in range(4))
            file.seek(start)
        file.seek(start)
        frame = file.read(1024)
        size = file.seek(0, 2)
    at = max(frame[:256].find(b"Xing"), frame[:256].find(b"Info"))
    if at < 0 or len(frame) < at + 16 or frame[at + 7] & 3 != 3:
        return True
    stated = int.from_bytes(frame[at + 12 : at + 16], "big")
    return not stated or size - start - stated < MIN_JOINED_BYTES


MIN_JOINED_BYTES = 4096
"""Less after the end of an mp3 file are tags."""


def lacks_index(path: Path) -> bool:
    """True for an MP4 or QuickTime file without a moov box, which is written last."""
    with path.open("rb") as file:
        size, at, is_first = file.seek(0, 2), 0, True
        while at < size:
            file.seek(at)
            box = file.read(16)
            if box[4:8] == b"moov" or (is_first and box[4:8] not in _BOXES):
                return False
            length = int.from_bytes(box[:4], "big")
            length = int.from_bytes(box[8:16], "big") if length == 1 else length
            at, is_first = (at + length if length >= 8 else size), False
    return True


@contextmanager
def open_amended(path: Path) -> Iterator[io.RawIOBase | int]:
    """Open a file of uncompressed samples: its descriptor, or a file with a longer length in its header."""
    amended = amended_header(path)
    if amended:
        with FilePart(path, 0, path.stat().st_size, amended) as part:
            yield part
    else:
        with path.open("rb") as file:
            yield file.fileno()


def amended_header(path: Path) -> dict[int, bytes]:
    """Bytes to replace in a header that states fewer samples than the file holds; empty if it is right.

    Recorders that crash and files above 4 GiB leave such headers. After the samples only chunks and tags may follow.
    """
    try:
        return _longer_lengths(path)
    except struct.error:  # cut inside the header
        return {}


def _longer_lengths(path: Path) -> dict[int, bytes]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(16)
        if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
            order = ">" if head[:4] == b"RIFX" else "<"
            at, long_at = 12, 0
            while len(chunk := _read(file, at, 8)) == 8 and chunk.strip(b"\0"):
                length = struct.unpack(order + "I", chunk[4:])[0]
                if chunk[:4] == b"ds64":
                    long_at = at + 16
                if chunk[:4] == b"data":
                    if length == 0xFFFF_FFFF and long_at:
                        length = struct.unpack("<Q", _read(file, long_at, 8))[0]
                    if _only_chunks(file, at + 8 + length, size, order):
                        return {}
                    if head[:4] == b"RF64" and long_at:
                        return {at + 4: b"\xff" * 4, long_at - 8: struct.pack("<QQ", size - 8, size - at - 8)}
                    length_field = (
                        b"\xff" * 4 if size < 1 << 32 else bytes(4)
                    )  # libsndfile then reads to the end, or nothing
                    return {4: length_field, at + 4: length_field}
                at += 8 + length + length % 2
        elif head[:4] == b"FORM" and _read(file, 8, 4) in (b"AIFF", b"AIFC"):
            at, common = 12, 0
            while len(chunk := _read(file, at, 8)) == 8 and chunk.strip(b"\0"):
                length = struct.unpack(">I", chunk[4:])[0]
                common = at if chunk[:4] == b"COMM" else common
                if chunk[:4] == b"SSND":
                    if not common or _only_chunks(file, at + 8 + length, size, ">"):
                        return {}
                    channels, frames, bits = struct.unpack(">hIh", _read(file, common + 8, 8))
                    width = max(1, channels * ((bits + 7) // 8))
                    length = min(size - at - 8, 0xFFFF_FFFF)
                    frames = max(frames, (length - 8) // width)
                    return {4: struct.pack(">I", min(size - 8, 0xFFFF_FFFF)), common + 10: struct.pack(">I", frames),
                            at + 4: struct.pack(">I", length)}  # fmt: skip
                at += 8 + length + length % 2
        elif head[:4] == b".snd":
            offset, length = struct.unpack(">II", head[4:12])
            if offset + length < size - 1:
                return {8: b"\xff" * 4}
        elif head == _W64_RIFF:
            at = 40
            while len(chunk := _read(file, at, 24)) == 24:
                length = struct.unpack("<Q", chunk[16:])[0]
                if chunk[:4] == b"data":
                    end = at + length + -length % 8
                    if end >= size or _read(file, end + 4, 12) == chunk[4:16]:  # another chunk
                        return {}
                    return {16: struct.pack("<Q", size), at + 16: struct.pack("<Q", size - at)}
                at += max(24, length + -length % 8)
    return {}


_W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"


def _read(file: io.BufferedReader, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _only_chunks(file: io.BufferedReader, at: int, size: int, order: str) -> bool:
    """True if only chunks or tags follow from ``at`` to the end of the file."""
    while at < size - 8:
        for start in (at + at % 2, at):  # chunks begin at even offsets, though some programs forget it
            chunk = _read(file, start, 8)
            if chunk.startswith((b"ID3", b"TAG", b"APETAGEX")):
                return True
            if (
                chunk[:4].isascii()
                and chunk[:4].decode().isprintable()
                and chunk[:4] not in (b"RIFF", b"RF64", b"FORM")
            ):
                at = start + 8 + struct.unpack(order + "I", chunk[4:])[0]
                if at <= size + 1:
                    break
        else:  # padding, or samples
            return size - at <= _MAX_PADDING and not _read(file, at, size - at).strip(b"\0")
    return True


_MAX_PADDING = 1 << 16
"""Zeros after the samples up to this number of bytes are padding."""
