"""A library carried over to another store is the same library."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from audiosearch.errors import RefusedError
from audiosearch.types import PackedEmissions, Word
from indexer.index import Index, open_index
from indexer.ingest.copy import Copied, Planned, Pruned, Refused, copy
from indexer.types import Location, Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]
Babble = Callable[..., list[Word]]


def library(index: Index) -> list[tuple[Recording, tuple[Word, ...]]]:
    return [(recording, index.words(recording.id)) for recording in index.recordings()]


@pytest.mark.parametrize("back", [False, True])
def test_copy_and_back_is_lossless(
    url: str, tmp_path: Path, recording: MakeRecording, babble: Babble, back: bool
) -> None:
    """From SQLite to each kind of store, or from it to SQLite; hits are those of before, in their order."""
    chance = random.Random(3)
    stores = [str(tmp_path / "other.db"), url]
    with (
        open_index(stores[back], create=True) as source,
        open_index(stores[not back], create=True) as target,
    ):
        for number, length in enumerate((0, 1, 700, 40, 1500)):
            source.add(recording(number), babble(chance, length, ["the", "they", "o'neil"]))
        assert [type(step) for step in copy(source, target)] == [Planned, *[Copied] * 5]
        assert library(target) == library(source)
        assert list(copy(source, target)) == [Planned(5, 5)]
        for query in (Query((Phrase((Term("the"), Term("they"))),)), Query((Phrase((Term("th", prefix=True),)),))):
            assert target.search(query, 500).hits == source.search(query, 500).hits


def test_alternatives_and_emissions_are_copied(tmp_path: Path, recording: MakeRecording, babble: Babble) -> None:
    with (
        open_index(str(tmp_path / "a.db"), create=True) as source,
        open_index(str(tmp_path / "b.db"), create=True) as target,
    ):
        emissions = (PackedEmissions(0.0, 0.04, 3, b"abc"), PackedEmissions(0.12, 0.04, 0, b""))
        source.add(recording(1), babble(random.Random(1), 400, ["a", "b", "c"], alternatives=True), emissions)
        source.add(recording(2), babble(random.Random(1), 4, ["a"]))
        list(copy(source, target))
        assert library(target) == library(source)
        assert any(word.alternatives for word in target.words("id001"))
        assert (target.emissions("id001"), target.emissions("id002")) == (emissions, ())


def test_only_changed_recordings_are_copied(tmp_path: Path, recording: MakeRecording, spoken: MakeWords) -> None:
    with (
        open_index(str(tmp_path / "a.db"), create=True) as source,
        open_index(str(tmp_path / "b.db"), create=True) as target,
    ):
        for number in range(5):
            source.add(recording(number), spoken(f"words of {number}"))
        steps = copy(source, target)
        stopped = [next(steps) for _ in range(3)]
        assert len(target.recordings()) == len(stopped) - 1
        assert next(copy(source, target)) == Planned(5, 2)
        list(copy(source, target))

        source.relocate("id001", [Location("/elsewhere.ogg", 1, 1)])
        source.add(Recording("id002", recording(2).locations, 60.0, "better", "2025-01-01"), spoken("better words"))
        source.remove("id003")
        target.add(recording(9), spoken("only there"))
        planned, *done = copy(source, target)
        assert planned == Planned(4, 2)
        assert {(step.recording.id, step.words) for step in done if isinstance(step, Copied)} == {
            ("id001", 0),
            ("id002", 2),
        }
        assert len(target.recordings()) == 6
        pruned = [step.recording.id for step in copy(source, target, prune=True) if isinstance(step, Pruned)]
        assert sorted(pruned) == ["id003", "id009"]
        assert library(target) == library(source)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, ["copy", *map(str, arguments)])


def test_copy_command(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.db", tmp_path / "b.db"
    assert "there is no index" in run(first, second).stderr
    with open_index(str(first), create=True) as source:
        source.add(recording(1), spoken("hello world"))
        source.add(recording(2), spoken("three words more"))
    assert "FROM and TO are the same index" in run(first, tmp_path / "x" / ".." / "a.db").stderr
    done = run(first, second)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "2 recordings copied (5 words).\n", "")
    with open_index(str(first), create=False) as source:
        source.remove("id001")
        source.add(recording(3), spoken("new"))
    lines = [json.loads(line) for line in run(first, second, "--prune", "--json").stdout.splitlines()]
    assert [(line["event"], line.get("id")) for line in lines] == [
        ("copied", "id003"),
        ("forgotten", "id001"),
        ("finished", None),
    ]
    assert lines[-1] == {"event": "finished", "copied": 1, "same": 1, "refused": 0, "forgotten": 1, "words": 1}

    def refuse(self: object, recording: Recording, words: object, emissions: object) -> None:
        raise RefusedError(f"{recording.path}: cannot be indexed.")

    monkeypatch.setattr("indexer.sqlite.index.SqliteIndex.add", refuse)
    refused = run(first, tmp_path / "c.db")
    assert refused.exit_code == 1
    assert refused.stdout == "0 recordings copied (0 words), 2 refused.\n"
    assert refused.stderr.count("cannot be indexed.") == 2
    with open_index(str(first), create=False) as source, open_index(str(tmp_path / "c.db"), create=False) as target:
        assert [type(step) for step in copy(source, target)] == [Planned, Refused, Refused]


def test_recordings_that_another_process_removes_meanwhile(
    url: str, tmp_path: Path, recording: MakeRecording, spoken: MakeWords
) -> None:
    """One removed from the source is told; one removed from the target is copied again; the others are copied."""
    with (
        open_index(url, create=True) as source,
        open_index(str(tmp_path / "b.db"), create=True) as target,
    ):
        for number in range(3):
            source.add(recording(number), spoken(f"words of {number}"))
        target.add(recording(0), spoken("words of 0"))
        source.relocate("id000", [Location("/elsewhere.ogg", 1, 1)])
        steps = copy(source, target)
        next(steps)
        target.remove("id000")
        source.remove("id001")
        first, second, third = steps
        assert [type(step) for step in (first, second, third)] == [Copied, Refused, Copied]
        assert isinstance(second, Refused)
        assert second.sentence == "/recordings/001.ogg: was removed from the source meanwhile."
        assert library(target) == library(source)
