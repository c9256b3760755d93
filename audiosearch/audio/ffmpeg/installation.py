"""The FFmpeg of the PyAV package: its version, and formats that it lacks."""

from __future__ import annotations

DECODERS = {  # common name of the format: name of FFmpeg's decoder
    **{name: name for name in ("aac", "ac3", "alac")},
    "amr": "amrnb",
    "dts": "dca",
    **{name: name for name in ("eac3", "flac", "mp3", "opus")},
    "pcm": "pcm_s16le",
    "vorbis": "vorbis",
    "wma": "wmav2",
}
"""Codecs of most recordings."""


def ffmpeg_version() -> str:
    """Version of FFmpeg in the PyAV package."""
    import av

    library = ".".join(map(str, av.library_versions["libavcodec"]))
    return getattr(av, "ffmpeg_version_info", "") or f"with libavcodec {library}"


def missing_decoders() -> list[str]:
    """Formats of DECODERS that FFmpeg lacks."""
    import av

    missing = []
    for name, decoder in DECODERS.items():
        try:
            av.Codec(decoder, "r")
        except (av.error.FFmpegError, ValueError):
            missing.append(name)
    return missing
