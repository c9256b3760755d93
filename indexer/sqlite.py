"""An index in one SQLite file (``sqlite_file.py``): recordings are written, words and hits read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

from audiosearch.errors import StoreError
from audiosearch.types import Word
from indexer import match, near, packing, tokens
from indexer.match import Found, Span
from indexer.ranking import chosen
from indexer.sqlite_file import SqliteFile
from indexer.sqlite_search import Search
from indexer.types import Count, Location, Page, Phrase, Query, Recording, Statistics

CHUNK = 128
"""Words of a row of chunks: about 900 bytes, of which four fill a page; most hits need one row."""

END = 1 << 32
"""After every position of a recording."""

MERGE_PAGES = 1000
"""Pages of 4 kB that removing a recording may write to give back the space of removed words."""

NEAR_CANDIDATES = 50_000
"""Words of the vocabulary that are compared letter by letter, at most."""


class SqliteIndex(Search):
    """An ``Index`` in a file."""

    def __init__(self, path: str, *, create: bool) -> None:
        """Open the file; with ``create`` it is made where there is none, and must not be read-only."""
        self._file = SqliteFile(path, create=create)
        self._connection = self._file.connection

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def __enter__(self) -> SqliteIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def add(self, recording: Recording, words: Sequence[Word]) -> None:
        """Keep a recording, in the place of one with its id."""
        blocks = [
            (first, packing.pack_text(some), packing.pack_times(some), packing.pack_confidences(some))
            for first, some in packing.blocks(words, CHUNK)
        ]
        texts = " ".join(text for _, text, _, _ in blocks).split()
        document = tokens.document(texts, packing.thousandths(b"".join(packed for _, _, _, packed in blocks)))
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
            self._connection.execute("INSERT INTO text (rowid, words) VALUES (?, ?)", (number, document))
            self._connection.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?, ?)",
                (
                    ((number << 32) + first, packing.deflate(text.encode()), times, confidences)
                    for first, text, times, confidences in blocks
                ),
            )
            self._connection.executemany(
                "INSERT INTO vocabulary VALUES (?, 1) ON CONFLICT DO UPDATE SET recordings = recordings + 1",
                ((word,) for word in sorted(set(texts))),
            )

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
        with self._file.transaction("DEFERRED"):
            numbers = [number for (number,) in self._connection.execute("SELECT number FROM recordings")]
            return sorted(map(self._recording, numbers), key=lambda recording: (recording.path, recording.id))

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording."""
        with self._file.transaction("DEFERRED"):
            number = self._number(recording_id)
            return tuple(self._words(number, 0, END))

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        with self._file.transaction("DEFERRED"):
            return self._page(query, limit, after)

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many."""
        with self._file.transaction("DEFERRED"):
            return self._counts(query)

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelt nearly so, nearest first."""
        edits = near.allowed(word)
        if not edits:
            return []
        parts = near.pieces(word)
        where = " OR ".join("instr(substr(word, ?, ?), ?)" for _ in parts)
        values = [value for part in parts for value in (part.first + 1, part.end - part.first, part.text)]
        with self._file.transaction("DEFERRED"):
            rows = self._connection.execute(
                f"SELECT word FROM vocabulary WHERE length(word) BETWEEN ? AND ? AND ({where}) LIMIT ?",
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
            raise StoreError(f"{self._file.path} holds no recording {recording_id}")
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

    def _confident(self, number: int, spans: Iterable[Span]) -> Iterator[Found[int]]:
        """Matches of a recording with their confidences."""
        confidences: dict[int, Sequence[int]] = {}
        for places in spans:
            lowest = 1000
            for place in places:
                chunk = place - place % CHUNK
                if chunk not in confidences:
                    row = self._connection.execute(
                        "SELECT confidences FROM chunks WHERE number = ?", ((number << 32) + chunk,)
                    )
                    confidences[chunk] = packing.thousandths(row.get)
                lowest = min(lowest, confidences[chunk][place - chunk])
            yield Found(number, places[0], places[-1], lowest)

    def _descending(self, phrase: Phrase) -> Iterator[Found[int]]:
        """All matches of a phrase in the order of choice (``match.py``), read as they are asked for.

        FTS5 is asked for those of the best grade first where it can tell; if not, all are read, the newest first.
        """
        if tokens.is_one_token(phrase) or (tokens.is_graded(phrase) and self._is_common(phrase)):
            for grade in reversed(tokens.EVERY_GRADE):
                yield from self._of_grade(phrase, grade)
            return
        rest = []
        for number, (spans,) in self._spans(phrase, newest=True):
            for one in self._confident(number, spans):
                if match.grade(one.confidence) == tokens.EVERY_GRADE[-1]:
                    yield one
                else:
                    rest.append(one)
        yield from chosen(rest, len(rest))

    def _is_common(self, phrase: Phrase) -> bool:
        """Whether it matches so often that it pays to ask for each grade."""
        many = 0
        for _, (spans,) in self._spans(phrase, newest=True):
            many += len(spans)
            if many > match.MOST_RANKED:
                return True
        return False

    def _of_grade(self, phrase: Phrase, grade: int) -> Iterator[Found[int]]:
        """The matches of a grade, those of the recordings added last first; the phrase is graded (``tokens.py``)."""
        grades = [grade] if tokens.is_one_token(phrase) else range(grade, len(tokens.EVERY_GRADE))
        for number, (spans,) in self._spans(phrase, grades=grades, newest=True):
            for one in self._confident(number, spans):
                if match.grade(one.confidence) == grade:
                    yield one

    def _spans(
        self,
        *phrases: Phrase,
        said: Sequence[Phrase] = (),
        grades: Iterable[int] = tokens.EVERY_GRADE,
        newest: bool = False,
    ) -> Iterator[tuple[int, list[list[Span]]]]:
        """Recordings in which all of the phrases match, by number, with the matches of each phrase.

        Args:
            said: phrases that match there too, and whose matches do not come.
            grades: of the tokens that match.
            newest: the greatest number first.
        """
        wanted = len(phrases)
        phrases += tuple(phrase for phrase in said if not tokens.is_adjacent(phrase))
        asked = [tokens.asked(phrase, grades) for phrase in phrases]
        alone = [tokens.asked(phrase, grades)[0] for phrase in said if tokens.is_adjacent(phrase)]
        query = " AND ".join([*(text for text, _ in asked), *alone])
        for number, *positions in self._match(query, sum(parts for _, parts in asked), newest):
            rest = iter(positions)
            spans = [
                tokens.chosen(phrase, list(islice(rest, parts)))
                for phrase, (_, parts) in zip(phrases, asked, strict=True)
            ]
            if all(spans):
                yield number, spans[:wanted]

    def _match(self, query: str, phrases: int, newest: bool) -> Iterator[tuple[Any, ...]]:
        """Recordings that an FTS5 query matches: the number, and where each of its first phrases begins."""
        columns = "".join(f", positions(text, {phrase})" for phrase in range(phrases))
        order = "DESC" if newest else "ASC"
        for number, *packed in self._connection.execute(
            f"SELECT rowid{columns} FROM text WHERE text MATCH ? ORDER BY rowid {order}", (query,)
        ):
            yield number, *(array("I", one) for one in packed)
