"""Conversion of a recording to WAV while it is read, for players without a decoder of its format."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from audiosearch.types import Seconds

RATE = 24_000
"""Hz; enough for speech, 173 MB per hour."""

HEADER_BYTES = 44
"""Bytes before the samples."""

_MAX_DATA_BYTES = 0xFFFF_FFFF - HEADER_BYTES


def file_size(duration: Seconds) -> int:
    """Size in bytes of the WAV file of a recording of that duration."""
    return HEADER_BYTES + 2 * round(duration * RATE)


def header(duration: Seconds) -> bytes:
    """WAV header for 16-bit mono samples."""
    length = min(file_size(duration) - HEADER_BYTES, _MAX_DATA_BYTES)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", length + 36, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", length
    )


def encode(path: Path, duration: Seconds, track: int | None = None) -> Iterator[bytes]:
    """Yield the WAV file in pieces, of ``file_size(duration)`` in all: truncated, or padded with silence.

    Args:
        track: as in ``reader.probe``.

    Raises:
        AudioError: the recording cannot be read; raised when the damage is reached.
    """
    import numpy as np

    from audiosearch.audio.reader import read_blocks

    yield header(duration)
    left = file_size(duration) - HEADER_BYTES
    for block in read_blocks(path, RATE, 10.0, track=track):
        piece = np.clip(np.rint(block * 32767), -32768, 32767).astype("<i2").tobytes()[:left]
        left -= len(piece)
        yield piece
    while left:
        piece = bytes(min(left, 1 << 16))
        left -= len(piece)
        yield piece
