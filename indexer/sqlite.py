"""An index in one SQLite file; the only file that touches apsw.

    recordings   one row each
    locations    where they lie
    text         FTS5, one row per recording, without the text itself: words → positions
    chunks       the words, times and confidences of CHUNK positions a row, so that a hit reads only its neighbourhood
    vocabulary   in how many recordings each word is said

A file is made whole under a temporary name and then linked into place. It is kept in WAL mode: readers go on while
another process writes, writers wait for one another, and what was added survives a kill at any moment.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from audiosearch.errors import StoreError, StoreVersionError
from audiosearch.types import Word
from indexer import match, near, packing
from indexer.types import CONTEXT_WORDS, Hit, Location, Phrase, Recording, Statistics

APPLICATION_ID = 0x41755365  # "AuSe", at offset 68 of the file
VERSION = 1

CHUNK = 128
"""Words of a row of chunks: about 900 bytes, of which four fill a page; most hits need one row."""

END = 1 << 32
"""After every position of a recording."""

BUSY_SECONDS = 60
"""How long a writer waits for another; one addition takes about a second per ten hours of audio."""

MERGE_PAGES = 1000
"""Pages of 4 kB that removing a recording may write to give back the space of removed words."""

NEAR_CANDIDATES = 50_000
"""Words of the vocabulary that are compared letter by letter, at most."""

SCHEMA = """
CREATE TABLE recordings (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    duration_ms INTEGER NOT NULL,
    model       TEXT NOT NULL,
    added       TEXT NOT NULL,
    words       INTEGER NOT NULL
);
CREATE TABLE locations (
    recording   INTEGER NOT NULL REFERENCES recordings (number) ON DELETE CASCADE,
    path        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    PRIMARY KEY (recording, path)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE text USING fts5 (words, content='', contentless_delete=1, tokenize='spaces');
CREATE TABLE chunks (
    number      INTEGER PRIMARY KEY, -- number of the recording × 2³² + position of the first word
    words       BLOB NOT NULL,       -- these three as in packing.py, the words deflated
    times       BLOB NOT NULL,
    confidences BLOB NOT NULL
);
CREATE TABLE vocabulary (
    word        TEXT PRIMARY KEY,
    recordings  INTEGER NOT NULL
) WITHOUT ROWID;
"""


class SqliteIndex:
    """An ``Index`` in a file."""

    def __init__(self, path: str, *, create: bool) -> None:
        """Open the file; with ``create`` it is made where there is none, and must not be read-only."""
        self._path = Path(path).expanduser()
        with self._errors():
            if create and not self._path.exists():
                self._make()
            self._check_header()
            self._connection = self._open(create)
            try:
                self._check_version(self._connection.pragma("user_version"))
                self._connection.register_fts5_function("positions", _positions)
            except BaseException:
                self._connection.close()
                raise

    # Opening

    def _make(self) -> None:
        """An empty index under the final name, unless somebody else is quicker."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        made = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            made.unlink(missing_ok=True)
            connection = apsw.Connection(str(made))
            connection.register_fts5_tokenizer("spaces", _spaces)
            with connection:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}")
                connection.execute(SCHEMA)
            connection.pragma("journal_mode", "wal")
            connection.close()
            try:
                os.link(made, self._path)
            except FileExistsError:
                pass
            except OSError:
                # A file system without links; two that make one index there at the same moment is too much.
                made.rename(self._path)
        finally:
            made.unlink(missing_ok=True)

    def _check_header(self) -> None:
        """Refuse what is no index of ours before SQLite opens it, and changes files beside it."""
        if not self._path.exists():
            raise StoreError(
                f"there is no index at {self._path}: run `audiosearch index FOLDER` first, or name another"
            )
        if not self._path.is_file():
            raise StoreError(f"{self._path} is no file: an index is one file, give its name")
        with self._path.open("rb") as file:
            header = file.read(100)
        if not header.startswith(b"SQLite format 3\0") or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
            raise StoreError(f"{self._path} is not an index of audiosearch: give the name of another file")
        self._check_version(int.from_bytes(header[60:64], "big"))

    def _check_version(self, version: int) -> None:
        if version > VERSION:
            raise StoreVersionError(
                f"{self._path} was written by a newer version of audiosearch (store version {version}, this one reads "
                f"up to {VERSION}): install that version"
            )

    def _open(self, write: bool) -> apsw.Connection:
        """A connection; without ``write`` a file that can only be read will do."""
        name = self._path.absolute()
        try:
            connection = self._connect(str(name), apsw.SQLITE_OPEN_READWRITE)
            if write and connection.readonly("main"):
                connection.close()
                raise apsw.ReadOnlyError("the file is read-only")
            return connection
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            # The files through which readers and writers see one another cannot be made here. Nobody writes without.
            if write or Path(f"{name}-wal").exists():
                raise
            return self._connect(name.as_uri() + "?immutable=1", apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)

    def _connect(self, name: str, flags: int) -> apsw.Connection:
        connection = apsw.Connection(name, flags=flags)
        try:
            connection.set_busy_timeout(BUSY_SECONDS * 1000)
            connection.pragma("schema_version")  # touches the file, so that it is known to be readable
            connection.pragma("foreign_keys", True)
            connection.register_fts5_tokenizer("spaces", _spaces)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Give the file back."""
        with self._errors():
            self._connection.close()

    def __enter__(self) -> SqliteIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """What goes wrong with the file becomes a sentence."""
        try:
            yield
        except apsw.BusyError as error:
            raise StoreError(f"{self._path} is being written by another process: try again when it is done") from error
        except (apsw.FullError, apsw.IOError) as error:
            raise StoreError(f"{self._path} cannot be read or written, is the disk full? ({error})") from error
        except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError) as error:
            raise StoreError(f"{self._path} cannot be opened or written: check its permissions ({error})") from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise StoreError(f"{self._path} is damaged: restore a copy, or delete it and index again") from error
        except (apsw.Error, OSError) as error:
            raise StoreError(f"{self._path} cannot be used as an index: {error}") from error

    @contextlib.contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        """All or nothing, on one state of the store; ``kind`` is IMMEDIATE to write and DEFERRED to read."""
        with self._errors():
            self._connection.execute(f"BEGIN {kind}")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # Writing

    def add(self, recording: Recording, words: Sequence[Word]) -> None:
        """Keep a recording, in the place of one with its id."""
        texts = [packing.pack_text(some) for _, some in packing.blocks(words, CHUNK)]
        packed = [
            (first, packing.pack_times(some), packing.pack_confidences(some))
            for first, some in packing.blocks(words, CHUNK)
        ]
        with self._transaction("IMMEDIATE"):
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
            whole = " ".join(texts)
            self._connection.execute("INSERT INTO text (rowid, words) VALUES (?, ?)", (number, whole))
            self._connection.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?, ?)",
                (
                    ((number << 32) + first, packing.deflate(text.encode()), times, confidences)
                    for text, (first, times, confidences) in zip(texts, packed, strict=True)
                ),
            )
            self._connection.executemany(
                "INSERT INTO vocabulary VALUES (?, 1) ON CONFLICT DO UPDATE SET recordings = recordings + 1",
                ((word,) for word in sorted(set(whole.split()))),
            )

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies."""
        with self._transaction("IMMEDIATE"):
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
        with self._transaction("IMMEDIATE"):
            self._remove(recording_id)
            # FTS5 keeps the words of deleted rows until segments are merged, SQLite keeps empty pages for itself.
            self._connection.execute("INSERT INTO text (text, rank) VALUES ('merge', ?)", (MERGE_PAGES,))
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()  # a step for each page

    def _remove(self, recording_id: str) -> None:
        number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
        if number is None:
            return
        said = set()
        for _, text, _, _ in self._chunks(number, 0, END):
            said.update(text.split())
        self._connection.executemany(
            "UPDATE vocabulary SET recordings = recordings - 1 WHERE word = ?", ((word,) for word in sorted(said))
        )
        self._connection.executemany(
            "DELETE FROM vocabulary WHERE word = ? AND recordings = 0", ((word,) for word in sorted(said))
        )
        self._connection.execute("DELETE FROM text WHERE rowid = ?", (number,))
        self._connection.execute(
            "DELETE FROM chunks WHERE number >= ? AND number < ?", (number << 32, number + 1 << 32)
        )
        self._connection.execute("DELETE FROM recordings WHERE number = ?", (number,))

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        with self._transaction("DEFERRED"):
            numbers = [number for (number,) in self._connection.execute("SELECT number FROM recordings")]
            return sorted(map(self._recording, numbers), key=lambda recording: (recording.path, recording.id))

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording."""
        with self._transaction("DEFERRED"):
            number = self._number(recording_id)
            return tuple(self._words(number, 0, END))

    def search(self, phrases: Sequence[Phrase], limit: int) -> list[Hit]:
        """The best ``limit`` hits of any of the phrases."""
        with self._transaction("DEFERRED"):
            recordings: dict[int, Recording] = {}

            def recording(number: int) -> Recording:
                if number not in recordings:
                    recordings[number] = self._recording(number)
                return recordings[number]

            found = match.best(
                (one for phrase in phrases for one in self._find(phrase)),
                limit,
                lambda number: (recording(number).path, recording(number).id),
            )
            hits = []
            for one in found:
                first = max(one.first - CONTEXT_WORDS, 0)
                words = self._words(one.recording, first, one.last + CONTEXT_WORDS + 1)
                hits.append(match.hit(recording(one.recording), one, words, first))
            return hits

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelt nearly so, nearest first."""
        edits = near.allowed(word)
        if not edits:
            return []
        parts = near.pieces(word)
        where = " OR ".join("instr(substr(word, ?, ?), ?)" for _ in parts)
        values = [value for part in parts for value in (part.first + 1, part.end - part.first, part.text)]
        with self._transaction("DEFERRED"):
            rows = self._connection.execute(
                f"SELECT word FROM vocabulary WHERE length(word) BETWEEN ? AND ? AND ({where}) LIMIT ?",
                (len(word) - edits, len(word) + edits, *values, NEAR_CANDIDATES),
            )
            return near.nearest(word, (other for (other,) in rows), limit)

    def statistics(self) -> Statistics:
        """How much the index holds."""
        with self._transaction("DEFERRED"):
            ((recordings, words, duration_ms),) = self._connection.execute(
                "SELECT count(*), coalesce(sum(words), 0), coalesce(sum(duration_ms), 0) FROM recordings"
            )
            pages, size = self._connection.pragma("page_count"), self._connection.pragma("page_size")
            return Statistics(recordings, words, duration_ms / 1000, pages * size)

    def _number(self, recording_id: str) -> int:
        number = self._connection.execute("SELECT number FROM recordings WHERE id = ?", (recording_id,)).get
        if number is None:
            raise StoreError(f"{self._path} holds no recording {recording_id}")
        assert isinstance(number, int)
        return number

    def _recording(self, number: int) -> Recording:
        ((identity, duration_ms, model, added),) = self._connection.execute(
            "SELECT id, duration_ms, model, added FROM recordings WHERE number = ?", (number,)
        )
        rows = self._connection.execute("SELECT path, size, modified_ns FROM locations WHERE recording = ?", (number,))
        locations = [Location(packing.unpack_path(path), size, modified) for path, size, modified in rows]
        locations.sort(key=lambda location: location.path)
        return Recording(identity, tuple(locations), duration_ms / 1000, model, added)

    def _chunks(self, number: int, first: int, end: int) -> Iterator[tuple[int, str, bytes, bytes]]:
        """Chunks of a recording with the positions from ``first`` to before ``end``, after the position of each."""
        base = number << 32
        for chunk, text, times, confidences in self._connection.execute(
            "SELECT number, words, times, confidences FROM chunks WHERE number >= ? AND number < ? ORDER BY number",
            (base + first - first % CHUNK, base + end),
        ):
            yield chunk - base, packing.inflate(text).decode(), times, confidences

    def _words(self, number: int, first: int, end: int) -> list[Word]:
        """The words of a recording at the positions from ``first`` to before ``end``, as far as there are any."""
        words = []
        for offset, text, times, confidences in self._chunks(number, first, end):
            words += packing.unpack(text, times, confidences, max(first - offset, 0), end - offset)
        return words

    def _find(self, phrase: Phrase) -> Iterator[match.Found[int]]:
        """Where a phrase matches, with confidences."""
        confidences: dict[int, bytes] = {}
        for number, spans in self._spans(phrase):
            confidences.clear()
            for places in spans:
                lowest = 1000
                for place in places:
                    chunk = (number << 32) + place - place % CHUNK
                    if chunk not in confidences:
                        confidences[chunk] = self._connection.execute(
                            "SELECT confidences FROM chunks WHERE number = ?", (chunk,)
                        ).get
                    lowest = min(lowest, packing.confidence_at(confidences[chunk], place % CHUNK))
                yield match.Found(number, places[0], places[-1], lowest)

    def _spans(self, phrase: Phrase) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
        """Recordings in which a phrase matches, with the matches."""
        terms = phrase.terms
        if not phrase.slop and not any(term.prefix for term in terms[:-1]):
            # FTS5 finds adjacent terms by itself, of which only the last may be a prefix.
            query = _quoted(" ".join(term.text for term in terms), terms[-1].prefix)
            for number, starts in self._match(query, 1):
                yield number, match.adjacent(starts, len(terms))
            return
        distinct = list(dict.fromkeys(terms))
        query = " AND ".join(_quoted(term.text, term.prefix) for term in distinct)
        for number, *positions in self._match(query, len(distinct)):
            by_term = dict(zip(distinct, positions, strict=True))
            yield number, match.spans([by_term[term] for term in terms], phrase.slop)

    def _match(self, query: str, phrases: int) -> Iterator[tuple[Any, ...]]:
        """Recordings that an FTS5 query matches: the number, and where each phrase of the query begins."""
        columns = ", ".join(f"positions(text, {phrase})" for phrase in range(phrases))
        for number, *packed in self._connection.execute(
            f"SELECT rowid, {columns} FROM text WHERE text MATCH ?", (query,)
        ):
            yield number, *(array("I", one) for one in packed)


def _quoted(text: str, prefix: bool) -> str:
    """An FTS5 string, in which nothing has a meaning."""
    return '"' + text.replace('"', '""') + ('" *' if prefix else '"')


def _positions(api: apsw.FTS5ExtensionApi, /, *arguments: Any) -> bytes:
    """FTS5 function: where the phrase of that number in the query begins in the current row."""
    (phrase,) = arguments
    return array("I", api.phrase_column_offsets(phrase, 0)).tobytes()


def _spaces(connection: apsw.Connection, arguments: list[str]) -> Any:
    """FTS5 tokenizer: words as ``packing.pack_text`` joins them, of any letters."""
    return lambda utf8, flags, locale: utf8.decode().split(" ")
