"""The cache of recordings on a real server, while recordings change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from audiosearch.types import Word
from indexer.elastic.index import ElasticIndex
from indexer.elastic.passages import STRIDE
from indexer.elastic.recording_cache import MAX_CHANGES, RecordingCache
from indexer.types import Hit, Location, Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Phrase((Term("hello"), Term("world")))


class Reader:
    """Searches an index, and counts the recordings that are read."""

    def __init__(self, url: str) -> None:
        self.index = ElasticIndex(url, create=False)
        self.reads = 0
        documents = self.index._server.documents

        def counted(ids: Any) -> list[dict[str, Any]]:
            names = list(ids)
            self.reads += sum(name.startswith("recording:") for name in names)
            return documents(names)

        self.index._server.documents = counted  # type: ignore[method-assign]

    def hits(self) -> Sequence[Hit]:
        """Hits of "hello world"."""
        return self.index.search(Query((HELLO,)), 10_000).hits

    def texts(self) -> list[str]:
        """Texts of the hits, each with the next word."""
        return sorted(" ".join(word.text for word in (*hit.words, *hit.after[:1])) for hit in self.hits())


@pytest.fixture
def writer(elastic_url: str) -> Iterator[ElasticIndex]:
    """The index, for writing."""
    with ElasticIndex(elastic_url, create=True) as index:
        yield index


@pytest.fixture
def reader(writer: ElasticIndex, elastic_url: str) -> Iterator[Reader]:
    """The index in another process, for searching."""
    reader = Reader(elastic_url)
    yield reader
    reader.index.close()


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the writer is half an hour slow: recordings appear to be written long ago."""
    monkeypatch.setattr("indexer.elastic.writer._now_ms", lambda: time.time_ns() // 1_000_000 - 1_800_000)


@pytest.mark.elastic
@pytest.mark.usefixtures("long_ago")
def test_repeated_searches_read_no_recordings(
    writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords
) -> None:
    for number in range(3):
        writer.add(recording(number), spoken("hello world"))
    first = reader.hits()
    assert (len(first), reader.reads) == (3, 3)
    for _ in range(3):
        assert reader.hits() == first
    assert reader.reads == 3
    writer.add(recording(3), spoken("hello world"))
    assert len(reader.hits()) == 4, "not cached, and written by a slow clock"
    assert reader.reads == 4


@pytest.mark.elastic
def test_changes_are_visible(writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords) -> None:
    for number in range(2):
        writer.add(recording(number), spoken("hello world again"))
    for _ in range(2):
        assert reader.texts() == ["hello world again"] * 2
    writer.add(recording(1), spoken("hello world anew"))
    assert reader.texts() == ["hello world again", "hello world anew"]
    writer.add(recording(1), spoken("nothing"))
    assert reader.texts() == ["hello world again"]
    writer.remove("id000")
    assert reader.texts() == []
    writer.add(recording(0), spoken("hello world at last"))
    assert reader.texts() == ["hello world at"]
    moved = Location("/moved.ogg", 1, 2)
    writer.relocate("id000", [moved])
    assert [hit.recording for hit in reader.hits()] == [replace(recording(0), locations=(moved,))]


@pytest.mark.elastic
@pytest.mark.usefixtures("long_ago")
def test_replacement_by_a_writer_with_a_wrong_clock_is_detected(
    writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords
) -> None:
    """The error of the clock exceeds MAX_CLOCK_SKEW_S."""
    writer.add(recording(1), spoken("hello world again"))
    for _ in range(2):
        assert reader.texts() == ["hello world again"]
    writer.add(recording(1), spoken("hello world anew"))
    assert reader.texts() == ["hello world anew"]
    assert reader.reads == 2


@pytest.mark.elastic
@pytest.mark.parametrize("step", ["_replace", "_sweep", "_end_note"])
def test_cached_recording_is_read_whole_at_every_step(
    step: str,
    writer: ElasticIndex,
    reader: Reader,
    recording: MakeRecording,
    spoken: MakeWords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = (spoken(f"hello world {text} " * 2 * STRIDE) for text in ("again", "anew"))
    writer.add(recording(1), old)
    for _ in range(2):
        assert reader.texts() == ["hello world again"] * 2 * STRIDE
    run_step, texts = getattr(writer._writer, step), []

    def read_before_and_after(*arguments: Any) -> Any:
        texts.append(reader.texts())
        result = run_step(*arguments)
        texts.append(reader.texts())
        return result

    monkeypatch.setattr(writer._writer, step, read_before_and_after)
    writer.add(recording(1), new)
    last = "anew" if step != "_replace" else "again"
    assert texts[0] == [f"hello world {last}"] * 2 * STRIDE
    assert texts[1] == ["hello world anew"] * 2 * STRIDE


@pytest.mark.elastic
def test_cache_pauses_while_many_recordings_change(
    writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords
) -> None:
    writer.add(recording(0), spoken("hello world again"))
    for _ in range(2):
        assert reader.texts() == ["hello world again"]
    for number in range(MAX_CHANGES):
        writer.add(recording(number), spoken("hello world anew"))
    for _ in range(3):
        reads = reader.reads
        assert reader.texts() == ["hello world anew"] * MAX_CHANGES
        assert reader.reads >= reads + MAX_CHANGES
    reader.index._cache.pause_s = 0
    reader.index._cache.pause()
    reader.index._cache.max_clock_skew_s = 0
    reader.hits()
    reads = reader.reads
    assert reader.texts() == ["hello world anew"] * MAX_CHANGES
    assert reader.reads == reads


@pytest.mark.elastic
@pytest.mark.usefixtures("long_ago")
def test_size_and_age_of_the_cache_are_limited(
    writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords
) -> None:
    for number in range(3):
        writer.add(recording(number), spoken("hello world"))
    reader.index._cache = RecordingCache(max_prefetched=1, max_cached=2)
    reads = []
    for _ in range(4):
        assert len(reader.hits()) == 3
        reads.append(reader.reads)
    assert reads == [3, 5, 6, 7]
    writer.relocate("id000", [Location("/moved.ogg", 1, 2)])
    reader.index._cache.max_age_s = 0
    assert "/moved.ogg" in {hit.recording.path for hit in reader.hits()}
