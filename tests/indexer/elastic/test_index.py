"""Writing and reading on a real server, interrupted and concurrent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from audiosearch.types import Word
from indexer.elastic import bulk, passages
from indexer.elastic.client import Server
from indexer.elastic.index import ElasticIndex
from indexer.elastic.writer import Writer
from indexer.index import open_index
from indexer.types import Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Phrase((Term("hello"), Term("world")))


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.elastic
def test_orphans_of_a_killed_writer_are_invisible_and_swept(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are swept by the next writer after WRITING_SECONDS, and not before."""
    with ElasticIndex(elastic_url, create=True) as index:
        index.add(recording(1), spoken("hello world"))
        before = index.search(Query((HELLO,)), 10).hits
        for step in ("_check_written", "_sweep", "_end_note"):
            with monkeypatch.context() as patched:
                patched.setattr(Writer, step, interrupt)
                with pytest.raises(KeyboardInterrupt):
                    index.add(recording(2), spoken("hello world"))
                with pytest.raises(KeyboardInterrupt):
                    index.add(recording(1), spoken("hello hello world"))
            if step == "_check_written":
                assert index.search(Query((HELLO,)), 10).hits == before
                assert index.words("id001") == before[0].words
        hits = index.search(Query((HELLO,)), 10).hits
        assert [hit.start for hit in hits] == [0.25, 0.0]
        documents = all_documents(index)
        assert [document["kind"] for document in documents].count("passage") > 2
        ElasticIndex(elastic_url, create=True).close()
        assert all_documents(index) == documents
        sweep_now(elastic_url)
        index._server.refresh()
        assert kinds(index) == ["passage"] * 2 + ["recording"] * 2
        assert index.search(Query((HELLO,)), 10).hits == hits


@pytest.mark.elastic
@pytest.mark.parametrize("step", ["_replace", "_sweep"])
def test_suspended_writer_whose_note_was_taken_writes_again(
    step: str, elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Suspended before its recording names the generation, or after."""
    with ElasticIndex(elastic_url, create=True) as index:
        run_step = getattr(index._writer, step)
        sweeps: list[str] = []

        def sweep_first(*arguments: Any) -> Any:
            if not sweeps:
                sweeps.append(step)
                index._server.refresh()
                sweep_now(elastic_url)
            return run_step(*arguments)

        monkeypatch.setattr(index._writer, step, sweep_first)
        index.add(recording(1), spoken("hello world"))
        assert sweeps == [step]
        assert [hit.text for hit in index.search(Query((HELLO,)), 10).hits] == ["hello world"]
        assert kinds(index) == ["passage", "recording"]


def sweep_now(url: str) -> None:
    """Sweep as if every writer stopped long ago."""
    with ElasticIndex(url, create=True) as index:
        index._writer.sweep(min_age_s=-1)


def all_documents(index: ElasticIndex) -> list[dict[str, Any]]:
    """All documents of the index, visible to readers or not."""
    response = index._server.search(size=1000)
    return [hit["_source"] for hit in response["hits"]["hits"]]


def kinds(index: ElasticIndex) -> list[str]:
    """Kinds of all documents, sorted."""
    return sorted(document["kind"] for document in all_documents(index))


@pytest.mark.elastic
@pytest.mark.parametrize("before", ["", "hello world " * 2 * passages.STRIDE])
def test_recording_named_during_a_search_is_read_whole(
    elastic_url: str, before: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_written, resume = threading.Event(), threading.Event()
    with (
        ElasticIndex(elastic_url, create=True) as index,
        ElasticIndex(elastic_url, create=True) as second,
    ):
        if before:
            index.add(recording(1), spoken(before))
        write, get = bulk.write, index._server.documents

        def in_halves(server: Server, lines: Any) -> None:
            all_lines = list(lines)
            write(server, all_lines[: len(all_lines) // 2])
            second._server.refresh()
            half_written.set()
            assert resume.wait(60)
            write(server, all_lines[len(all_lines) // 2 :])

        def after_writing(ids: Any) -> Any:
            resume.set()
            writer.join()
            return get(ids)

        with monkeypatch.context() as patched:
            patched.setattr(bulk, "write", in_halves)
            patched.setattr(index._server, "documents", after_writing)
            writer = threading.Thread(target=second.add, args=(recording(1), spoken("hello world " * passages.STRIDE)))
            writer.start()
            assert half_written.wait(60)
            hits = index.search(Query((HELLO,)), 10_000).hits
        assert len(hits) == passages.STRIDE
        assert not writer.is_alive()


@pytest.mark.elastic
def test_recording_replaced_twice_during_a_search_is_read_once(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        ElasticIndex(elastic_url, create=True) as index,
        ElasticIndex(elastic_url, create=True) as second,
    ):
        index.add(recording(1), spoken("hello world"))
        get, texts = index._server.documents, ["hello world " * 3, "hello world " * 2]

        def after_replacing(ids: Any) -> Any:
            if texts:
                second.add(recording(1), spoken(texts.pop()))
            return get(ids)

        monkeypatch.setattr(second._writer, "_sweep", lambda *_: None)  # replaced generations stay
        monkeypatch.setattr(index._server, "documents", after_replacing)
        assert len(index.search(Query((HELLO,)), 10).hits) == 3
        assert texts == []


@pytest.mark.elastic
def test_concurrent_writers_of_a_recording_leave_one_copy(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(elastic_url, create=True) as index:

        def write(text: str) -> None:
            with open_index(elastic_url, create=True) as writing:
                writing.add(recording(1), spoken(text))

        writers = [threading.Thread(target=write, args=(f"hello world {number}",)) for number in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        (hit,) = index.search(Query((HELLO,)), 10).hits
        assert isinstance(index, ElasticIndex)
        assert kinds(index) == ["passage", "recording"]
        assert index.words("id001") == hit.words + hit.after
