"""Detection of recordings, fast for files of other kinds.

Audio libraries try to decode anything, which takes milliseconds per file and sometimes succeeds. They are tried only on
files with the suffix or the signature of audio.
"""

from __future__ import annotations

from pathlib import Path

from audiosearch.audio.signatures import HEAD_BYTES, has_audio_signature
from audiosearch.errors import AudioError

# fmt: off
_SUFFIXES = frozenset({  # not .ts, which is mostly TypeScript
    ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi", ".caf", ".dsf", ".dts",
    ".eac3", ".flac", ".flv", ".m2ts", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpc",
    ".mpeg", ".mpg", ".mpga", ".mts", ".mxf", ".nut", ".oga", ".ogg", ".ogv", ".oma", ".opus", ".ra", ".rm", ".sph",
    ".spx", ".tak", ".thd", ".tta", ".voc", ".w64", ".wav", ".weba", ".webm", ".wma", ".wmv", ".wtv", ".wv",
})
# fmt: on


def is_recording(path: Path) -> bool:
    """True if a file holds sound. OSError if it cannot be read."""
    with path.open("rb", buffering=0) as file:
        head = file.read(HEAD_BYTES) or b""
    if not head or not (has_audio_suffix(path) or has_audio_signature(head)):
        return False
    from audiosearch.audio.reader import is_audio

    return is_audio(path)


def has_audio_suffix(path: Path) -> bool:
    """True if the name is that of a recording, which is reported if it has no sound."""
    return path.suffix.lower() in _SUFFIXES


def explain_failure(path: Path) -> str:
    """The reason why a file is not a recording."""
    from audiosearch.audio.reader import probe

    try:
        probe(path)
    except AudioError as error:
        return str(error)
    return f"{path}: holds no decodable sound."
