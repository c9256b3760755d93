"""The file of an index: creating, opening and checking it, and messages for its errors.

    recordings   one row each
    locations    files of each recording
    tokens       FTS5, one row per recording, without the text: words and pairs of words → positions (fts_tokens.py)
    stretches    words with times, confidences and alternatives, in blocks (word_blocks.py)
    lexicon      every word with its number and frequency (lexicon.py)
    emissions    stored emissions, and further tables for search by sound (emissions.py)
    corrections  words that were corrected by hand; made with the first correction (corrections.py)

A file is created under a temporary name and then linked into place. It is in WAL mode: readers continue while another
process writes, writers wait for one another, and added recordings survive a kill at any moment.
"""

from __future__ import annotations

import contextlib
import errno
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from audiosearch.errors import StoreError, StoreVersionError, did_you_mean
from indexer.sqlite import emissions, fts_tokens, word_store

APPLICATION_ID = 0x41755365  # "AuSe", at offset 68 of the file
VERSION = 3

BUSY_SECONDS = 60
"""Time that a writer waits for another; one addition takes about a second per ten hours of audio."""

MAX_LOG_BYTES = 64 * 1024 * 1024
"""Size of the write-ahead log from which on a writer pauses to empty it."""

LOG_SECONDS = 5
"""Time that emptying the log waits for readers and writers; if it fails, the log grows, and the next writer tries."""

CACHE_KILOBYTES = 32_000
"""Size of the page cache of a connection, at most."""

MMAP_BYTES = 1 << 40
"""Bytes of the file that are memory-mapped; SQLite caps this at 2 GB. Queries take a fifth less time."""

PAGE_BYTES = 8192
"""Size of a page; with 4096, word blocks leave an eighth of it empty."""

READ_ONLY = "cannot be written: its medium is read-only; name another"

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
    """Version of the SQLite library in apsw.

    Raises:
        StoreError: the library has no FTS5.
    """
    version = apsw.sqlite_lib_version()
    if "ENABLE_FTS5" not in apsw.compile_options:
        raise StoreError(f"SQLite {version} was built without FTS5: install apsw from its wheels")
    return version


