"""What a reader on a real server remembers of recordings, while others change them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from audiosearch.types import Word
from indexer.elastic import recording_cache
from indexer.elastic import writer as elastic_writing
from indexer.elastic.index import ElasticIndex
from indexer.elastic.passages import STRIDE
from indexer.types import Hit, Location, Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Phrase((Term("hello"), Term("world")))


class Reader:
    """Searches, and counts the recordings that it has to ask for."""

    def __init__(self, url: str) -> None:
        self.index = ElasticIndex(url, create=False)
        self.asked = 0
        documents = self.index._server.documents

        def counted(ids: Any) -> list[dict[str, Any]]:
            named = list(ids)
            self.asked += sum(one.startswith("recording:") for one in named)
            return documents(named)

        self.index._server.documents = counted  # type: ignore[method-assign]

    def hits(self) -> Sequence[Hit]:
        """Where "hello world" is said."""
        return self.index.search(Query((HELLO,)), 10_000).hits

    def texts(self) -> list[str]:
        """The same, with the word after it."""
        return sorted(" ".join(word.text for word in (*hit.words, *hit.after[:1])) for hit in self.hits())


@pytest.fixture
def writer(elastic_url: str) -> Iterator[ElasticIndex]:
    """An index to write to."""
    with ElasticIndex(elastic_url, create=True) as index:
        yield index


@pytest.fixture
def reader(writer: ElasticIndex, elastic_url: str) -> Iterator[Reader]:
    """Another, to search."""
    reader = Reader(elastic_url)
    yield reader
    reader.index.close()


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the writer is half an hour late, as if all was written then."""
    monkeypatch.setattr(elastic_writing, "_now_ms", lambda: time.time_ns() // 1_000_000 - 1_800_000)


@pytest.mark.elastic
@pytest.mark.usefixtures("long_ago")
def test_who_searches_again_asks_for_no_recordings(
    writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords
) -> None:
    for number in range(3):
        writer.add(recording(number), spoken("hello world"))
    first = reader.hits()
    assert (len(first), reader.asked) == (3, 3)
    for _ in range(3):
        assert reader.hits() == first
    assert reader.asked == 3
    writer.add(recording(3), spoken("hello world"))
    assert len(reader.hits()) == 4, "one that is not remembered, and whose writer's clock is wrong"
    assert reader.asked == 4


@pytest.mark.elastic
def test_changes_are_seen(writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords) -> None:
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
def test_a_replacement_that_was_not_told_is_found_out(
    writer: ElasticIndex, reader: Reader, recording: MakeRecording, spoken: MakeWords
) -> None:
    """The writer's clock is wrong by more than readers look back."""
    writer.add(recording(1), spoken("hello world again"))
    for _ in range(2):
        assert reader.texts() == ["hello world again"]
    writer.add(recording(1), spoken("hello world anew"))
    assert reader.texts() == ["hello world anew"]
    assert reader.asked == 2


@pytest.mark.elastic
@pytest.mark.parametrize("step", ["_replace", "_sweep", "_end_note"])
def test_one_who_remembers_sees_a_recording_whole_at_every_step(
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
    go_on, seen = getattr(writer._writer, step), []

    def look(*arguments: Any) -> Any:
        seen.append(reader.texts())
        result = go_on(*arguments)
        seen.append(reader.texts())
        return result

    monkeypatch.setattr(writer._writer, step, look)
    writer.add(recording(1), new)
    after = "anew" if step != "_replace" else "again"
    assert seen[0] == [f"hello world {after}"] * 2 * STRIDE
    assert seen[1] == ["hello world anew"] * 2 * STRIDE


@pytest.mark.elastic
def test_while_much_changes_nothing_is_remembered(
    writer: ElasticIndex,
    reader: Reader,
    recording: MakeRecording,
    spoken: MakeWords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer.add(recording(0), spoken("hello world again"))
    for _ in range(2):
        assert reader.texts() == ["hello world again"]
    for number in range(recording_cache.MAX_CHANGES):
        writer.add(recording(number), spoken("hello world anew"))
    for _ in range(3):
        asked = reader.asked
        assert reader.texts() == ["hello world anew"] * recording_cache.MAX_CHANGES
        assert reader.asked >= asked + recording_cache.MAX_CHANGES
    monkeypatch.setattr(recording_cache, "PAUSE_SECONDS", 0)
    reader.index._cache.pause()
    monkeypatch.setattr(recording_cache, "MAX_CLOCK_SKEW_S", 0)
    reader.hits()
    asked = reader.asked
    assert reader.texts() == ["hello world anew"] * recording_cache.MAX_CHANGES
    assert reader.asked == asked


@pytest.mark.elastic
@pytest.mark.usefixtures("long_ago")
def test_nothing_is_remembered_for_ever_or_without_end(
    writer: ElasticIndex,
    reader: Reader,
    recording: MakeRecording,
    spoken: MakeWords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        writer.add(recording(number), spoken("hello world"))
    monkeypatch.setattr(recording_cache, "MAX_PREFETCHED", 1)
    monkeypatch.setattr(recording_cache, "MAX_CACHED", 2)
    asked = []
    for _ in range(4):
        assert len(reader.hits()) == 3
        asked.append(reader.asked)
    assert asked == [3, 5, 6, 7]
    writer.relocate("id000", [Location("/moved.ogg", 1, 2)])
    monkeypatch.setattr(recording_cache, "MAX_AGE_SECONDS", 0)
    assert "/moved.ogg" in {hit.recording.path for hit in reader.hits()}
