"""Corrections in files that other versions of the program read and write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from audiosearch.types import Word
from indexer.index import open_index
from indexer.sqlite.corrections import CorrectionStore
from indexer.types import Phrase, Query, Recording

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]


def test_the_table_is_made_with_the_first_correction(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords
) -> None:
    """Until then the file is as older versions make it, and its version stays the same."""
    path = tmp_path / "library.db"
    select = "SELECT count(*) FROM sqlite_master WHERE name = 'corrections'"
    with open_index(str(path), create=True) as index:
        index.add(recording(1), spoken("the quick brow fox"))
        assert apsw.Connection(str(path)).execute(select).get == 0
        index.revise("id001", lambda words: words.corrected(2, ["brow"], "brown"))
    connection = apsw.Connection(str(path))
    assert connection.execute(select).get == 1
    assert connection.pragma("user_version") == 3
    connection.close()


def test_a_version_that_does_not_know_corrections_loses_none(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "library.db")
    with open_index(path, create=True) as index:
        index.add(recording(1), spoken("the quick brow fox"))
        index.revise("id001", lambda words: words.corrected(2, ["brow"], "brown"))
    with monkeypatch.context() as patched:
        patched.setattr(CorrectionStore, "_exists", False)
        with open_index(path, create=True) as index:
            assert [word.text for word in index.words("id001")] == ["the", "quick", "brown", "fox"]
            index.add(replace(recording(1), added="2025-01-01"), spoken("the quick crow fox"))
    with open_index(path, create=True) as index:
        assert [word.text for word in index.words("id001")] == ["the", "quick", "crow", "fox"]
        kept = index.corrected_words("id001")
        assert [(each.first, each.text) for each in kept.corrections] == [(None, "brown")]
        index.add(replace(recording(1), added="2025-01-02"), spoken("the quick crow fox"))
        assert [word.text for word in index.words("id001")] == ["the", "quick", "brown", "fox"]


def test_a_word_that_becomes_common_by_a_correction(
    tmp_path: Path, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recordings that were added before are still found by it."""
    monkeypatch.setattr("indexer.sqlite.lexicon.MIN_COMMON", 12)
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        for number in range(1, 6):
            index.add(recording(number), spoken("say it and say it again"))
        index.revise("id001", lambda words: words.corrected(2, ["and"], "say it so say it"))
        index.add(recording(6), spoken("say it and say it again"))
        transcripts = [[word.text for word in index.words(each.id)] for each in index.recordings()]
        pairs = [pair for words in transcripts for pair in pairwise(words)]
        for first, second in (("say", "it"), ("it", "and"), ("it", "again"), ("so", "say")):
            hits = index.search(Query((Phrase.of(f"{first} {second}"),)), 100).hits
            assert len(hits) == pairs.count((first, second)), (first, second)
