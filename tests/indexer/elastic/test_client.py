"""Errors, retries and timeouts of requests, with scripted servers."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

import cli
from audiosearch.errors import StoreError
from audiosearch.types import Word
from indexer.elastic import bulk, client, mapping, passages
from indexer.index import open_index
from indexer.types import Recording

if TYPE_CHECKING:
    from scripted_server import Answer, Script

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

LANDED = "written, and the connection is cut during the response"

MAPPED: Answer = 200, {"library": {"mappings": mapping.MAPPINGS}}


@pytest.mark.parametrize(
    ("product", "answer", "message"),
    [
        ("Elasticsearch", (401, {"error": {"type": "security_exception"}, "status": 401}), "refuses this user"),
        ("Elasticsearch", (403, {"error": {"type": "security_exception"}, "status": 403}), "refuses this user"),
        ("Elasticsearch", (404, {"error": {"type": "index_not_found_exception"}, "status": 404}), "there is no index"),
        ("Elasticsearch", (503, {}), "too busy or not ready"),
        ("Elasticsearch", (200, {"library": {"mappings": {}}}), "not an index of audiosearch"),
        ("", (200, {"library": {"mappings": {}}}), "not an Elasticsearch"),
        ("", (404, "<html>"), "not an Elasticsearch"),
        ("", (200, "<html>"), "not an Elasticsearch"),
    ],
)
def test_error_responses(
    script: Script, product: str, answer: Answer, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.product, script.answer = product, lambda method, path, body: answer
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_PASSWORD", "wrong")
    with pytest.raises(StoreError, match=message) as error:
        open_index(script.url.replace("//", "//ann@"), create=False)
    assert "wrong" not in str(error.value)
    assert len(script.requests) <= 1 + len(client.RETRY_SECONDS)
    assert all(method in ("GET", "HEAD") for method, _, _ in script.requests)


def test_unreachable_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(StoreError, match=f"http://127.0.0.1:{port}/library cannot be reached"):
        open_index(f"http://127.0.0.1:{port}/library", create=True)


def test_server_without_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(StoreError, match="does not answer"):
        open_index(f"http://127.0.0.1:{silent.getsockname()[1]}/library", create=True)


class Store:
    """Responses of a server to ``add``, with faults.

    Args:
        faults: responses to the next bulk requests; with status 200: statuses of the documents that are rejected.
    """

    def __init__(self, faults: list[Answer]) -> None:
        self.faults = faults
        self.documents: dict[str, Any] = {}

    def __call__(self, method: str, path: str, body: str) -> Answer:
        if path.endswith("/_mapping"):
            return MAPPED
        if path.endswith("/_bulk"):
            if self.faults and self.faults[0][0] != 200:
                status, content = self.faults.pop(0)
                if content == LANDED:
                    _, content = self.bulk([json.loads(line) for line in body.splitlines()], {})
                return status, content
            rejected = self.faults.pop(0)[1] if self.faults else {}
            return self.bulk([json.loads(line) for line in body.splitlines()], rejected)
        if path.endswith("/_count"):
            return 200, {"count": sum(name.startswith("passage:") for name in self.documents)}
        if path.endswith("/_search"):
            return 200, {"hits": {"hits": []}}
        if "/_doc/" in path or "/_create/" in path:
            name = unquote(path.rpartition("/")[2])
            if method == "PUT":
                self.documents[name] = json.loads(body)
                return 201, {"result": "created"}
            if name not in self.documents:
                return 404, {"found": False}
            if method == "DELETE":
                del self.documents[name]
                return 200, {"result": "deleted"}
            return 200, {"found": True, "_source": self.documents[name], "_seq_no": 1, "_primary_term": 1}
        return 200, {}

    def bulk(self, lines: list[Any], rejected: Any) -> Answer:
        """Response to a bulk request."""
        items: list[Any] = []
        if "delete" in lines[0]:
            for line in lines:
                self.documents.pop(line["delete"]["_id"])
            return 200, {"errors": False, "items": []}
        for number, (action, document) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
            name = action["index"]["_id"]
            if number in rejected:
                error = {"type": "a type", "reason": "a reason"}
                items.append({"index": {"_id": name, "status": rejected[number], "error": error}})
            else:
                self.documents[name] = document
                items.append({"index": {"_id": name, "status": 201}})
        return 200, {"errors": bool(rejected), "items": items}


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [(429, {}), (429, {})],
        [(503, {}), (0, ""), (502, "<html>")],
        [(200, {0: 429, 2: 429}), (200, {1: 503})],
        [(0, LANDED), (0, LANDED)],
    ],
)
def test_documents_rejected_by_a_busy_server_are_sent_again(
    script: Script, faults: list[Answer], recording: MakeRecording, spoken: MakeWords
) -> None:
    script.answer = store = Store(faults)
    with open_index(script.url, create=True) as index:
        index.add(recording(1), spoken("word " * 4 * passages.STRIDE))
    assert sorted(name.rpartition(":")[2] for name in store.documents if name.startswith("passage")) == list("0123")
    assert store.documents["recording:id001"]["words"] == 4 * passages.STRIDE
    assert len(store.documents) == 5, "the note is deleted"
    assert faults == []


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([(503, {})] * 99, "too busy or not ready"),
        ([(0, "")] * 99, "cannot be reached"),
        ([(200, {1: 429})] + [(200, {0: 429})] * 99, "too busy to take more"),
        ([(504, "<html>")] * 99, "too busy or not ready"),
        ([(200, {1: 413})], r"answers with an error \(status 413\): a reason"),
        ([(200, {1: 400})], r"001.ogg: cannot be indexed; .* refuses passage:id001:.*:1 \(a reason\)"),
        ([(429, {"error": {"type": "cluster_block_exception"}, "status": 429})] * 99, "disk is nearly full"),
    ],
)
def test_incomplete_recording_is_not_named(
    script: Script, faults: list[Answer], message: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    script.answer = store = Store(list(faults))
    with (
        open_index(script.url, create=True) as index,
        pytest.raises(StoreError, match=message),
    ):
        index.add(recording(1), spoken("word " * 2 * passages.STRIDE))
    assert "recording:id001" not in store.documents
    assert len(script.requests) < 14


def test_slow_server(
    script: Script, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow responses are accepted until the timeout."""
    store, pause = Store([]), 0.02

    def slow(method: str, path: str, body: str) -> Answer:
        time.sleep(pause)
        return store(method, path, body)

    script.answer = slow
    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.5)
    with open_index(script.url, create=True) as index:
        index.add(recording(1), spoken("hello world"))
        pause = 0.8
        with pytest.raises(StoreError, match="does not answer within"):
            index.add(recording(2), spoken("hello world"))


