"""The file of an index: made, opened, checked; what goes wrong with it becomes a sentence.

    recordings   one row each
    locations    where they lie
    tokens       FTS5, one row per recording, without the text itself: words, and pairs of words → positions (tokens.py)
    stretches    the words with times, confidences and alternatives (sqlite_chunks.py)
    lexicon      every word, its number, and how often it is there (sqlite_lexicon.py)
    emissions    what may be searched by sound, and more tables about it (sqlite_sound.py)

A file is made whole under a temporary name and then linked into place. It is kept in WAL mode: readers go on while
another process writes, writers wait for one another, and what was added survives a kill at any moment.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from audiosearch.errors import StoreError, StoreVersionError
from indexer.sqlite import (
    emissions as sqlite_sound,
)
from indexer.sqlite import (
    fts_tokens as tokens,
)
from indexer.sqlite import (
    word_store as sqlite_words,
)

APPLICATION_ID = 0x41755365  # "AuSe", at offset 68 of the file
VERSION = 3

BUSY_SECONDS = 60
"""How long a writer waits for another; one addition takes about a second per ten hours of audio."""

MOST_LOG = 64 * 1024 * 1024
"""Bytes of the write-ahead log from which on whoever writes stops for it to be emptied."""

LOG_SECONDS = 5
"""How long that waits for those who read and write; if it is too short, the log grows, and it is tried again."""

CACHE_KILOBYTES = 32_000
"""Pages that a connection keeps in memory, at most."""

MAPPED = 1 << 40
"""Bytes of the file that are read without a call to the system; SQLite takes 2 GB of it, and answers a fifth sooner."""

PAGE = 8192
"""Bytes of a page; with 4096, rows of chunks leave an eighth of it empty."""

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
"""


def sqlite_version() -> str:
    """Version of the SQLite that apsw brings.

    Raises:
        StoreError: it has no FTS5.
    """
    version = apsw.sqlite_lib_version()
    if "ENABLE_FTS5" not in apsw.compile_options:
        raise StoreError(f"SQLite {version} was built without FTS5: install apsw from its wheels")
    return version


class SqliteFile:
    """An open file of ours.

    Attributes:
        connection: to it.
        path: as it was given.
    """

    def __init__(self, path: str, *, create: bool) -> None:
        """Open the file; with ``create`` it is made where there is none, and must not be read-only."""
        self.path = Path(path).expanduser()
        with self.errors():
            if create and not self.path.exists():
                self._make()
            self._check_header()
            self.connection = self._open(create)
            try:
                self._check_version(self.connection.pragma("user_version"))
                self.connection.register_fts5_function("positions", _positions)
            except BaseException:
                self.connection.close()
                raise

    def _make(self) -> None:
        """An empty index under the final name, unless somebody else is quicker."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            made.unlink(missing_ok=True)
            connection = apsw.Connection(str(made))
            connection.register_fts5_tokenizer("places", _places)
            with connection:
                connection.execute(f"PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}")
                connection.execute(SCHEMA + sqlite_words.SCHEMA + sqlite_sound.SCHEMA)
            connection.pragma("journal_mode", "wal")
            connection.close()
            try:
                os.link(made, self.path)
            except FileExistsError:
                pass
            except OSError:
                # A file system without links; two that make one index there at the same moment is too much.
                made.rename(self.path)
        finally:
            made.unlink(missing_ok=True)

    def _check_header(self) -> None:
        """Refuse what is no index of ours before SQLite opens it, and changes files beside it."""
        if not self.path.exists():
            raise StoreError(f"there is no index at {self.path}: run `audiosearch index FOLDER` first, or name another")
        if not self.path.is_file():
            raise StoreError(f"{self.path} is no file: an index is one file, give its name")
        with self.path.open("rb") as file:
            header = file.read(100)
        if not header.startswith(b"SQLite format 3\0") or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
            raise StoreError(f"{self.path} is not an index of audiosearch: give the name of another file")
        self._check_version(int.from_bytes(header[60:64], "big"))

    def _check_version(self, version: int) -> None:
        if version > VERSION:
            raise StoreVersionError(
                f"{self.path} was written by a newer version of audiosearch (store version {version}, this one reads "
                f"{VERSION}): install that version"
            )
        if version < VERSION:
            raise StoreVersionError(
                f"{self.path} was written by an early version of audiosearch (store version {version}, this one reads "
                f"{VERSION}): delete it and index again"
            )

    def _open(self, write: bool) -> apsw.Connection:
        """A connection; without ``write`` a file that can only be read will do."""
        name = self.path.absolute()
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
            connection.pragma("cache_size", -CACHE_KILOBYTES)
            connection.pragma("mmap_size", MAPPED)
            connection.pragma("journal_size_limit", MOST_LOG)
            connection.register_fts5_tokenizer("places", _places)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Give the file back."""
        with self.errors():
            self.connection.close()

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """What goes wrong with the file becomes a sentence."""
        try:
            yield
        except apsw.BusyError as error:
            raise StoreError(f"{self.path} is being written by another process: try again when it is done") from error
        except (apsw.FullError, apsw.IOError) as error:
            raise StoreError(f"{self.path} cannot be read or written, is the disk full? ({error})") from error
        except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError) as error:
            raise StoreError(f"{self.path} cannot be opened or written: check its permissions ({error})") from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise StoreError(f"{self.path} is damaged: restore a copy, or delete it and index again") from error
        except (apsw.Error, OSError) as error:
            raise StoreError(f"{self.path} cannot be used as an index: {error}") from error

    @contextlib.contextmanager
    def transaction(self, kind: str) -> Iterator[None]:
        """All or nothing, on one state of the store; ``kind`` is IMMEDIATE to write and DEFERRED to read."""
        write = kind == "IMMEDIATE"
        with self.errors():
            self.connection.execute(f"BEGIN {kind}")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            if write:
                self._empty_log()

    def _empty_log(self) -> None:
        """Keep the write-ahead log from growing while others write too.

        SQLite empties it by itself, but only at a moment in which nobody reads or writes.
        """
        log = Path(f"{self.path.absolute()}-wal")
        if log.exists() and log.stat().st_size > MOST_LOG:
            self.connection.set_busy_timeout(LOG_SECONDS * 1000)
            try:
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except apsw.BusyError:
                pass  # next time
            finally:
                self.connection.set_busy_timeout(BUSY_SECONDS * 1000)


def _positions(api: apsw.FTS5ExtensionApi, /, *arguments: Any) -> bytes:
    """FTS5 function: where the phrase of that number in the query begins in the current row."""
    (phrase,) = arguments
    return array("I", api.phrase_column_offsets(phrase, 0)).tobytes()


def _places(connection: apsw.Connection, arguments: list[str]) -> Any:
    """FTS5 tokenizer: see ``tokens.py``."""
    return lambda utf8, flags, locale: tokens.split(utf8.decode())
