"""Index in one SQLite file (``file.py``)."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType

from audiosearch.errors import StoreError, UnknownRecordingError
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery
from audiosearch.transcripts.turns import by_time, in_turns
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer import word_codec
from indexer.corrections import Change, CorrectedWords
from indexer.matching import spelling
from indexer.sqlite.corrections import CorrectionStore
from indexer.sqlite.emissions import (
    acoustic_profiles,
    add_emissions,
    candidate_emissions,
    emissions_duration,
    keep_acoustic_profile,
    move_emissions,
    read_emissions,
    remove_emissions,
    stored_emissions,
)
from indexer.sqlite.file import SqliteFile
from indexer.sqlite.phrases import PhraseMatcher
from indexer.sqlite.search import QueryRunner
from indexer.sqlite.word_blocks import END
from indexer.sqlite.word_store import WordStore
from indexer.types import Count, Location, Page, Query, Recording, Statistics, StoredEmissions

MERGE_PAGES = 1000
"""Pages of 4 kB that one merge step may write: a fifth of a second."""

MAX_MERGE_STEPS = 30
"""Merge steps when a file that was written is closed."""

MAX_SPELLING_CANDIDATES = 50_000
"""Words of the lexicon that are compared with a misspelled word."""


class SqliteIndex:
    """``Index`` in a file."""

    def __init__(self, path: str, *, create: bool) -> None:
        """Open the file; with ``create`` it is created if absent, and must be writable."""
        self._file = SqliteFile(path, create=create)
        self._connection = self._file.connection
        self._words = WordStore(self._connection)
        self._blocks = self._words.blocks
        self._corrections = CorrectionStore(self._connection)
        self._matcher = PhraseMatcher(self._connection, self._words.lexicon, self._blocks)
        self._queries = QueryRunner(self._matcher, self._blocks, self._recording)
        self._written = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> SqliteIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._written:
                self._merge()
        finally:
            self.close()

    def _merge(self) -> None:
        """Merge the token index to few segments: a query looks up its words in each of them."""
        with contextlib.suppress(StoreError):  # the next writer does it
            for _ in range(MAX_MERGE_STEPS):
                with self._file.transaction("IMMEDIATE"):
                    if not self._words.merge(MERGE_PAGES):
                        return

    # Writing

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Store a recording, in place of one with its id."""
        words = in_turns(word_codec.stored(words))
        with self._file.transaction("IMMEDIATE"):
            before = self._corrections.read(recording.id)
            if before is not None:
                carried = before.carried(by_time(words))
                words = in_turns(carried.words)
                self._corrections.keep(recording, carried)
            self._remove(recording.id)
            values = (
                recording.id,
                word_codec.milliseconds(recording.duration),
                recording.model,
                recording.added,
                len(words),
            )
            self._connection.execute(
                "INSERT INTO recordings (id, duration_ms, model, added, words) VALUES (?, ?, ?, ?, ?)", values
            )
            number = self._connection.last_insert_rowid()
            self._locate(number, recording.locations)
            self._words.add(number, words)
            self._written = True
            add_emissions(self._connection, number, words, emissions)

    def revise(self, recording_id: str, change: Change) -> CorrectedWords:
        """Change the corrections of a recording."""
        with self._file.transaction("IMMEDIATE"):
            number = self._number(recording_id)
            before = self._corrected_words(number)
            after = change(before)
            if after != before:
                words = in_turns(after.words)
                self._words.remove(number)
                self._words.add(number, words)
                self._connection.execute("UPDATE recordings SET words = ? WHERE number = ?", (len(words), number))
                move_emissions(self._connection, number, words)
                self._corrections.keep(self._recording(number), after)
                self._written = True
            return after

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Replace the locations of a recording."""
        with self._file.transaction("IMMEDIATE"):
            number = self._number(recording_id)
            self._connection.execute("DELETE FROM locations WHERE recording = ?", (number,))
            self._locate(number, locations)

    def _locate(self, number: int, locations: Sequence[Location]) -> None:
        self._connection.executemany(
            "INSERT INTO locations VALUES (?, ?, ?, ?)",
            ((number, word_codec.pack_path(file.path), file.size, file.modified_ns) for file in locations),
        )

    def remove(self, recording_id: str) -> None:
        """Delete a recording."""
        with self._file.transaction("IMMEDIATE"):
            self._remove(recording_id)
            self._corrections.remove(recording_id)
            # FTS5 keeps the words of deleted rows until segments are merged, and SQLite keeps empty pages.
            self._words.merge(MERGE_PAGES)
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()  # one row for each page

    def _remove(self, recording_id: str) -> None:
        number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
        if number is None:
            return
        self._words.remove(number)
        self._connection.execute("DELETE FROM recordings WHERE number = ?", (number,))
        remove_emissions(self._connection, number)

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        with self._file.transaction("DEFERRED"):
            numbers = [number for (number,) in self._connection.execute("SELECT number FROM recordings")]
            return sorted(map(self._recording, numbers), key=lambda recording: (recording.path, recording.id))

    def recording(self, recording_id: str) -> Recording | None:
        """Recording of an id; None if it is unknown."""
        with self._file.transaction("DEFERRED"):
            number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
            return None if number is None else self._recording(number)

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """Words of a recording."""
        with self._file.transaction("DEFERRED"):
            number = self._number(recording_id)
            return tuple(by_time(self._blocks.words(number, 0, END)))

    def corrected_words(self, recording_id: str) -> CorrectedWords:
        """Recognized words of a recording, and their corrections."""
        with self._file.transaction("DEFERRED"):
            return self._corrected_words(self._number(recording_id))

    def _corrected_words(self, number: int) -> CorrectedWords:
        recording = self._recording(number)
        kept = self._corrections.read(recording.id)
        if kept is not None and self._corrections.is_current(recording):
            return kept
        words = by_time(self._blocks.words(number, 0, END))
        return CorrectedWords(tuple(words)) if kept is None else kept.set_aside(words)

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        """Stored emissions of a recording."""
        with self._file.transaction("DEFERRED"):
            number = self._number(recording_id)
            return read_emissions(self._connection, number)

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        """Words at the positions from ``first`` to before ``end``, as far as they exist."""
        with self._file.transaction("DEFERRED"):
            return tuple(self._blocks.words(self._number(recording_id), first, end))

    def keep_acoustic_profile(self, model: str, profile: AcousticProfile) -> None:
        """Store the acoustic profile of a recognizer."""
        with self._file.transaction("IMMEDIATE"):
            keep_acoustic_profile(self._connection, model, profile)

    def acoustic_profiles(self) -> dict[str, AcousticProfile]:
        """Acoustic profiles by fingerprint of the recognizer."""
        with self._file.transaction("DEFERRED"):
            return acoustic_profiles(self._connection)

    def emissions_duration(self) -> Seconds:
        """Total duration of the recordings of which emissions may be stored."""
        with self._file.transaction("DEFERRED"):
            return emissions_duration(self._connection)

    def candidate_emissions(
        self, query: KeywordQuery, limit: int, recordings: Collection[str] | None = None
    ) -> Iterator[StoredEmissions]:
        """Stored emissions that share most keys with a text."""
        with self._file.transaction("DEFERRED"):
            numbers = None if recordings is None else self._numbers(recordings)
            yield from candidate_emissions(self._connection, query, limit, numbers)

    def stored_emissions(self, recordings: Iterable[str] | None = None) -> Iterator[StoredEmissions]:
        """Stored emissions of all recordings, or of the known ones among these."""
        with self._file.transaction("DEFERRED"):
            numbers = None if recordings is None else self._numbers(recordings)
            yield from stored_emissions(self._connection, numbers)

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """First ``limit`` hits, or the first after those of another page."""
        with self._file.transaction("DEFERRED"):
            return self._queries.page(query, limit, after)

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits and the number of these."""
        with self._file.transaction("DEFERRED"):
            return self._queries.counts(query)

    def occurring(self, texts: Collection[str], slop: int = 0) -> list[str]:
        """Those of the texts of phrases that have a match."""
        with self._file.transaction("DEFERRED"):
            return self._matcher.occurring(texts, slop)

    def similar_words(self, word: str, limit: int) -> list[str]:
        """Other words of the index with similar spelling, most similar first."""
        edits = spelling.max_edits(word)
        if not edits:
            return []
        pieces = spelling.pieces(word)
        where = " OR ".join("instr(substr(word, ?, ?), ?)" for _ in pieces)
        values = [value for piece in pieces for value in (piece.first + 1, piece.end - piece.first, piece.text)]
        with self._file.transaction("DEFERRED"):
            rows = self._connection.execute(
                f"SELECT word FROM lexicon WHERE recordings > 0 AND length(word) BETWEEN ? AND ? AND ({where}) LIMIT ?",
                (len(word) - edits, len(word) + edits, *values, MAX_SPELLING_CANDIDATES),
            )
            return spelling.most_similar(word, (text for (text,) in rows), limit)

    def is_writable(self) -> bool:
        """Return False if the file cannot be written."""
        return not self._connection.readonly("main")

    def statistics(self) -> Statistics:
        """Totals of the index."""
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
        """Numbers of those recordings that are known."""
        select = "SELECT number FROM recordings WHERE id = ?"
        numbers = (self._connection.execute(select, (identity,)).get for identity in recording_ids)
        return [number for number in numbers if number is not None]

    def _recording(self, number: int) -> Recording:
        ((identity, duration_ms, model, added),) = self._connection.execute(
            "SELECT id, duration_ms, model, added FROM recordings WHERE number = ?", (number,)
        )
        rows = self._connection.execute("SELECT path, size, modified_ns FROM locations WHERE recording = ?", (number,))
        locations = [Location(word_codec.unpack_path(path), size, modified) for path, size, modified in rows]
        locations.sort(key=lambda location: location.path)
        recording = Recording(identity, tuple(locations), duration_ms / 1000, model, added)
        revised = self._corrections.revised(recording)
        return recording if revised is None else replace(recording, corrected=revised)
