"""Protocol of a store of timed words, and opening one by its URL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.corrections import Change, CorrectedWords
from indexer.types import Count, Location, Page, Query, Recording, Statistics, StoredEmissions


class Index(Protocol):
    """Store of recordings with their words; every implementation returns equal values.

    Times are stored to the millisecond, confidences to the thousandth, and probabilities of alternatives in steps of
    1/250 (``word_codec.stored``). Hits and their order are defined in ``matching/match.py``. All methods raise
    StoreError if the store fails.
    """

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Store a recording, in place of one with its id: readers see all of the old one or all of the new.

        Corrections of the old words are carried over to the new ones, or set aside (``CorrectedWords.carried``).
        """

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Replace the locations of a recording; StoreError if it is unknown."""

    def remove(self, recording_id: str) -> None:
        """Delete a recording; nothing happens if it is unknown."""

    def recordings(self) -> list[Recording]:
        """All recordings by path."""

    def recording(self, recording_id: str) -> Recording | None:
        """Recording of an id; None if it is unknown."""

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """Words of a recording as corrected, with alternatives; StoreError if it is unknown."""

    def corrected_words(self, recording_id: str) -> CorrectedWords:
        """Recognized words of a recording, and their corrections; StoreError if it is unknown."""

    def revise(self, recording_id: str, change: Change) -> CorrectedWords:
        """Change the corrections of a recording, with no other change in between, and return the result.

        Nothing is written if ``change`` raises, or returns what it was given. StoreError if the recording is unknown.
        """

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        """Stored emissions of a recording, if any; StoreError if it is unknown."""

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        """Words at the positions from ``first`` to before ``end``, as far as they exist."""

    def keep_acoustic_profile(self, model: str, profile: AcousticProfile) -> None:
        """Store the acoustic profile of a recognizer under its fingerprint."""

    def acoustic_profiles(self) -> Mapping[str, AcousticProfile]:
        """Stored acoustic profiles by fingerprint of the recognizer."""

    def emissions_duration(self) -> Seconds:
        """Total duration of the recordings of which emissions may be stored."""

    def stored_emissions(self, recordings: Iterable[str] | None = None) -> Iterator[StoredEmissions]:
        """Stored emissions of all recordings, or of the known ones among these.

        Read the iterator to its end, or close it: it may hold a transaction.
        """

    def candidate_emissions(
        self, query: KeywordQuery, limit: int, recordings: Collection[str] | None = None
    ) -> Iterator[StoredEmissions]:
        """The ``limit`` stored emissions that share most keys with a text; see ``stored_emissions``."""

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """First ``limit`` hits, or the first after the cursor of another page.

        Successive pages return every hit once that exists throughout, whatever is added or removed meanwhile.
        QueryError if ``after`` is not a cursor of this order.
        """

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits and the number of these, most hits first, then by path and id."""

    def occurring(self, texts: Collection[str], slop: int = 0) -> list[str]:
        """Those of the texts of phrases that may have a match; every text that has one is among them."""

    def similar_words(self, word: str, limit: int) -> list[str]:
        """Other recognized words of similar spelling, most similar first (``matching/spelling.py``)."""

    def is_writable(self) -> bool:
        """Return False if the store is known to be read-only."""

    def statistics(self) -> Statistics:
        """Totals of the index."""

    def close(self) -> None:
        """Close files and connections; the index cannot be used any more."""

    def __enter__(self) -> Index: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_index(url: str, *, create: bool = False) -> Index:
    """Open the index at a path (SQLite) or at an ``http(s)://host:port/name`` URL (Elasticsearch).

    Args:
        create: create the index if it is absent, and fail at once if it cannot be written; otherwise an absent index
            is a StoreError, and one that is read-only can be searched.

    Raises:
        StoreVersionError: another version of audiosearch wrote the index.
        StoreError: it cannot be opened, or is something else.
    """
    if url.startswith(("http://", "https://")):
        from indexer.elastic.index import ElasticIndex  # the client takes half a second to import

        return ElasticIndex(url, create=create)
    from indexer.sqlite.index import SqliteIndex

    return SqliteIndex(url, create=create)
