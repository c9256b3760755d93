"""Files with tags and covers, written by PyAV."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

CONTAINERS = {  # suffix → format, codec, sample rate
    ".mp3": ("mp3", "libmp3lame", 16000),
    ".ogg": ("ogg", "libopus", 48000),
    ".flac": ("flac", "flac", 16000),
    ".m4a": ("mp4", "aac", 16000),
    ".mkv": ("matroska", "libopus", 48000),
    ".wav": ("wav", "pcm_s16le", 16000),
}


def write_tagged(path: Path, tags: dict[str, str], picture: str | None = None) -> Path:
    """A second of silence with tags, and a picture of a codec."""
    form, codec, rate = CONTAINERS[path.suffix]
    with av.open(str(path), "w", format=form, options={"id3v2_version": "3"} if form == "mp3" else {}) as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=rate, layout="mono")
        image = container.add_stream(picture, width=16, height=16) if picture else None
        if image is not None:
            image.pix_fmt = "yuvj420p" if picture == "mjpeg" else "rgb24"
            image.disposition = av.stream.Disposition.attached_pic
            shot = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux(image.encode(shot.reformat(format=image.pix_fmt)))
            container.mux(image.encode(None))
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.codec_context.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, rate), np.float32), "fltp", "mono")
        frame.sample_rate = rate
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path
