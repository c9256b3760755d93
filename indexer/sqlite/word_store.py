"""Words of recordings in an SQLite index, in the tables for search and in those for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiosearch.types import Word
from indexer.sqlite import fts_tokens, lexicon, word_blocks
from indexer.sqlite.lexicon import Lexicon
from indexer.sqlite.word_blocks import END, WordBlocks

if TYPE_CHECKING:
    import apsw

SCHEMA = (
    """
CREATE VIRTUAL TABLE tokens USING fts5 (words, content='', contentless_delete=1, tokenize='places');
INSERT INTO tokens (tokens, rank) VALUES ('automerge', 8); -- segments merged together; with 4, indexing is slower
INSERT INTO tokens (tokens, rank) VALUES ('usermerge', 2); -- segments of a level that ``merge`` makes one
"""
    + lexicon.SCHEMA
    + word_blocks.SCHEMA
)


class WordStore:
    """Words of the recordings of a file, by number of the recording."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.lexicon = Lexicon(connection)
        self.blocks = WordBlocks(connection, self.lexicon)

    def add(self, number: int, words: Sequence[Word]) -> None:
        """Store the words of a recording that has none, given in stored precision."""
        document = fts_tokens.document(words, self.lexicon.common(number))
        self._connection.execute("INSERT INTO tokens (rowid, words) VALUES (?, ?)", (number, document))
        # Words become common in recordings that are added later, also if an earlier one gets other words.
        last = self._connection.execute("SELECT max(number) FROM recordings").get
        assert isinstance(last, int)
        self.blocks.add(number, words, self.lexicon.add(last, words))

    def remove(self, number: int) -> None:
        """Delete the words of a recording."""
        self.lexicon.remove(self.blocks.words(number, 0, END))
        self._connection.execute("DELETE FROM tokens WHERE rowid = ?", (number,))
        self.blocks.remove(number)

    def merge(self, pages: int) -> bool:
        """Merge segments of the token index, writing about this many pages; False if nothing is left to merge."""
        before = self._connection.total_changes()
        self._connection.execute("INSERT INTO tokens (tokens, rank) VALUES ('merge', ?)", (pages,))
        return self._connection.total_changes() - before > 1  # FTS5 reports a merge by this difference
