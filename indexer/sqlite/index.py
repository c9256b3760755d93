"""An index in one SQLite file (``sqlite_file.py``): recordings are written, words and hits read."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from types import TracebackType

from audiosearch.errors import StoreError, UnknownRecordingError
from audiosearch.spotting.scoring import KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer import word_codec as packing
from indexer.matching import spelling as near
from indexer.sqlite import emissions as sqlite_sound
from indexer.sqlite.file import SqliteFile
from indexer.sqlite.phrases import Phrases
from indexer.sqlite.word_blocks import END
from indexer.sqlite.word_store import Texts
from indexer.types import Count, Heard, Location, Page, Query, Recording, Statistics

MERGE_PAGES = 1000
"""Pages of 4 kB that one step of merging may write: a fifth of a second."""

TIDY_STEPS = 30
"""Of merging, at most, when a file is closed that was written."""

NEAR_CANDIDATES = 50_000
"""Words of the vocabulary that are compared letter by letter, at most."""


class SqliteIndex(Phrases):
    """An ``Index`` in a file."""

    def __init__(self, path: str, *, create: bool) -> None:
        """Open the file; with ``create`` it is made where there is none, and must not be read-only."""
        self._file = SqliteFile(path, create=create)
        self._connection = self._file.connection
        self._texts = Texts(self._connection)
        self._lexicon = self._texts.lexicon
        self._chunks = self._texts.chunks
        self._written = False

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def __enter__(self) -> SqliteIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._written:
                self._tidy()
        finally:
            self.close()

    def _tidy(self) -> None:
        """Merge what was written to few segments, in each of which every word of a query is looked for."""
        with contextlib.suppress(StoreError):  # the next writer does it
            for _ in range(TIDY_STEPS):
                with self._file.transaction("IMMEDIATE"):
                    if not self._texts.merge(MERGE_PAGES):
                        return

    # Writing

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Keep a recording, in the place of one with its id."""
        words = packing.stored(words)
        with self._file.transaction("IMMEDIATE"):
            self._remove(recording.id)
            values = (
                recording.id,
                packing.milliseconds(recording.duration),
                recording.model,
                recording.added,
                len(words),
            )
            self._connection.execute(
                "INSERT INTO recordings (id, duration_ms, model, added, words) VALUES (?, ?, ?, ?, ?)", values
            )
            number = self._connection.last_insert_rowid()
            self._locate(number, recording.locations)
            self._texts.add(number, words)
            self._written = True
            sqlite_sound.add(self._connection, number, words, emissions)

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies."""
        with self._file.transaction("IMMEDIATE"):
            number = self._number(recording_id)
            self._connection.execute("DELETE FROM locations WHERE recording = ?", (number,))
            self._locate(number, locations)

    def _locate(self, number: int, locations: Sequence[Location]) -> None:
        self._connection.executemany(
            "INSERT INTO locations VALUES (?, ?, ?, ?)",
            ((number, packing.pack_path(one.path), one.size, one.modified_ns) for one in locations),
        )

    def remove(self, recording_id: str) -> None:
        """Forget a recording."""
        with self._file.transaction("IMMEDIATE"):
            self._remove(recording_id)
            # FTS5 keeps the words of deleted rows until segments are merged, SQLite keeps empty pages for itself.
            self._texts.merge(MERGE_PAGES)
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()  # a step for each page

    def _remove(self, recording_id: str) -> None:
        number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
        if number is None:
            return
        self._texts.remove(number)
        self._connection.execute("DELETE FROM recordings WHERE number = ?", (number,))
        sqlite_sound.remove(self._connection, number)

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        with self._file.transaction("DEFERRED"):
            numbers = [number for (number,) in self._connection.execute("SELECT number FROM recordings")]
            return sorted(map(self._recording, numbers), key=lambda recording: (recording.path, recording.id))

    def recording(self, recording_id: str) -> Recording | None:
        """A recording, if it is known."""
        with self._file.transaction("DEFERRED"):
            number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
            return None if number is None else self._recording(number)

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording."""
        with self._file.transaction("DEFERRED"):
            number = self._number(recording_id)
            return tuple(self._words(number, 0, END))

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        """The emissions that were kept of a recording."""
        with self._file.transaction("DEFERRED"):
            number = self._number(recording_id)
            return sqlite_sound.read(self._connection, number)

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        """Those at the positions from ``first`` to before ``end``, as far as there are any."""
        with self._file.transaction("DEFERRED"):
            return tuple(self._words(self._number(recording_id), first, end))

    def keep_sounding(self, model: str, sounding: str) -> None:
        """Keep what is known of the emissions of a recognizer."""
        with self._file.transaction("IMMEDIATE"):
            sqlite_sound.keep_sounding(self._connection, model, sounding)

    def soundings(self) -> dict[str, str]:
        """What is known of the emissions of each recognizer."""
        with self._file.transaction("DEFERRED"):
            return sqlite_sound.soundings(self._connection)

    def heard_seconds(self) -> Seconds:
        """How long the recordings are, all together, of which emissions may have been kept."""
        with self._file.transaction("DEFERRED"):
            return sqlite_sound.duration(self._connection)

    def candidates(self, asked: KeywordQuery, most: int, recordings: Collection[str] | None = None) -> Iterator[Heard]:
        """The packed stretches that go best with the keys of a text, at most so many."""
        with self._file.transaction("DEFERRED"):
            numbers = None if recordings is None else self._numbers(recordings)
            yield from sqlite_sound.candidates(self._connection, asked, most, numbers)

    def heard(self, recordings: Iterable[str] | None = None) -> Iterator[Heard]:
        """All packed stretches, or those of these recordings as far as they are known."""
        with self._file.transaction("DEFERRED"):
            numbers = None if recordings is None else self._numbers(recordings)
            yield from sqlite_sound.heard(self._connection, numbers)

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        with self._file.transaction("DEFERRED"):
            return self._page(query, limit, after)

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many."""
        with self._file.transaction("DEFERRED"):
            return self._counts(query)

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelled nearly so, nearest first."""
        edits = near.allowed(word)
        if not edits:
            return []
        parts = near.pieces(word)
        where = " OR ".join("instr(substr(word, ?, ?), ?)" for _ in parts)
        values = [value for part in parts for value in (part.first + 1, part.end - part.first, part.text)]
        with self._file.transaction("DEFERRED"):
            rows = self._connection.execute(
                f"SELECT word FROM lexicon WHERE recordings > 0 AND length(word) BETWEEN ? AND ? AND ({where}) LIMIT ?",
                (len(word) - edits, len(word) + edits, *values, NEAR_CANDIDATES),
            )
            return near.nearest(word, (other for (other,) in rows), limit)

    def statistics(self) -> Statistics:
        """How much the index holds."""
        with self._file.transaction("DEFERRED"):
            ((recordings, words, duration_ms),) = self._connection.execute(
                "SELECT count(*), coalesce(sum(words), 0), coalesce(sum(duration_ms), 0) FROM recordings"
            )
            pages, size = self._connection.pragma("page_count"), self._connection.pragma("page_size")
            return Statistics(recordings, words, duration_ms / 1000, pages * size)

    def _number(self, recording_id: str) -> int:
        number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
        if number is None:
            raise UnknownRecordingError(f"{self._file.path} holds no recording {recording_id}")
        assert isinstance(number, int)
        return number

    def _numbers(self, recording_ids: Iterable[str]) -> list[int]:
        """Of those that are known."""
        asked = "SELECT number FROM recordings WHERE id = ?"
        numbers = (self._connection.execute(asked, (identity,)).get for identity in recording_ids)
        return [number for number in numbers if number is not None]

    def _recording(self, number: int) -> Recording:
        ((identity, duration_ms, model, added),) = self._connection.execute(
            "SELECT id, duration_ms, model, added FROM recordings WHERE number = ?", (number,)
        )
        rows = self._connection.execute("SELECT path, size, modified_ns FROM locations WHERE recording = ?", (number,))
        locations = [Location(packing.unpack_path(path), size, modified) for path, size, modified in rows]
        locations.sort(key=lambda location: location.path)
        return Recording(identity, tuple(locations), duration_ms / 1000, model, added)
