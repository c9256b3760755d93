"""The steps of writing and reading on a real server, and what comes between them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from audiosearch.types import Word
from indexer.elastic import index as elastic
from indexer.elastic import passages
from indexer.elastic import writer as elastic_writing
from indexer.elastic.writer import Writer
from indexer.index import open_index
from indexer.types import Phrase, Query, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Phrase((Term("hello"), Term("world")))


def killed(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.elastic
def test_what_a_killed_writer_leaves_is_not_seen_and_goes(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next that opens the index to write, when it is long ago; whoever still writes is left alone."""
    with elastic.ElasticIndex(elastic_url, create=True) as index:
        index.add(recording(1), spoken("hello world"))
        before = index.search(Query((HELLO,)), 10).hits
        for step in ("_check_written", "_sweep", "_end_note"):
            with monkeypatch.context() as patched:
                patched.setattr(Writer, step, killed)
                with pytest.raises(KeyboardInterrupt):
                    index.add(recording(2), spoken("hello world"))
                with pytest.raises(KeyboardInterrupt):
                    index.add(recording(1), spoken("hello hello world"))
            if step == "_check_written":
                assert index.search(Query((HELLO,)), 10).hits == before
                assert index.words("id001") == before[0].words
        found = index.search(Query((HELLO,)), 10).hits
        assert [hit.start for hit in found] == [0.25, 0.0]
        left = everything(index)
        assert len([one for one in left if one["kind"] == "passage"]) > 2
        elastic.ElasticIndex(elastic_url, create=True).close()
        assert everything(index) == left
        monkeypatch.setattr(elastic_writing, "WRITING_SECONDS", -1)
        elastic.ElasticIndex(elastic_url, create=True).close()
        index._server.refresh()
        assert sorted(one["kind"] for one in everything(index)) == ["passage"] * 2 + ["recording"] * 2
        assert index.search(Query((HELLO,)), 10).hits == found


@pytest.mark.elastic
@pytest.mark.parametrize("step", ["_replace", "_sweep"])
def test_a_writer_who_slept_so_long_that_others_thought_them_dead(
    step: str, elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just before the recording names what was written, or just after: it is written again."""
    with elastic.ElasticIndex(elastic_url, create=True) as index:
        go_on = getattr(index._writer, step)
        naps = ["once"]

        def sleep(*arguments: Any) -> Any:
            while naps:
                naps.pop()
                with monkeypatch.context() as patched:
                    patched.setattr(elastic_writing, "WRITING_SECONDS", -1)
                    index._server.refresh()
                    elastic.ElasticIndex(elastic_url, create=True).close()
            return go_on(*arguments)

        monkeypatch.setattr(index._writer, step, sleep)
        index.add(recording(1), spoken("hello world"))
        assert naps == []
        assert [hit.text for hit in index.search(Query((HELLO,)), 10).hits] == ["hello world"]
        assert sorted(one["kind"] for one in everything(index)) == ["passage", "recording"]


def everything(index: elastic.ElasticIndex) -> list[dict[str, Any]]:
    """All documents, seen or not."""
    found = index._server.search(size=1000)
    return [hit["_source"] for hit in found["hits"]["hits"]]


@pytest.mark.elastic
@pytest.mark.parametrize("before", ["", "hello world " * 2 * passages.STRIDE])
def test_a_recording_that_is_named_while_it_is_looked_up_is_seen_whole(
    elastic_url: str, before: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    half, go_on = threading.Event(), threading.Event()
    with (
        elastic.ElasticIndex(elastic_url, create=True) as index,
        elastic.ElasticIndex(elastic_url, create=True) as other,
    ):
        if before:
            index.add(recording(1), spoken(before))
        bulk, get = other._server.bulk, index._server.documents

        def in_halves(lines: Any) -> None:
            every = list(lines)
            bulk(every[: len(every) // 2])
            other._server.refresh()
            half.set()
            assert go_on.wait(60)
            bulk(every[len(every) // 2 :])

        def after_all(ids: Any) -> Any:
            go_on.set()
            writer.join()
            return get(ids)

        with monkeypatch.context() as patched:
            patched.setattr(other._server, "bulk", in_halves)
            patched.setattr(index._server, "documents", after_all)
            writer = threading.Thread(target=other.add, args=(recording(1), spoken("hello world " * passages.STRIDE)))
            writer.start()
            assert half.wait(60)
            hits = index.search(Query((HELLO,)), 10_000).hits
        assert len(hits) == passages.STRIDE
        assert not writer.is_alive()


@pytest.mark.elastic
def test_a_recording_that_is_replaced_twice_while_it_is_looked_up_is_seen_once(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        elastic.ElasticIndex(elastic_url, create=True) as index,
        elastic.ElasticIndex(elastic_url, create=True) as other,
    ):
        index.add(recording(1), spoken("hello world"))
        get, later = index._server.documents, ["hello world " * 3, "hello world " * 2]

        def after_another(ids: Any) -> Any:
            if later:
                other.add(recording(1), spoken(later.pop()))
            return get(ids)

        monkeypatch.setattr(other._writer, "_sweep", lambda *_: None)  # what was replaced is still there
        monkeypatch.setattr(index._server, "documents", after_another)
        assert len(index.search(Query((HELLO,)), 10).hits) == 3
        assert later == []


@pytest.mark.elastic
def test_two_that_take_one_recording_leave_one_copy(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(elastic_url, create=True) as index:

        def write(text: str) -> None:
            with open_index(elastic_url, create=True) as own:
                own.add(recording(1), spoken(text))

        writers = [threading.Thread(target=write, args=(f"hello world {who}",)) for who in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        (hit,) = index.search(Query((HELLO,)), 10).hits
        assert isinstance(index, elastic.ElasticIndex)
        assert sorted(document["kind"] for document in everything(index)) == ["passage", "recording"]
        assert index.words("id001") == hit.words + hit.after
