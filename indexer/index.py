"""The store of timed words, whatever keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from audiosearch.spotting.scoring import KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.types import Count, Heard, Location, Page, Query, Recording, Statistics


class Index(Protocol):
    """Recordings with their words; every implementation answers with equal values.

    Times come back rounded to the millisecond, confidences to the thousandth, and probabilities of alternatives in
    steps of 1/250 (``packing.stored``). What matches and in which order hits come is defined in ``match.py``. All
    methods raise StoreError where the store fails.
    """

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Keep a recording, in the place of one with its id: readers see all of the old one or all of the new."""

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies. StoreError where it is not known."""

    def remove(self, recording_id: str) -> None:
        """Forget a recording; nothing happens where it is not known."""

    def recordings(self) -> list[Recording]:
        """All recordings by path."""

    def recording(self, recording_id: str) -> Recording | None:
        """A recording; None where it is not known."""

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording, with alternatives. StoreError where it is not known."""

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        """The emissions that were kept of a recording; none where they were not. StoreError where it is not known."""

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        """Those at the positions from ``first`` to before ``end``, as far as there are any."""

    def keep_sounding(self, model: str, sounding: str) -> None:
        """Keep what is known of the emissions of a recognizer (``AcousticProfile.to_json``), by its fingerprint."""

    def soundings(self) -> Mapping[str, str]:
        """What was kept so."""

    def heard_seconds(self) -> Seconds:
        """How long the recordings are, all together, of which emissions may have been kept."""

    def heard(self, recordings: Iterable[str] | None = None) -> Iterator[Heard]:
        """All packed stretches, or those of these recordings as far as they are known; read to the end, or close."""

    def candidates(self, asked: KeywordQuery, most: int, recordings: Collection[str] | None = None) -> Iterator[Heard]:
        """The packed stretches that go best with the keys of a text, at most so many; otherwise as ``heard``."""

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """The first ``limit`` hits, or the first after those of the page that gave ``after``.

        Going on from page to page meets every hit once that is there all the time, whatever is added or removed
        meanwhile. QueryError for an ``after`` that no page of this order gave.
        """

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many; most hits first, then by path and id."""

    def near(self, word: str, limit: int) -> list[str]:
        """Other words that were recognized and are spelled nearly so, nearest first (``near.py``)."""

    def statistics(self) -> Statistics:
        """How much the index holds."""

    def close(self) -> None:
        """Give back what the index holds open; it cannot be used any more."""

    def __enter__(self) -> Index: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_index(url: str, *, create: bool = False) -> Index:
    """The index at a path (SQLite) or at an ``http(s)://host:port/name`` URL (Elasticsearch).

    Args:
        create: make an empty one where there is none, and fail at once where nothing can be written; otherwise an
            absent one is a StoreError, and one that can only be read is good enough to ask.

    Raises:
        StoreVersionError: a newer version of audiosearch wrote it.
        StoreError: it cannot be opened, or it is something else.
    """
    if url.startswith(("http://", "https://")):
        from indexer.elastic.index import ElasticIndex  # the client takes half a second to import

        return ElasticIndex(url, create=create)
    from indexer.sqlite.index import SqliteIndex

    return SqliteIndex(url, create=create)
