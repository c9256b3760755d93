"""The file in which a recording is heard, and whether it may be given away.

Files are asked for by the id of a recording. One is given only if it is what was indexed: a regular file of the size
and time of change that the index knows, or else with the content that the id is the hash of. A symbolic link on the way
to it may not lead out of the library (``is_inside``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from audiosearch.errors import AudioError
from indexer.ingest.crawl import content_id
from indexer.paths import under
from indexer.types import Location, Recording


class MediaUnavailableError(Exception):
    """No file of a recording can be given; the sentence says why, and names no path that is not in the index."""


@dataclass(frozen=True, slots=True)
class Media:
    """An open file.

    Args:
        descriptor: to be closed by who asked for it.
        path: of the file itself, without links.
        size: in bytes.
        modified_ns: time of modification.
        kind: its media type; None: browsers do not play it.
    """

    descriptor: int
    path: str
    size: int
    modified_ns: int
    kind: str | None


def open_media(recording: Recording, folders: Sequence[str], others: Callable[[], Iterable[Recording]]) -> Media:
    """The first place of a recording at which it still lies, opened.

    Args:
        folders: in which files may lie besides, as whoever started the server said.
        others: gives all recordings, which tell where the library is.

    Raises:
        MediaUnavailableError: it lies nowhere, or may not be given.
    """
    if not recording.has_media:
        raise MediaUnavailableError("this recording cannot be heard: only its words were imported")
    reasons = []
    for place in recording.locations:
        try:
            path = os.path.realpath(place.path)
            if path != place.path and not is_inside(path, folders, others()):
                reasons.append("a link on the way to it leads out of the library; serve it with --media FOLDER")
                continue
            return _opened(path, place, recording.id)
        except (OSError, ValueError, AudioError):
            reasons.append("the file is no longer there, or has changed since it was indexed")
    raise MediaUnavailableError(f"this recording cannot be heard: {reasons[0]}")


def is_inside(path: str, folders: Sequence[str], others: Iterable[Recording]) -> bool:
    """Whether a file to which a link led is in the library.

    The library is the folders of recordings that are reached without links, where the folder that holds all
    recordings leads if it is behind a link itself, and ``folders``.
    """
    if under(path, folders):
        return True
    parents = {os.path.dirname(place.path) for one in others for place in one.locations}  # noqa: PTH120 (many)
    if parents:
        whole = os.path.commonpath(parents)
        if os.path.realpath(whole) != whole and under(path, [os.path.realpath(whole)]):
            return True
    above = {str(folder) for folder in Path(path).parents}
    return any(os.path.realpath(folder) == folder for folder in parents & above)


def _opened(path: str, place: Location, identity: str) -> Media:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{path}: is no file.")
        found = Location(path, status.st_size, status.st_mtime_ns)
        if (found.size, found.modified_ns) != (place.size, place.modified_ns) and _content(found) != identity:
            raise AudioError(f"{path}: has changed.")
        return Media(descriptor, path, found.size, found.modified_ns, _kind(found))
    except BaseException:
        os.close(descriptor)
        raise


@lru_cache(maxsize=1000)
def _content(found: Location) -> str:
    """Hash of a file as it was at a moment."""
    identity, now = content_id(found.path)
    if now != found:
        raise AudioError(f"{found.path}: has changed.")
    return identity


PLAYED = {  # container → codecs that browsers play in it, its type
    "audio/wav": ("wav",),
    "audio/flac": ("flac",),
    "audio/ogg": ("opus", "vorbis", "flac"),
    "audio/mpeg": ("mp3", "mp3float"),
    "audio/mp4": ("aac", "opus", "flac", "mp3", "mp3float"),
    "audio/webm": ("opus", "vorbis"),
    "audio/aac": ("aac",),
}

_WAV_FORMATS = (1, 3, 6, 7, 0xFFFE)
"""Whole numbers, floating point, A-law, µ-law; and what says in an extension which of them it is."""


@lru_cache(maxsize=10_000)
def _kind(found: Location) -> str | None:
    """The media type of a file that browsers play, by its content."""
    from audiosearch.audio.reader import probe

    with Path(found.path).open("rb") as file:
        head = file.read(4096)
    container = _container(head)
    if container is None:
        return None
    try:
        codec = probe(found.path).format
    except AudioError:
        return None
    return container if codec in PLAYED[container] else None


def _container(head: bytes) -> str | None:
    """The media type of what begins so, of those in PLAYED."""
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        return "audio/wav" if int.from_bytes(head[20:22], "little") in _WAV_FORMATS else None
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "audio/webm" if b"webm" in head[:64] else None
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] in _MPEG):
        return "audio/mpeg"
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "audio/aac"
    return None


_MPEG = (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xe3", b"\xe2")
"""Second bytes of a frame of layer III."""
