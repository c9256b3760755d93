"""Files of version 2: asked as they are, and upgraded by the first who writes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest

from audiosearch.types import PackedEmissions, Word
from indexer.index import open_index
from indexer.matching import match
from indexer.sqlite import upgrade as sqlite_upgrade
from indexer.types import Filter, Page, Phrase, Query, Recording, Term
from indexer.word_codec import stored

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1098208101;
PRAGMA user_version = 2;
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
CREATE VIRTUAL TABLE text USING fts5 (words, content='', contentless_delete=1, tokenize='places');
INSERT INTO text (text, rank) VALUES ('automerge', 8);
CREATE TABLE chunks (
    number      INTEGER PRIMARY KEY,
    words       BLOB NOT NULL,
    times       BLOB NOT NULL,
    confidences BLOB NOT NULL
);
CREATE TABLE vocabulary (
    word        TEXT PRIMARY KEY,
    recordings  INTEGER NOT NULL
) WITHOUT ROWID;
"""


class OldFile:
    """Writes files as version 2 did."""

    def __init__(self, path: str) -> None:
        self.connection = apsw.Connection(path)
        self.connection.register_fts5_tokenizer("places", tokenizer)

    def __enter__(self) -> OldFile:
        return self

    def __exit__(self, *about: object) -> None:
        self.connection.close()

    def make(self) -> None:
        self.connection.execute(SCHEMA)
        self.connection.pragma("journal_mode", "wal")

    def add(self, recording: Recording, words: list[Word]) -> None:
        execute = self.connection.execute
        with self.connection:
            values = recording.id, round(1000 * recording.duration), recording.model, recording.added, len(words)
            execute("INSERT INTO recordings (id, duration_ms, model, added, words) VALUES (?, ?, ?, ?, ?)", values)
            number = self.connection.last_insert_rowid()
            for one in recording.locations:
                execute("INSERT INTO locations VALUES (?, ?, ?, ?)", (number, one.path, one.size, one.modified_ns))
            marks = [chr(1 + match.grade(round(1000 * word.confidence))) for word in words]
            places = [[word.text + mark] for word, mark in zip(words, marks, strict=True)]
            for place, (one, other) in enumerate(pairwise(words)):
                places[place].append(f" {one.text} {other.text}{min(marks[place : place + 2])}")
            document = "\n".join("\t".join(tokens) for tokens in places)
            execute("INSERT INTO text (rowid, words) VALUES (?, ?)", (number, document))
            for first in range(0, len(words), 128):
                row = packed(words[first : first + 128])
                execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", ((number << 32) + first, *row))
            for text in {word.text for word in words}:
                execute(
                    "INSERT INTO vocabulary VALUES (?, 1) ON CONFLICT DO UPDATE SET recordings = recordings + 1",
                    (text,),
                )

    def remove(self, number: int) -> None:
        with self.connection:
            self.connection.execute("DELETE FROM text WHERE rowid = ?", (number,))
            self.connection.execute("DELETE FROM chunks WHERE number >> 32 = ?", (number,))
            self.connection.execute("DELETE FROM locations WHERE recording = ?", (number,))
            self.connection.execute("DELETE FROM recordings WHERE number = ?", (number,))


def tokenizer(connection: apsw.Connection, arguments: list[str]) -> Any:
    return lambda utf8, flags, locale: [tuple(place.split("\t")) for place in utf8.decode().split("\n")]


def packed(words: list[Word]) -> tuple[bytes, bytes, bytes]:
    gaps, lengths, last = [], [], 0
    for word in words:
        start, end = round(1000 * word.start), round(1000 * word.end)
        gaps.append(2 * (start - last) if start >= last else 2 * (last - start) - 1)
        lengths.append(end - start)
        last = end
    numbers = array("I", gaps + lengths).tobytes()
    planes = b"".join(numbers[significance::4] for significance in range(4))
    confidences = array("H", [round(1000 * word.confidence) for word in words]).tobytes()
    return deflate(" ".join(word.text for word in words).encode()), deflate(planes), confidences


