"""Sound written to files, compressed or not, through PyAV."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiosearch.sound import PIECE, Samples

if TYPE_CHECKING:
    from av import AudioFrame


class _Kind(NamedTuple):
    """How sound is written: FFmpeg's container and codec, rates that it takes (none: any), bits a second a channel."""

    container: str
    codec: str
    rates: tuple[int, ...] = ()
    bits: int = 0


_KINDS = {
    ".wav": _Kind("wav", "pcm_s16le"),
    ".flac": _Kind("flac", "flac"),
    ".mp3": _Kind("mp3", "libmp3lame", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), 80_000),
    ".opus": _Kind("opus", "libopus", (48000,), 64_000),
    ".m4a": _Kind("ipod", "aac", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), 80_000),
}

SUFFIXES = tuple(_KINDS)
"""Of the files that can be written."""


def writable_rate(suffix: str, rate: int) -> int:
    """The least rate that such a file takes and that keeps all of ``rate``, or else the greatest."""
    rates = _KINDS[suffix].rates or (rate,)
    return min((one for one in rates if one >= rate), default=rates[-1])


def write(path: Path, rate: int, channels: int, sound: Iterable[Samples], comment: str) -> None:
    """Write pieces of samples [C, S] to a file of one of ``SUFFIXES``; ``comment`` can be read in it later.

    Args:
        rate: one that ``writable_rate`` gives.
        channels: C, 1 or 2.
    """
    import av

    kind, layout = _KINDS[path.suffix.lower()], "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format=kind.container) as container:
        container.metadata["comment"] = comment
        stream = container.add_stream(kind.codec, rate=rate, layout=layout)
        if kind.bits:
            stream.bit_rate = min(kind.bits, 4 * rate) * channels
        shaper = av.AudioResampler(stream.format, layout, rate, frame_size=stream.codec_context.frame_size or PIECE)
        position = 0

        def encode(shaped: list[AudioFrame]) -> None:
            nonlocal position
            for frame in shaped:
                frame.pts, frame.time_base = position, Fraction(1, rate)
                position += frame.samples
                container.mux(stream.encode(frame))

        for piece in sound:
            if piece.shape[1]:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", layout)
                frame.sample_rate = rate
                encode(shaper.resample(frame))
        encode(shaper.resample(None))
        container.mux(stream.encode(None))