class SqliteFile:
    """Open file of an index.

    Attributes:
        connection: to the file.
        path: as given, with ``~`` expanded.
    """

    def __init__(self, path: str, *, create: bool) -> None:
        """Open the file; with ``create`` it is created if absent, and must be writable."""
        self.path = Path(path).expanduser()
        with self.errors():
            if create and not self.path.exists():
                self._create()
            self._check_header()
            self.connection = self._open(create)
            try:
                self._check_version(self.connection.pragma("user_version"))
                self.connection.register_fts5_function("positions", _positions)
            except BaseException:
                self.connection.close()
                raise

    def _create(self) -> None:
        """Create an empty index under the final name, unless another process is faster."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            temporary.unlink(missing_ok=True)
            connection = apsw.Connection(str(temporary))
            connection.register_fts5_tokenizer("places", _tokenizer)
            with connection:
                connection.execute(f"PRAGMA page_size = {PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}")
                connection.execute(SCHEMA + word_store.SCHEMA + emissions.SCHEMA)
            connection.pragma("journal_mode", "wal")
            connection.close()
            try:
                os.link(temporary, self.path)
            except FileExistsError:
                pass
            except OSError:
                # A file system without links: two processes must not create one index there at the same moment.
                temporary.rename(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def _check_header(self) -> None:
        """Refuse other files and other versions before SQLite opens the file, which changes files beside it."""
        if not self.path.exists():
            raise StoreError(
                f"there is no index at {self.path}: run `audiosearch index FOLDER` first, or name another"
                f"{self._similar()}"
            )
        if not self.path.is_file():
            raise StoreError(f"{self.path} is not a file: an index is one file, give its name")
        with self.path.open("rb") as file:
            header = file.read(100)
        if not header.startswith(b"SQLite format 3\0") or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
            raise StoreError(f"{self.path} is not an index of audiosearch: give the name of another file")
        self._check_version(int.from_bytes(header[60:64], "big"))

    def _similar(self) -> str:
        """A question with files of similar names in the folder of a missing file."""
        try:
            names = [path.name for path in self.path.parent.iterdir() if not path.name.startswith(".")]
        except OSError:
            return ""
        hint = did_you_mean(self.path.name, [name for name in names if not name.endswith(("-wal", "-shm"))])
        return f".{hint}" if hint else ""

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
        """Open a connection; without ``write`` a read-only file is accepted."""
        name = self.path.absolute()
        try:
            connection = self._connect(str(name), apsw.SQLITE_OPEN_READWRITE)
            if write and connection.readonly("main"):
                connection.close()
                raise apsw.ReadOnlyError("the file is read-only")
            return connection
        except (apsw.CantOpenError, apsw.ReadOnlyError) as error:
            # The files shared by readers and writers cannot be created here, and without them nobody writes.
            log = Path(f"{name}-wal")
            if write:
                raise
            if log.exists() and log.stat().st_size > 0 and os.access(self.path, os.R_OK) and os.access(log, os.R_OK):
                raise StoreError(
                    f"{self.path} was copied or its medium made read-only while it was being written: {log.name} holds "
                    "additions that can only be read where files can be written; copy both to such a folder"
                ) from error
            return self._connect(name.as_uri() + "?immutable=1", apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)

    def _connect(self, name: str, flags: int) -> apsw.Connection:
        connection = apsw.Connection(name, flags=flags)
        try:
            connection.set_busy_timeout(BUSY_SECONDS * 1000)
            connection.pragma("schema_version")  # fails here if the file cannot be read
            connection.pragma("foreign_keys", True)
            connection.pragma("cache_size", -CACHE_KILOBYTES)
            connection.pragma("mmap_size", MMAP_BYTES)
            connection.pragma("journal_size_limit", MAX_LOG_BYTES)
            connection.register_fts5_tokenizer("places", _tokenizer)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connection."""
        with self.errors():
            self.connection.close()

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Turn errors of SQLite and the file system into StoreError."""
        try:
            yield
        except apsw.BusyError as error:
            raise StoreError(f"{self.path} is being written by another process: try again when it is done") from error
        except (apsw.FullError, apsw.IOError) as error:
            raise StoreError(f"{self.path} cannot be read or written, is the disk full? ({error})") from error
        except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError) as error:
            if self._on_read_only_medium():
                raise StoreError(f"{self.path} {READ_ONLY}") from error
            raise StoreError(f"{self.path} cannot be opened or written: check its permissions ({error})") from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise StoreError(f"{self.path} is damaged: restore a copy, or delete it and index again") from error
        except OSError as error:
            reason = f"cannot be used as an index: {error.strerror or error}"
            raise StoreError(f"{self.path} {READ_ONLY if error.errno == errno.EROFS else reason}") from error
        except UnicodeEncodeError as error:
            raise StoreError(f"{self.path} cannot be used as an index: its name is not valid Unicode") from error
        except apsw.Error as error:
            raise StoreError(f"{self.path} cannot be used as an index: {error}") from error

    def _on_read_only_medium(self) -> bool:
        """True if the file system of the file is mounted read-only."""
        try:
            return bool(os.statvfs(self.path.absolute().parent).f_flag & os.ST_RDONLY)
        except OSError:
            return False

    @contextlib.contextmanager
    def transaction(self, kind: str) -> Iterator[None]:
        """Transaction of a kind: IMMEDIATE to write, DEFERRED to read."""
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
                self._truncate_log()

    def _truncate_log(self) -> None:
        """Keep the write-ahead log from growing while other processes write too.

        SQLite empties the log by itself, but only at a moment in which nobody reads or writes.
        """
        log = Path(f"{self.path.absolute()}-wal")
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            self.connection.set_busy_timeout(LOG_SECONDS * 1000)
            try:
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except apsw.BusyError:
                pass  # the next writer tries again
            finally:
                self.connection.set_busy_timeout(BUSY_SECONDS * 1000)


def _positions(api: apsw.FTS5ExtensionApi, /, *arguments: Any) -> bytes:
    """FTS5 function: start positions of the phrase of a number in the query, in the current row."""
    (phrase,) = arguments
    return array("I", api.phrase_column_offsets(phrase, 0)).tobytes()


def _tokenizer(connection: apsw.Connection, arguments: list[str]) -> Any:
    """FTS5 tokenizer for texts of ``fts_tokens.py``."""
    return lambda utf8, flags, locale: fts_tokens.split(utf8.decode())
