"""SQLite files: damage, permissions, versions, kills and concurrent writers."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import pytest

from audiosearch.errors import StoreError, StoreVersionError
from audiosearch.types import Word
from indexer import word_codec
from indexer.index import open_index
from indexer.matching import match
from indexer.matching.ranking import best_first
from indexer.matching.spelling import distance, max_edits
from indexer.sqlite.index import SqliteIndex
from indexer.sqlite.word_blocks import WordBlock, WordBlocks
from indexer.types import Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Phrase((Term("hello"), Term("world")))


@pytest.fixture
def path(tmp_path: Path, recording: MakeRecording, spoken: MakeWords) -> str:
    """An index with one recording."""
    path = str(tmp_path / "library.db")
    with open_index(path, create=True) as index:
        index.add(recording(1), spoken("hello world"))
    return path


def files_beside(path: Path) -> dict[str, bytes]:
    """Contents of all files in the folder of a path."""
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("kind", ["text", "empty", "database", "newer", "wal", "folder"])
def test_foreign_files_are_refused_and_unchanged(tmp_path: Path, path: str, kind: str, create: bool) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    file = folder / "thing.db"
    expected: type[StoreError] = StoreError
    if kind == "text":
        file.write_text("Dear diary, " * 1000)
    elif kind == "empty":
        file.touch()
    elif kind == "folder":
        file.mkdir()
    elif kind == "newer":
        expected = StoreVersionError
        file.write_bytes(Path(path).read_bytes())
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA user_version = 99")
    else:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = " + ("WAL" if kind == "wal" else "DELETE"))
            connection.execute("CREATE TABLE recordings (id)")
    before = files_beside(file)
    with pytest.raises(expected, match=r"thing\.db") as error:
        open_index(str(file), create=create)
    assert type(error.value) is expected
    assert files_beside(file) == before


def test_damaged_index_is_reported_in_a_sentence(path: str) -> None:
    content = bytearray(Path(path).read_bytes())
    content[4096:] = random.Random(0).randbytes(len(content) - 4096)
    Path(path).write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), open_index(path, create=False) as index:
        index.search(Query((HELLO,)), 10)


def test_opening_a_missing_index_creates_no_files(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="audiosearch index"):
        open_index(str(tmp_path / "absent" / "library.db"), create=False)
    assert list(tmp_path.iterdir()) == []
    open_index(str(tmp_path / "absent" / "library.db"), create=True).close()
    assert [file.name for file in (tmp_path / "absent").iterdir()] == ["library.db"]


def test_path_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"library\.db"):
        open_index(str(tmp_path / "file" / "library.db"), create=True)


@pytest.fixture
def guarded(path: str, unprivileged: Callable[[], Path]) -> Iterator[str]:
    """A read-only index in a read-only folder."""
    content = Path(path).read_bytes()
    folder = unprivileged() / "guarded"
    folder.mkdir()
    file = folder / "library.db"
    file.write_bytes(content)
    file.chmod(0o444)
    folder.chmod(0o555)
    yield str(file)
    folder.chmod(0o755)


def test_read_only_file(guarded: str) -> None:
    Path(guarded).parent.chmod(0o755)
    with pytest.raises(StoreError, match="permissions"):
        open_index(guarded, create=True)
    with open_index(guarded, create=False) as index:
        assert len(index.search(Query((HELLO,)), 10).hits) == 1


def test_read_only_file_in_a_read_only_folder(guarded: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(guarded, create=False) as index:
        assert [hit.text for hit in index.search(Query((HELLO,)), 10).hits] == ["hello world"]
        assert index.similar_words("wolrd", 5) == []
        with pytest.raises(StoreError, match="permissions"):
            index.add(recording(2), spoken("more"))
        with pytest.raises(StoreError, match="permissions"):
            index.remove("id001")
    assert list(Path(guarded).parent.iterdir()) == [Path(guarded)]
    for name in ("library.db", "new.db"):
        with pytest.raises(StoreError, match=f"{name} cannot be opened or written: check its permissions"):
            open_index(str(Path(guarded).with_name(name)), create=True)


def test_index_of_an_early_version_is_refused(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    for create in (False, True):
        with pytest.raises(StoreVersionError, match=r"was written by an early version .* index again"):
            open_index(path, create=create)


def test_tokens_of_grades_and_pairs_match_only_their_words(tmp_path: Path, recording: MakeRecording) -> None:
    """FTS5 finds words of all grades, whole or by their beginning, and confuses no tokens."""
    texts = ["a", "at", "ate", "the", "then", "the", "cat", "at", "the", "cats", "a"]
    words = [Word(text, position, position + 0.5, position % 7 / 6) for position, text in enumerate(texts)]
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        index.add(recording(1), words)
        for text, starts in {
            "a": [0, 10],
            "at": [1, 7],
            "at*": [1, 2, 7],
            "the": [3, 5, 8],
            "the*": [3, 4, 5, 8],
            "cat*": [6, 9],
            "the cat": [5],
            "the cat*": [5, 8],
            "then the cat at the cats": [4],
            "the cat at the ca*": [5],
            "at* the": [2, 7],
            "the at": [],
            "cats at*": [],
            "ca a": [],
            "thecat": [],
        }.items():
            terms = tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split())
            hits = index.search(Query((Phrase(terms),)), 100).hits
            assert sorted(hit.start for hit in hits) == starts, text
        near = Phrase((Term("the"), Term("at")), 1)
        assert [hit.text for hit in index.search(Query((near,)), 100).hits] == ["the cat at"]


@pytest.mark.parametrize("common", [1, 1500, 10**6])
def test_matches_of_the_best_grade_are_read_first_and_few_others(
    common: int,
    tmp_path: Path,
    recording: MakeRecording,
    babble: Callable[..., list[Word]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Matches come in the order of blocks; if tokens carry grades, later matches are not read."""
    chance = random.Random(3)
    monkeypatch.setattr("indexer.sqlite.lexicon.MIN_COMMON", common)
    monkeypatch.setattr("indexer.sqlite.phrases.BATCH", 20)
    vocabulary = ["a", "ab", "b", "c"]
    library = {number: word_codec.stored(babble(chance, 200, vocabulary, alternatives=True)) for number in range(1, 41)}
    read: set[int] = set()
    at = WordBlocks.at

    def counted(self: WordBlocks, numbers: Collection[int]) -> dict[int, WordBlock]:
        read.update(number >> 32 for number in numbers)
        return at(self, numbers)

    with SqliteIndex(str(tmp_path / "library.db"), create=True) as index:
        for number, words in library.items():
            index.add(recording(number), words)
        monkeypatch.setattr(WordBlocks, "at", counted)
        for most in (0, 50, 10_000):
            monkeypatch.setattr(match, "MAX_RANKED", most)
            for text, slop in (("a", 0), ("a b", 0), ("b a c", 0), ("b b", 0), ("ab*", 0), ("c ab*", 0), ("a c", 2)):
                phrase = Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)
                matches = [
                    match.Match(number, span[0], span[-1], match.confidence(words, phrase, span))
                    for number, words in library.items()
                    for span in match.find(words, phrase)
                ]
                assert list(index._matcher.iter_best_first(phrase)) == best_first(matches, len(matches)), text
                read.clear()
                if text in ("a", "a b") and most < len(matches) and common == 1:
                    assert list(islice(index._matcher.iter_best_first(phrase), 5)) == best_first(matches, 5)
                    assert len(read) < len(library) / 2


