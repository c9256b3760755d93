"""Writing of audio files by FFmpeg."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.audio.clip_formats import CLIP_FORMATS
from audiosearch.audio.ffmpeg.container import open_container
from audiosearch.audio.ffmpeg.tracks import track_of
from audiosearch.audio.samples import PIECE_SAMPLES, Samples

if TYPE_CHECKING:
    from av import AudioFrame


def writable_rate(suffix: str, rate: int) -> int:
    """Lowest rate of a format that is at least ``rate``, or else its highest rate."""
    rates = CLIP_FORMATS[suffix].rates or (rate,)
    return min((allowed for allowed in rates if allowed >= rate), default=rates[-1])


def write(path: Path, rate: int, channels: int, sound: Iterable[Samples], comment: str) -> None:
    """Encode pieces of samples [C, S] to a file.

    Args:
        path: its suffix selects one of CLIP_FORMATS.
        rate: from ``writable_rate``.
        channels: C, 1 or 2.
        comment: comment tag, for ``read_comment``.
    """
    import av

    form, layout = CLIP_FORMATS[path.suffix.lower()], "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format=form.container) as container:
        container.metadata["comment"] = comment
        stream = container.add_stream(form.codec, rate=rate, layout=layout)
        if form.bits:
            stream.bit_rate = min(form.bits, 4 * rate) * channels
        resampler = av.AudioResampler(
            stream.format, layout, rate, frame_size=stream.codec_context.frame_size or PIECE_SAMPLES
        )
        position = 0

        def encode(frames: list[AudioFrame]) -> None:
            nonlocal position
            for frame in frames:
                frame.pts, frame.time_base = position, Fraction(1, rate)
                position += frame.samples
                container.mux(stream.encode(frame))

        for piece in sound:
            if piece.shape[1]:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", layout)
                frame.sample_rate = rate
                encode(resampler.resample(frame))
        encode(resampler.resample(None))
        container.mux(stream.encode(None))


def read_comment(path: Path) -> str:
    """Comment tag of a file, or ""; AudioError if the file contains no audio."""
    with open_container(path) as container:
        tags = {**container.metadata, **track_of(container).metadata}
        return next((value for name, value in tags.items() if name.lower() == "comment"), "")
