"""The words of recordings in an SQLite index: put everywhere where they are found, and taken away again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiosearch.types import Word
from indexer.sqlite import fts_tokens as tokens
from indexer.sqlite import lexicon as sqlite_lexicon
from indexer.sqlite import word_blocks as sqlite_chunks
from indexer.sqlite.lexicon import Lexicon
from indexer.sqlite.word_blocks import END, Chunks

if TYPE_CHECKING:
    import apsw

SCHEMA = (
    """
CREATE VIRTUAL TABLE tokens USING fts5 (words, content='', contentless_delete=1, tokenize='places');
INSERT INTO tokens (tokens, rank) VALUES ('automerge', 8); -- segments merged at once; with 4, indexing is slower
INSERT INTO tokens (tokens, rank) VALUES ('usermerge', 2); -- segments of a level that ``merge`` makes one
"""
    + sqlite_lexicon.SCHEMA
    + sqlite_chunks.SCHEMA
)


class Texts:
    """The words of the recordings of a file, by number."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.lexicon = Lexicon(connection)
        self.chunks = Chunks(connection, self.lexicon)

    def add(self, number: int, words: Sequence[Word]) -> None:
        """Keep the words of a new recording, as they are stored."""
        document = tokens.document(words, self.lexicon.common(number))
        self._connection.execute("INSERT INTO tokens (rowid, words) VALUES (?, ?)", (number, document))
        self.chunks.add(number, words, self.lexicon.add(number, words))

    def remove(self, number: int) -> None:
        """Forget the words of a recording."""
        self.lexicon.remove(self.chunks.words(number, 0, END))
        self._connection.execute("DELETE FROM tokens WHERE rowid = ?", (number,))
        self.chunks.remove(number)

    def merge(self, pages: int) -> bool:
        """Merge segments in which tokens lie, to fewer, writing about so many pages; False if nothing is left to do."""
        before = self._connection.total_changes()
        self._connection.execute("INSERT INTO tokens (tokens, rank) VALUES ('merge', ?)", (pages,))
        return self._connection.total_changes() - before > 1  # by which FTS5 tells that it merged
