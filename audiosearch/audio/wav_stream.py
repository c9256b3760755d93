"""A recording as a WAV file made while it is read: for players that know no other of its formats."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from audiosearch.types import Seconds

RATE = 24_000
"""Hz; enough for speech, 173 MB an hour."""

HEADER = 44
"""Bytes before the samples."""

_LARGEST = 0xFFFF_FFFF - HEADER


def size(duration: Seconds) -> int:
    """Bytes of the file of a recording of that length."""
    return HEADER + 2 * round(duration * RATE)


def header(duration: Seconds) -> bytes:
    """What stands before the samples: 16 bits, one channel."""
    length = min(size(duration) - HEADER, _LARGEST)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", length + 36, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", length
    )


def write(path: Path, duration: Seconds) -> Iterator[bytes]:
    """The file in pieces, of exactly ``size(duration)``: cut off or filled with silence where sound is more or less.

    Raises:
        AudioError: the recording cannot be read, when the damage is reached.
    """
    import numpy as np

    from audiosearch.audio.reader import read_blocks

    yield header(duration)
    left = size(duration) - HEADER
    for block in read_blocks(path, RATE, block_seconds=10.0):
        piece = np.clip(np.rint(block * 32767), -32768, 32767).astype("<i2").tobytes()[:left]
        left -= len(piece)
        yield piece
    while left:
        piece = bytes(min(left, 1 << 16))
        left -= len(piece)
        yield piece
