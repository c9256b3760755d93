"""A file of version 2 becomes one of version 3, in place, before something is first written to it.

The tables of version 3 have other names, so that both can be there. Recordings are carried over some at a time, each
time in a transaction of its own; until the last one the file has version 2 and is read so. Who is killed meanwhile has
lost nothing, and the next one goes on. Several may do it at once, and earlier versions may write as long as it lasts:
what was carried over and has changed since is carried over again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from indexer.sqlite import emissions as sqlite_sound
from indexer.sqlite import word_store as sqlite_words
from indexer.sqlite.word_blocks import END
from indexer.sqlite.word_store import Texts

if TYPE_CHECKING:
    import apsw

WORDS = 100_000
RECORDINGS = 1000
"""Words and recordings that are carried over at once; a recording at least. That takes some seconds."""

FREED_PAGES = 10_000
"""Empty pages that are given back at once in the end."""

_DONE = "CREATE TABLE upgraded (number INTEGER PRIMARY KEY, id TEXT, model TEXT, added TEXT, words INTEGER)"
_NOTE = "INSERT INTO upgraded SELECT number, id, model, added, words"
_SAME = "u.number = r.number AND u.id = r.id AND u.model = r.model AND u.added = r.added AND u.words = r.words"


def upgrade(connection: apsw.Connection, version: int) -> None:
    """Give a file of version 2 that version, which is 3."""
    while _step(connection, version):
        pass
    while connection.pragma("freelist_count"):
        connection.execute(f"PRAGMA incremental_vacuum({FREED_PAGES})").fetchall()


def _step(connection: apsw.Connection, version: int) -> bool:
    """Do some of it; whether there is more to do."""
    with _transaction(connection):
        if connection.pragma("user_version") >= version:
            return False
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'upgraded'").get:
            connection.execute(f"{sqlite_words.SCHEMA}; {sqlite_sound.SCHEMA}; {_DONE}")
        texts = Texts(connection)
        gone = f"SELECT number, words FROM upgraded u WHERE NOT EXISTS (SELECT 1 FROM recordings r WHERE {_SAME})"
        for number, _ in _rows(connection, gone):
            texts.remove(number)
            connection.execute("DELETE FROM upgraded WHERE number = ?", (number,))
        left = f"SELECT number, words FROM recordings r WHERE NOT EXISTS (SELECT 1 FROM upgraded u WHERE {_SAME})"
        done = carried = 0
        for number, words in _rows(connection, f"{left} ORDER BY number LIMIT {RECORDINGS}"):
            texts.add(number, texts.chunks.words(number, 0, END, old=True))
            connection.execute(f"{_NOTE} FROM recordings WHERE number = ?", (number,))
            done += 1
            carried += words
            if carried >= WORDS:
                break
        if done:
            return True
        connection.execute("DROP TABLE text; DROP TABLE chunks; DROP TABLE vocabulary; DROP TABLE upgraded")
        connection.execute(f"PRAGMA user_version = {version}")
        return False


def _rows(connection: apsw.Connection, query: str) -> list[tuple[int, int]]:
    return connection.execute(query).fetchall()  # type: ignore[return-value]


@contextlib.contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