def test_write_ahead_log_stays_small(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log grows while a reader's transaction is open, and shrinks after it."""
    monkeypatch.setattr("indexer.sqlite.file.MAX_LOG_BYTES", 50_000)
    monkeypatch.setattr("indexer.sqlite.file.LOG_SECONDS", 0)
    path = tmp_path / "library.db"
    log = tmp_path / "library.db-wal"
    with SqliteIndex(str(path), create=True) as index, SqliteIndex(str(path), create=False) as reader:
        index._connection.pragma("wal_autocheckpoint", 0)
        index.add(recording(0), spoken("hello world " * 2000))
        assert log.stat().st_size == 0
        with reader._file.transaction("DEFERRED"):
            assert reader._connection.execute("SELECT count(*) FROM recordings").get == 1  # from now on it reads
            for number in range(1, 5):
                index.add(recording(number), spoken("hello world " * 2000))
        assert log.stat().st_size > 200_000
        index.add(recording(5), spoken("hello world"))
        assert log.stat().st_size == 0
        assert len(reader.recordings()) == 6


WRITER = """
import sys
from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import Location, Recording

path, first, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open_index(path, create=True) as index:
    for number in range(first, end):
        words = [Word(f"w{number}", at / 10, at / 10 + 0.1, 0.5) for at in range(2000)]
        index.add(Recording(f"id{number}", (Location(f"/{number}", 1, 1),), 200.0, "m", "now"), words)
        print(number, flush=True)
"""


def writer(path: str, first: int, end: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, path, str(first), str(end)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)


def complete_recordings(path: str) -> set[int]:
    """Numbers of the recordings, after checking that each is complete in every table."""
    with open_index(path, create=False) as index:
        numbers = {int(recording.id[2:]) for recording in index.recordings()}
        for number in numbers:
            assert len(index.words(f"id{number}")) == 2000
            assert len(index.search(Query((Phrase((Term(f"w{number}"),)),)), 5000).hits) == 2000
        assert index.statistics().words == 2000 * len(numbers)
        return numbers


def test_stored_recordings_survive_a_kill(tmp_path: Path) -> None:
    path = str(tmp_path / "library.db")
    start = 0
    for stored in (1, 3):
        with writer(path, start, 10_000) as process:
            assert process.stdout is not None
            reported = [int(process.stdout.readline()) for _ in range(stored)]
            process.send_signal(signal.SIGKILL)
            reported += [int(line) for line in process.stdout]
        numbers = complete_recordings(path)
        assert set(reported) <= numbers
        assert numbers <= set(range(reported[-1] + 2))  # the last may be stored but not reported
        start = max(numbers) + 1


def test_two_writers_and_a_reader(tmp_path: Path) -> None:
    path = str(tmp_path / "library.db")
    with writer(path, 0, 6) as first, writer(path, 6, 12) as second:
        assert first.stdout is not None
        first.stdout.readline()
        with open_index(path, create=False) as index:
            while first.poll() is None or second.poll() is None:
                for recording in index.recordings():
                    assert len(index.words(recording.id)) == 2000
    assert (first.returncode, second.returncode) == (0, 0)
    assert complete_recordings(path) == set(range(12))


def test_removed_words_free_their_space(tmp_path: Path, recording: MakeRecording, spoken: MakeWords) -> None:
    path = tmp_path / "library.db"
    chance = random.Random(0)
    vocabulary = ["".join(chance.choices("abcdefgh", k=6)) for _ in range(2000)]

    def words() -> list[Word]:
        return spoken(" ".join(chance.choices(vocabulary, k=5000)))

    with open_index(str(path), create=True) as index:
        empty = index.statistics().bytes
        for number in range(4):
            index.add(recording(number), words())
        once = index.statistics().bytes
        for _ in range(5):
            for number in range(4):
                index.add(recording(number), words())
        assert index.statistics().bytes < 2.5 * once
        for number in range(4):
            index.remove(recording(number).id)
        assert index.statistics().bytes < empty + 40_000
    assert path.stat().st_size < empty + 40_000
    assert [file.name for file in tmp_path.iterdir()] == ["library.db"]


def test_similar_words_are_all_those_at_a_small_distance(tmp_path: Path, recording: MakeRecording) -> None:
    """The filter in SQL skips no similar word."""
    chance = random.Random(5)
    words = sorted({"".join(chance.choices("abc", k=chance.randint(1, 8))) for _ in range(1500)})
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        index.add(recording(1), [Word(word, 0.0, 1.0, 1.0) for word in words])
        for word in [*chance.sample(words, 30), "zzz", "abcabcabcabc", "xaxbxc", ""]:
            expected = {
                candidate for candidate in words if candidate != word and distance(word, candidate) <= max_edits(word)
            }
            assert set(index.similar_words(word, 10_000)) == expected


def test_distance_is_levenshtein() -> None:
    def levenshtein(word: str, target: str) -> int:
        row = list(range(len(target) + 1))
        for position, letter in enumerate(word):
            last, row[0] = row[0], position + 1
            for column, letter_ in enumerate(target):
                last, row[column + 1] = (
                    row[column + 1],
                    min(last + (letter != letter_), row[column] + 1, row[column + 1] + 1),
                )
        return row[-1]

    chance = random.Random(2)
    for _ in range(2000):
        word, target = ("".join(chance.choices("ab c'", k=chance.randint(0, 9))) for _ in range(2))
        assert distance(word, target) == levenshtein(word, target)


def test_opening_an_index_imports_no_large_library() -> None:
    code = """
import sys
import indexer.index, indexer.search.parse, indexer.sqlite.index
indexer.search.parse.parse(["human things"])
print(*({"torch", "numpy", "pydantic", "elasticsearch", "num2words", "asyncio"} & set(sys.modules)))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == []


def test_segments_are_merged_on_close_after_writing(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords
) -> None:
    path = str(tmp_path / "other.db")
    with SqliteIndex(path, create=True) as index:
        for number in range(20):
            index.add(recording(number), spoken(f"hello world w{number}"))
        assert segments(index) > 1
    with SqliteIndex(path, create=False) as index:
        assert segments(index) == 1
        assert len(index.search(Query((HELLO,)), 30).hits) == 20


def test_segments_are_not_merged_after_an_interrupt(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords
) -> None:
    path = str(tmp_path / "other.db")
    before = 0
    with suppress(KeyboardInterrupt), SqliteIndex(path, create=True) as index:
        for number in range(20):
            index.add(recording(number), spoken(f"w{number}"))
        before = segments(index)
        raise KeyboardInterrupt
    with SqliteIndex(path, create=False) as index:
        assert segments(index) == before > 1


def segments(index: SqliteIndex) -> int:
    """Number of FTS5 segments."""
    number = index._connection.execute("SELECT count(DISTINCT segid) FROM tokens_idx").get
    assert isinstance(number, int)
    return number
