"""Files that were joined byte by byte of several, as `cat` does, and the parts of which they consist.

FFmpeg and libsndfile end with the first of them, or read the header of the next one as sound.
"""

from __future__ import annotations

import mmap
import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from audiosearch.audio.sample_headers import read_header

FileRange = tuple[int, int]
"""Start and end of a part of a file, in bytes."""

_PAGE_HEADER = 27
_FIRST_PAGE = 2  # flag of the first page of an Ogg stream

_STARTS = re.compile(
    rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE[ -~]{4}|FORM.{4}AIF[FC][ -~]{4}|riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"
    rb"|caff\0\x01\0\0desc|\.snd\0\0.{6}\0\0\0[\x01-\x1b]|Creative Voice File\x1a|NIST_1A\n   1024\n"
    rb"|fLaC[\0\x80]\0\0\x22|#!AMR(?:-WB)?\n",
    re.DOTALL,
)
"""Beginnings of files of uncompressed samples, FLAC and AMR."""


LARGE = 1 << 30
"""Bytes of a file from which on a second header is not searched everywhere, which would take seconds."""


def parts_of(path: Path) -> list[FileRange | None]:
    """The parts of a file, one after the other; None: the whole file."""
    status = path.stat()
    parts = _parts(path, status.st_size, status.st_mtime_ns)
    return [*parts] if len(parts) > 1 else [None]


@lru_cache(maxsize=1000)
def _parts(path: Path, size: int, _modified_ns: int) -> list[FileRange]:
    with path.open("rb") as file:
        head = file.read(40)
        starts = [0]
        if head.startswith(b"OggS"):
            starts = _ogg_starts(file) or starts
        elif head[4:8] == b"ftyp":
            starts = _mp4_starts(file, size) or starts
        elif _STARTS.match(head):
            if head.startswith((b"fLaC", b"#!AMR")):
                is_one, begin = head.startswith(b"fLaC") and _is_one_flac(file, size), 4
            else:
                header = read_header(file, 0, size)
                is_one, begin = not (header.is_short or header.is_open), header.end - 1
            if not is_one:
                starts = [0, *_found(file, head[:4], begin)]
    return list(pairwise([*starts, size]))


def _found(file: BinaryIO, first: bytes, begin: int) -> list[int]:
    """Offsets from ``begin`` on of files that begin as the whole does; in large files only near ``begin``."""
    starts, at = [], begin
    size = file.seek(0, 2)
    stop = size if size < LARGE else min(size, begin + (1 << 20))
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        while (at := content.find(first, at, stop)) >= 0:
            if _STARTS.match(content[at : at + 40]):
                starts.append(at)
            at += len(first)
    return starts


def _ogg_starts(file: BinaryIO) -> list[int]:
    """Starts of consecutive streams; FFmpeg does not read past a change of format."""
    starts: list[int] = []
    position, is_head = 0, False
    file.seek(0)
    while len(page := file.read(_PAGE_HEADER)) == _PAGE_HEADER and page.startswith(b"OggS"):
        if page[5] & _FIRST_PAGE and not is_head:
            starts.append(position)
        is_head = bool(page[5] & _FIRST_PAGE)
        position += _PAGE_HEADER + page[26] + sum(file.read(page[26]))
        file.seek(position)
    return starts


def _mp4_starts(file: BinaryIO, size: int) -> list[int]:
    """Starts of files with an index each."""
    starts: list[int] = []
    at, has_index = 0, True
    while at < size:
        file.seek(at)
        box = file.read(16)
        length = int.from_bytes(box[:4], "big")
        length = int.from_bytes(box[8:16], "big") if length == 1 else length
        if box[4:8] == b"ftyp" and has_index:
            starts.append(at)
            has_index = False
        has_index = has_index or box[4:8] == b"moov"
        at = at + length if length >= 8 else size
    return starts if has_index else starts[:-1]


def _is_one_flac(file: BinaryIO, size: int) -> bool:
    """True if the frames of a FLAC file are numbered on to its end, and end with the length that its header states."""
    file.seek(8)
    info = file.read(34)
    largest, total = int.from_bytes(info[2:4], "big"), int.from_bytes(info[13:18], "big") & (1 << 36) - 1
    ends = [_flac_position(file, size * eighth // 8, largest) for eighth in range(1, 9)]
    return ends == sorted(ends) and ends[-1] == total


def _flac_position(file: BinaryIO, stop: int, largest: int) -> int:
    """Sample at which the last FLAC frame ends that begins in the 64 KiB before ``stop``; 0 if there is none.

    Args:
        largest: samples of a frame, in a file of frames of one length.

    The frame is found by the CRC-8 of its header; RFC 9639, section 9.1.
    """
    start = max(0, stop - (1 << 16))
    file.seek(start)
    content = file.read(stop - start)
    at = len(content)
    while (at := content.rfind(b"\xff", 0, at)) >= 0:
        frame = content[at : at + 16]
        if len(frame) < 6 or frame[1] & 0xFE != 0xF8 or not (code := frame[2] >> 4) or frame[2] & 15 == 15:
            continue
        length = 1 if frame[4] < 0x80 else 8 - (frame[4] ^ 0xFF).bit_length()  # bytes of the number, as in UTF-8
        number = frame[4] & (0x7F >> (length if length > 1 else 0))
        for byte in frame[5 : 4 + length]:
            number = number << 6 | byte & 0x3F
        end = 4 + length
        if code in (6, 7):
            block = int.from_bytes(frame[end : end + code - 5], "big") + 1
            end += code - 5
        else:
            block = 192 if code == 1 else 576 << (code - 2) if code < 6 else 256 << (code - 8)
        end += {12: 1, 13: 2, 14: 2}.get(frame[2] & 15, 0)  # a rate of its own
        if end < len(frame) and _crc8(frame[:end]) == frame[end]:
            return (number if frame[1] & 1 else number * largest) + block
    return 0


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x107) if value & 0x80 else value << 1
    return value


def mp3_header_fits(path: Path) -> bool:
    """False if the header of an mp3 file (Xing, Info) states fewer bytes than there are: another file is joined."""
    with path.open("rb") as file:
        start = 0
        while (tag := file.read(10))[:3] == b"ID3" and len(tag) == 10:
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
