"""Formats and defaults of clips. Standard library only, so that options can name them without loading FFmpeg."""

from __future__ import annotations

from typing import NamedTuple

from audiosearch.types import Seconds


class ClipFormat(NamedTuple):
    """Output format: FFmpeg's container and codec, sample rates (none: any), bits per second and channel."""

    container: str
    codec: str
    rates: tuple[int, ...] = ()
    bits: int = 0


CLIP_FORMATS = {
    ".wav": ClipFormat("wav", "pcm_s16le"),
    ".flac": ClipFormat("flac", "flac"),
    ".mp3": ClipFormat("mp3", "libmp3lame", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), 80_000),
    ".opus": ClipFormat("opus", "libopus", (48000,), 64_000),
    ".m4a": ClipFormat("ipod", "aac", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), 80_000),
}
"""Formats that can be written, by suffix."""

FADE: Seconds = 0.02
"""Default duration of the crossfade between joined clips."""
