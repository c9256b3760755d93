"""The store of timed words, whatever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from audiosearch.types import Word
from indexer.types import Count, Location, Page, Query, Recording, Statistics


class Index(Protocol):
    """Recordings with their words; every implementation answers with equal values.

    Times come back rounded to the millisecond and confidences to the thousandth (``packing.stored``). What matches
    and in which order hits come is defined in ``match.py``. All methods raise StoreError where the store fails.
    """

    def add(self, recording: Recording, words: Sequence[Word]) -> None:
        """Keep a recording, in the place of one with its id: readers see all of the old one or all of the new."""

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies. StoreError where it is not known."""

    def remove(self, recording_id: str) -> None:
        """Forget a recording; nothing happens where it is not known."""

    def recordings(self) -> list[Recording]:
        """All recordings by path."""

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording. StoreError where it is not known."""

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """The first ``limit`` hits, or the first after those of the page that gave ``after``.

        Going on from page to page meets every hit once that is there all the time, whatever is added or removed
        meanwhile. QueryError for an ``after`` that no page of this order gave.
        """

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many; most hits first, then by path and id."""

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelt nearly so, nearest first (``near.py``)."""

    def statistics(self) -> Statistics:
        """How much the index holds."""

    def close(self) -> None:
        """Give back what the index holds open; it cannot be used any more."""

    def __enter__(self) -> Index: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_index(url: str, *, create: bool) -> Index:
    """The index at a path (SQLite) or at an ``http(s)://host:port/name`` URL (Elasticsearch).

    Args:
        create: make an empty one where there is none, and fail at once where nothing can be written; otherwise an
            absent one is a StoreError, and one that can only be read is good enough to ask.

    Raises:
        StoreVersionError: a newer version of audiosearch wrote it.
        StoreError: it cannot be opened, or it is something else.
    """
    if url.startswith(("http://", "https://")):
        from indexer.elastic import ElasticIndex  # the client takes half a second to import

        return ElasticIndex(url, create=create)
    from indexer.sqlite import SqliteIndex

    return SqliteIndex(url, create=create)
