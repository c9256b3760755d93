"""Media files of recordings, and the checks before they are served.

Files are requested by the id of a recording. A file is served only if it is the indexed one: a regular file with the
size and modification time of the index, or with the content whose hash is the id. Symbolic links in its path must not
lead out of the library (``is_inside``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from audiosearch.audio.formats import media_type
from audiosearch.errors import AudioError
from indexer.ingest.crawl import content_id
from indexer.paths import under
from indexer.types import Location, Recording


class MediaUnavailableError(Exception):
    """No file of a recording can be served; the message names no path outside the index."""


@dataclass(frozen=True, slots=True)
class Media:
    """An open file.

    Args:
        descriptor: closed by the caller.
        path: resolved path.
        size: in bytes.
        modified_ns: time of modification.
        kind: media type; None: browsers cannot play the file.
    """

    descriptor: int
    path: str
    size: int
    modified_ns: int
    kind: str | None


def open_media(recording: Recording, folders: Sequence[str], library: Callable[[], Iterable[Recording]]) -> Media:
    """Open the first existing file of a recording.

    Args:
        folders: additional folders of media files.
        library: returns all recordings, which define the library.

    Raises:
        MediaUnavailableError: no file exists, or none may be served.
    """
    if not recording.has_media:
        raise MediaUnavailableError("this recording cannot be played: only its transcript was imported")
    reasons = []
    for location in recording.locations:
        try:
            path = os.path.realpath(location.path)
            if path != location.path and not is_inside(path, folders, library()):
                reasons.append("a link in its path leads out of the library; allow it with --media FOLDER")
                continue
            return _open(path, location, recording)
        except (OSError, ValueError, AudioError):
            reasons.append("the file no longer exists, or has changed since it was indexed")
    raise MediaUnavailableError(f"this recording cannot be played: {reasons[0]}")


def has_file(recording: Recording) -> bool:
    """True if a file of the recording exists, or of a recording without media the transcript that it was read from."""
    paths = (Path(location.path) for location in recording.locations)
    return any(os.path.lexists(path if recording.has_media else path.parent) for path in paths)


def is_inside(path: str, folders: Sequence[str], library: Iterable[Recording]) -> bool:
    """True if a link leads to a file in the library.

    The library consists of the folders of recordings whose paths contain no links, the target of the common folder of
    all recordings if that is a link, and ``folders``.
    """
    if under(path, folders):
        return True
    parents = {os.path.dirname(file.path) for recording in library for file in recording.locations}  # noqa: PTH120 (many)
    if parents:
        root = os.path.commonpath(parents)
        if os.path.realpath(root) != root and under(path, [os.path.realpath(root)]):
            return True
    above = {str(folder) for folder in Path(path).parents}
    return any(os.path.realpath(folder) == folder for folder in parents & above)


def _open(path: str, indexed: Location, recording: Recording) -> Media:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{path}: is no file.")
        file = Location(path, status.st_size, status.st_mtime_ns)
        if (file.size, file.modified_ns) != (indexed.size, indexed.modified_ns) and _content_id(file) != recording.id:
            raise AudioError(f"{path}: has changed.")
        return Media(descriptor, path, file.size, file.modified_ns, _kind(file, recording.track))
    except BaseException:
        os.close(descriptor)
        raise


@lru_cache(maxsize=1000)
def _content_id(file: Location) -> str:
    """Hash of a file; AudioError if its size or time of modification has changed."""
    identity, current = content_id(file.path)
    if current != file:
        raise AudioError(f"{file.path}: has changed.")
    return identity


PLAYABLE = {  # media type → codecs that browsers play
    "audio/wav": ("wav",),
    "audio/flac": ("flac",),
    "audio/ogg": ("opus", "vorbis", "flac"),
    "audio/mpeg": ("mp3", "mp3float"),
    "audio/mp4": ("aac", "opus", "flac", "mp3", "mp3float"),
    "audio/webm": ("opus", "vorbis"),
    "audio/aac": ("aac",),
}


@lru_cache(maxsize=10_000)
def _kind(location: Location, track: int | None) -> str | None:
    """The media type of a playable file, by its content; None if browsers cannot play it as it was read."""
    from audiosearch.audio.reader import probe

    with Path(location.path).open("rb") as file:
        head = file.read(4096)
    container = media_type(head)
    if container is None:
        return None
    try:
        info = probe(location.path, track)
    except AudioError:
        return None
    return container if info.is_plain and info.format in PLAYABLE[container] else None