def deflate(plain: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(plain) + compressor.flush()


@dataclass(frozen=True)
class Library:
    """A file of version 2 and what is in it."""

    path: str
    content: dict[str, tuple[Recording, tuple[Word, ...]]]


@pytest.fixture
def old(tmp_path: Path, recording: MakeRecording, babble: MakeWords) -> Library:
    path, chance = str(tmp_path / "old.db"), random.Random(5)
    content = {}
    with OldFile(path) as file:
        file.make()
        for number, length in enumerate((40, 0, 128, 1, 129, 700)):
            words = babble(chance, length, ["a", "ab", "the", "o'neil", "cat"])
            file.add(recording(number), words)
            content[f"id{number:03}"] = recording(number), stored(words)
    return Library(path, content)


def answers(path: str) -> list[Page | list[str]]:
    """To many questions."""
    asked = [("the", 0), ("the cat", 0), ("ab*", 0), ("the ab* cat", 0), ("the cat", 3), ("o'neil a ab", 0), ("a a", 0)]
    phrases = [Phrase(tuple(Term(w.rstrip("*"), w.endswith("*")) for w in text.split()), slop) for text, slop in asked]
    queries = [Query((one,)) for one in phrases]
    queries += [Query((phrases[0],), (phrases[1],), (phrases[5],), 2.0), Query(tuple(phrases), order="time")]
    queries += [Query((phrases[1],), filter=Filter(("/recordings/00[0-3]*",)))]
    with open_index(path, create=False) as index:
        return [*(index.search(query, 1000) for query in queries), index.near("o'niel", 9)]


def test_it_is_asked_as_it_is(old: Library, tmp_path: Path) -> None:
    """With the answers that a new file gives."""
    new = str(tmp_path / "new.db")
    with open_index(new, create=True) as index:
        for one, words in old.content.values():
            index.add(one, words)
    before = Path(old.path).read_bytes()
    with open_index(old.path, create=False) as index:
        assert {one.id: (one, index.words(one.id)) for one in index.recordings()} == old.content
        assert index.emissions("id000") == ()
        assert list(index.heard()) == []
        assert index.statistics().words == 998
    assert answers(old.path) == answers(new)
    assert sum(len(page.hits) for page in answers(old.path) if isinstance(page, Page)) > 500
    assert Path(old.path).read_bytes() == before


def test_the_first_who_writes_upgrades_it(old: Library, recording: MakeRecording, spoken: MakeWords) -> None:
    before = answers(old.path)
    with open_index(old.path, create=False) as reader, open_index(old.path, create=True) as index:
        assert reader.words("id004") == old.content["id004"][1]
        kept = PackedEmissions(0.0, 0.04, 3, b"abc")
        index.add(recording(7), spoken("new"), [kept])
        assert index.emissions("id007") == (kept,)
        assert reader.words("id004") == old.content["id004"][1]
        index.remove("id007")
    assert answers(old.path) == before
    with open_index(old.path, create=False) as index:
        assert {one.id: (one, index.words(one.id)) for one in index.recordings()} == old.content
    with OldFile(old.path) as file:
        tables = {name for (name,) in file.connection.execute("SELECT name FROM sqlite_schema")}
        assert file.connection.pragma("user_version") == 3
        assert not tables & {"text", "chunks", "vocabulary", "upgraded", "text_data"}
        assert file.connection.pragma("freelist_count") == 0


def test_an_upgrade_that_was_stopped_goes_on(
    old: Library, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier version changes meanwhile counts, also where a number is given again."""
    monkeypatch.setattr(sqlite_upgrade, "WORDS", 1)
    with OldFile(old.path) as file:
        for _ in range(5):  # all six, of which one is empty
            assert sqlite_upgrade._step(file.connection, 3)
        before = answers(old.path)
        file.remove(2)
        file.remove(6)
        changed = recording(9), stored(spoken("the cat sat"))
        file.add(changed[0], list(changed[1]))  # has number 6 again
        assert sqlite_upgrade._step(file.connection, 3)
        file.remove(6)
        file.add(recording(8), spoken("a cat"))
    assert answers(old.path) != before
    expected = {name: old.content[name] for name in ("id000", "id002", "id003", "id004")}
    expected["id008"] = recording(8), stored(spoken("a cat"))
    before = answers(old.path)
    with open_index(old.path, create=True) as index:
        index.remove("absent")
        assert {one.id: (one, index.words(one.id)) for one in index.recordings()} == expected
    assert answers(old.path) == before


KILLED = """
import contextlib, os, signal, sys
from indexer import sqlite_upgrade
from indexer.index import open_index

sqlite_upgrade.WORDS = 1
transaction, left = sqlite_upgrade._transaction, int(sys.argv[2])

@contextlib.contextmanager
def counted(connection):
    global left
    with transaction(connection):
        yield
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sqlite_upgrade._transaction = counted
with open_index(sys.argv[1], create=True) as index:
    index.remove("absent")
"""


def test_a_killed_upgrade_loses_nothing(old: Library) -> None:
    before = answers(old.path)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    for kill in (1, 3, 3, 2, 99):  # in the first transaction, in others, in the last
        done = subprocess.run([sys.executable, "-c", KILLED, old.path, str(kill)], env=environment, check=False)
        assert done.returncode == (0 if kill == 99 else -signal.SIGKILL)
        assert answers(old.path) == before
        with open_index(old.path, create=False) as index:
            assert {one.id: (one, index.words(one.id)) for one in index.recordings()} == old.content