@pytest.mark.parametrize("answer", [None, (504, "<html>")])
def test_documents_that_take_too_long_are_sent_again_in_smaller_requests(
    script: Script,
    answer: Answer | None,
    recording: MakeRecording,
    spoken: MakeWords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server, or that behind a proxy, writes two documents in time; more are written, but not answered."""
    store = Store([])
    sizes: list[int] = []

    def slow(method: str, path: str, body: str) -> Answer:
        written = store(method, path, body)
        if path.endswith("/_bulk") and '"index"' in body:
            sizes.append(body.count('"_id"'))
            if sizes[-1] > 2:
                time.sleep(0 if answer else 0.8)
                return answer or written
        return written

    script.answer = slow
    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.5)
    with open_index(script.url, create=True) as index:
        index.add(recording(1), spoken("word " * 8 * passages.STRIDE))
        assert sizes == [8, 2, 2, 2, 2]
        assert store.documents["recording:id001"]["words"] == 8 * passages.STRIDE
        sizes.clear()
        store.documents.clear()
        index.add(recording(2), spoken("word " * 4 * passages.STRIDE))
        assert max(sizes) <= 2, "later requests are small at once"
    assert store.documents["recording:id002"]["words"] == 4 * passages.STRIDE


def test_a_server_that_stays_silent_ends_the_run(
    script: Script, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, requests = Store([]), []

    def silent(method: str, path: str, body: str) -> Answer:
        if path.endswith("/_bulk"):
            requests.append(path)
            time.sleep(0.4)
        return store(method, path, body)

    script.answer = silent
    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.2)
    with open_index(script.url, create=True) as index, pytest.raises(StoreError, match="does not answer within"):
        index.add(recording(1), spoken("word " * passages.STRIDE))
    assert len(requests) == bulk.MAX_UNANSWERED
    assert "recording:id001" not in store.documents


def test_a_single_document_is_written_after_one_timeout(
    script: Script, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recording may be named by the first attempt; it is there once."""
    store, seen = Store([]), set()

    def slow_once(method: str, path: str, body: str) -> Answer:
        answer = store(method, path, body)
        if method in ("PUT", "POST") and path not in seen and not path.endswith("/_search"):
            seen.add(path)
            time.sleep(0.8)
        return answer

    monkeypatch.setattr(client, "REQUEST_SECONDS", 0.4)
    with open_index(script.url, create=False):
        pass
    script.answer = slow_once
    with open_index(script.url, create=False) as index:
        index.add(recording(1), spoken("hello"))
    assert store.documents["recording:id001"]["words"] == 1


def failed_search(status: int, kind: str, reason: str, **outer: Any) -> Answer:
    cause = {"type": kind, "reason": reason}
    error = {"type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [cause], **outer}
    return status, {"error": error, "status": status}


@pytest.mark.parametrize(
    "answer",
    [
        failed_search(400, "too_many_nested_clauses", "Query contains too many nested clauses; maxClauseCount is 1024"),
        failed_search(500, "too_many_clauses", "maxClauseCount is set to 1024"),
        failed_search(400, "illegal_argument_exception", "Result window is too large, from + size must be at most 9"),
        failed_search(400, "query_shard_exception", "The number of terms [70000] used in the Terms Query request has"),
        failed_search(400, "x", "y", root_cause=[], caused_by={"type": "too_many_buckets_exception", "reason": "z"}),
        (413, "<html><h1>413 Request Entity Too Large</h1>"),
    ],
)
def test_a_query_beyond_the_limits_of_the_server_gets_a_sentence(script: Script, answer: Answer) -> None:
    script.answer = lambda method, path, body: answer if path.endswith("/_search") else MAPPED
    result = CliRunner().invoke(cli.main, ["query", "hello world", "--store", script.url])
    assert result.exit_code == 2
    assert result.output == (
        f"Error: the query is too large for {script.url}: give fewer or shorter texts, and fewer paths\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        failed_search(500, "null_pointer_exception", "a\x1b[2J\nreason"),
        (500, {"error": "a\x1b[2J\nreason"}),
        (500, {"error": {"reason": None, "root_cause": None}}),
        (500, {"error": None}),
        (500, []),
        (500, "<html>\n<h1>500"),
        (200, "<html>"),
        (200, []),
    ],
)
def test_no_response_reaches_the_terminal_as_it_is(script: Script, answer: Answer) -> None:
    script.answer = lambda method, path, body: answer if path.endswith("/_search") else MAPPED
    result = CliRunner().invoke(cli.main, ["query", "hello world", "--store", script.url], catch_exceptions=False)
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {script.url} ")
    assert result.output.count("\n") == 1
    assert not re.search(r"\x1b|None|Error\(|Exception|\{", result.output)
