"""Title, artist, album and date in the tags of a file, and its cover."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audiosearch.audio.ffmpeg.container import open_container
from audiosearch.audio.ffmpeg.frames import damage
from audiosearch.audio.ffmpeg.tracks import track_of

MAX_TAG_LETTERS = 200
"""Maximum length of a tag; longer ones are truncated."""

MAX_COVER_BYTES = 8_000_000
"""Maximum size of a cover; larger ones are left out."""

MAX_COVER_PACKETS = 64
"""Packets that are looked through for a cover, which containers give first."""

_NAMES = {
    "title": ("title",),
    "artist": ("artist", "album_artist", "performer", "author"),
    "album": ("album", "show"),
    "date": ("date", "year", "date_released", "date_recorded", "creation_time"),
}
"""Names of a tag in containers, the best first."""

_DATE = re.compile(r"(\d{4})(?:[-:/.]?(\d\d)(?:[-:/.]?(\d\d))?)?(?=$|[T ])")

MIN_YEAR = 1905
"""Earliest year of a date; clocks that were not set count from 1904, or write zeros."""


@dataclass(frozen=True, slots=True)
class FileTags:
    """Tags of a file, cleaned; "" where there is none."""

    title: str = ""
    artist: str = ""
    album: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """Picture in a file, with its media type."""

    data: bytes
    kind: str


def read_tags(path: Path) -> FileTags:
    """Tags of a file; AudioError if it contains no audio."""
    with open_container(path, metadata_errors="surrogateescape") as container:
        stream = {name.lower(): value for name, value in track_of(container).metadata.items()}
        if container.format.name != "ogg":  # elsewhere it is the name of the track, as "Stereo"
            stream.pop("title", None)
        tags = {**stream, **{name.lower(): value for name, value in container.metadata.items()}}
    found = {field: _first(tags, names) for field, names in _NAMES.items()}
    return FileTags(**{**found, "date": _date(found["date"])})


def read_cover(path: Path) -> Cover | None:
    """Picture in a file as JPEG, PNG or WebP; None if there is none. AudioError if the file contains no audio."""
    from av.stream import Disposition

    with open_container(path) as container:
        for stream in container.streams.video:
            if not stream.disposition & Disposition.attached_pic:
                continue
            try:
                for number, packet in enumerate(container.demux(stream)):
                    if packet.size and (kind := _picture_type(bytes(memoryview(packet)[:12]))):
                        return Cover(bytes(packet), kind) if packet.size <= MAX_COVER_BYTES else None
                    if packet.size or number == MAX_COVER_PACKETS:
                        break
            except damage():
                continue
    return None


def clean_tag(value: str) -> str:
    """Text of a tag on one line, without control characters, at most MAX_TAG_LETTERS long.

    Bytes that are not UTF-8, given as surrogate escapes, are Windows-1252.
    """
    value = value[: 10 * MAX_TAG_LETTERS]
    if any("\udc80" <= letter <= "\udcff" for letter in value):
        value = value.encode(errors="surrogateescape").decode("cp1252", errors="replace")
    printable = (letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", value))
    text = " ".join("".join(printable).split())
    return text if len(text) <= MAX_TAG_LETTERS else text[: MAX_TAG_LETTERS - 1].rstrip() + "…"


def _first(tags: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next(filter(None, (clean_tag(tags.get(name, "")) for name in names)), "")


def _date(text: str) -> str:
    """A date as YYYY, YYYY-MM or YYYY-MM-DD; one in another notation as it is, "" for one that was not set."""
    match = _DATE.match(text)
    if match is None:
        return text
    if int(match[1]) < MIN_YEAR:
        return ""
    return "-".join(part for part in match.groups() if part and part != "00")


def _picture_type(head: bytes) -> str | None:
    """Media type of a picture by its first bytes."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/webp" if head.startswith(b"RIFF") and head[8:12] == b"WEBP" else None
