"""Tags and covers of recordings, read from their files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

from audiosearch.audio.ffmpeg import Cover, FileTags, read_cover, read_tags
from audiosearch.errors import AudioError
from indexer.server.media.access import Media

CACHE_CONTROL = "private, max-age=3600"


def tags_record(media: Media) -> dict[str, object]:
    """Tags of a file that are not empty, and True if it has a cover."""
    tags, cover = _read(media.path, media.size, media.modified_ns)
    named = {"title": tags.title, "artist": tags.artist, "album": tags.album, "date": tags.date}
    return {**{name: value for name, value in named.items() if value}, "has_cover": cover}


def cover_response(media: Media) -> Response | None:
    """Cover of a file; None if it has none."""
    try:
        cover = read_cover(Path(media.path))
    except AudioError:
        return None
    return None if cover is None else _picture(cover)


def _picture(cover: Cover) -> Response:
    return Response(cover.data, media_type=cover.kind, headers={"cache-control": CACHE_CONTROL})


@lru_cache(maxsize=10_000)
def _read(path: str, _size: int, _modified_ns: int) -> tuple[FileTags, bool]:
    try:
        return read_tags(Path(path)), read_cover(Path(path)) is not None
    except AudioError:
        return FileTags(), False
