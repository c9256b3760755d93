"""Detection of recordings, fast for files of other kinds.

Audio libraries try to decode anything, which takes milliseconds per file and sometimes succeeds. Of the files in a
folder they are tried only on those with the suffix or the first bytes of a format with sound; a file that is named
itself is always tried.
"""

from __future__ import annotations

from pathlib import Path

from audiosearch.audio.formats import HEAD_BYTES, has_audio_suffix, may_be_audio
from audiosearch.errors import AudioError


def is_recording(path: Path, *, is_given: bool = False) -> bool:
    """True if a file holds sound. OSError if it cannot be read.

    Args:
        is_given: the file was named, not found in a folder.
    """
    with path.open("rb", buffering=0) as file:
        head = file.read(HEAD_BYTES) or b""
    if not head or not (is_given or may_be_audio(path, head)):
        return False
    from audiosearch.audio.reader import is_audio

    return is_audio(path)


def explain_failure(path: Path, *, is_given: bool = False) -> str | None:
    """The reason why a file is no recording; None if nobody expects one."""
    from audiosearch.audio.reader import require_audio

    if is_given or has_audio_suffix(path):
        try:
            require_audio(path)
        except AudioError as error:
            return str(error)
    return None
