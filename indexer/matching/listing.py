"""Orders of recordings in lists, and recordings chosen by words of their paths.

    name      by path
    newest    by the modification of the first file, newest first
    longest   by duration, longest first
    added     by the time of indexing, latest first
    title     by the name of the file, without its folder and the case of letters

Recordings that are equal in an order are sorted by path and id, also in a reversed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

from indexer.paths import composed
from indexer.types import Location, Recording

ListOrder = Literal["name", "newest", "longest", "added", "title"]
LIST_ORDERS: tuple[ListOrder, ...] = get_args(ListOrder)

_KEYS: dict[ListOrder, tuple[Callable[[Recording], Any], bool]] = {  # key, and True if the greatest comes first
    "name": (lambda recording: recording.path, False),
    "newest": (lambda recording: recording.locations[0].modified_ns, True),
    "longest": (lambda recording: recording.duration, True),
    "added": (lambda recording: recording.added, True),
    "title": (lambda recording: composed(PurePosixPath(recording.path).name).casefold(), False),
}


def in_order(recordings: Iterable[Recording], order: ListOrder, *, reverse: bool = False) -> list[Recording]:
    """Recordings in one of the orders of the module docstring."""
    key, descends = _KEYS[order]
    by_path = sorted(recordings, key=lambda recording: (recording.path, recording.id))
    return sorted(by_path, key=key, reverse=descends != reverse)


def named(recordings: Iterable[Recording], text: str) -> list[Recording]:
    """Recordings of which one path contains all words of a text, in any case and normalization."""
    words = composed(text.casefold()).split()

    def has_words(location: Location) -> bool:
        path = composed(location.path.casefold())
        return all(word in path for word in words)

    return [recording for recording in recordings if not words or any(map(has_words, recording.locations))]
