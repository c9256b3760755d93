"""What only a server can suffer: a scripted one for faults, the real one for the rest."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from audiosearch.errors import StoreError, StoreVersionError
from audiosearch.types import Word
from indexer import documents, elastic, passages
from indexer.index import open_index
from indexer.types import Phrase, Recording, Term

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Phrase((Term("hello"), Term("world")))

Answer = tuple[int, object]
MAPPED: Answer = 200, {"library": {"mappings": documents.MAPPINGS}}


class Script:
    """A server on loopback that answers as a test says.

    Args:
        answer: of a method, path and body; may be replaced at any time.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str, str, str], Answer] = lambda method, path, body: MAPPED
        self.product = "Elasticsearch"
        self.requests: list[tuple[str, str, str]] = []
        self.headers: list[dict[str, str]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                path = self.path.partition("?")[0]
                script.requests.append((self.command, path, body))
                script.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, content = script.answer(self.command, path, body)
                if status == 0:  # the connection is cut
                    self.close_connection = True
                    return
                text = content if isinstance(content, str) else json.dumps(content)
                self.send_response(status)
                self.send_header("content-type", "text/html" if isinstance(content, str) else "application/json")
                if script.product:
                    self.send_header("X-Elastic-Product", script.product)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _respond

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/library"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A scripted server, of which nobody waits long for an answer."""
    monkeypatch.setattr(elastic, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    script = Script()
    thread = threading.Thread(target=script.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    script.server.shutdown()
    script.server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9200",
        "http://localhost:9200/",
        "http://localhost:9200/Library",
        "http://localhost:9200/_all",
        "http://localhost:9200/a,b",
        "http://localhost:9200/a*",
        "http://localhost:9200/a?b=c",
        "http://localhost:port/a",
        "http:///a",
    ],
)
def test_urls_that_name_no_index(url: str) -> None:
    with pytest.raises(StoreError, match="URL"):
        open_index(url, create=True)


def test_who_one_is(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def authorization(url: str = script.url) -> str | None:
        open_index(url, create=False).close()
        return script.headers[-1].get("authorization")

    assert authorization() is None
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_USER", "ann")
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_PASSWORD", "secret")
    assert authorization() == "Basic YW5uOnNlY3JldA=="
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_API_KEY", "a2V5")
    assert authorization() == "ApiKey a2V5"
    assert authorization(script.url.replace("//", "//b%3Ab:p%40ss@")) == "Basic YjpiOnBAc3M="


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
def test_servers_that_do_not_serve(script: Script, product: str, answer: Answer, message: str) -> None:
    script.product, script.answer = product, lambda method, path, body: answer
    with pytest.raises(StoreError, match=message) as error:
        open_index(script.url.replace("//", "//ann:secret@"), create=False)
    assert "secret" not in str(error.value)
    assert len(script.requests) <= 1 + len(elastic.RETRY_SECONDS)
    assert all(method in ("GET", "HEAD") for method, _, _ in script.requests)


def test_a_newer_mapping_is_refused(script: Script) -> None:
    newer = {**documents.MAPPINGS, "_meta": {"application": "audiosearch", "version": 99}}
    script.answer = lambda method, path, body: (200, {"library": {"mappings": newer}})
    with pytest.raises(StoreVersionError, match="newer version of audiosearch"):
        open_index(script.url, create=True)


def test_an_absent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StoreError, match=f"http://127.0.0.1:{port}/library cannot be reached"):
        open_index(f"http://127.0.0.1:{port}/library", create=True)


def test_a_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elastic, "REQUEST_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(StoreError, match="does not answer"):
        open_index(f"http://127.0.0.1:{silent.getsockname()[1]}/library", create=True)


class Store:
    """The few answers of a server to one ``add``, with faults as they are asked for."""

    def __init__(self, faults: list[Answer]) -> None:
        self.faults = faults
        self.documents: dict[str, Any] = {}

    def __call__(self, method: str, path: str, body: str) -> Answer:
        if path.endswith("/_mapping"):
            return MAPPED
        if path.endswith("/_bulk"):
            if self.faults and self.faults[0][0] != 200:
                return self.faults.pop(0)
            busy = self.faults.pop(0)[1] if self.faults else []
            return self.bulk([json.loads(line) for line in body.splitlines()], busy)
        if path.endswith("/_count"):
            return 200, {"count": sum(name.startswith("passage:") for name in self.documents)}
        if path.endswith("/_search"):
            return 200, {"hits": {"hits": []}}
        if "/_doc/" in path or "/_create/" in path:
            if method == "GET":
                return 404, {"found": False}
            self.documents[path] = json.loads(body)
            return 201, {"result": "created"}
        return 200, {}

    def bulk(self, lines: list[Any], busy: Any) -> Answer:
        items: list[Any] = []
        for place in range(0, len(lines), 2):
            name = lines[place]["index"]["_id"]
            if place // 2 in busy:
                items.append({"index": {"_id": name, "status": busy[place // 2], "error": {"reason": "a reason"}}})
            else:
                assert name not in self.documents
                self.documents[name] = lines[place + 1]
                items.append({"index": {"_id": name, "status": 201}})
        return 200, {"errors": bool(busy), "items": items}


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [(429, {}), (429, {})],
        [(503, {}), (0, ""), (502, "<html>")],
        [(200, {0: 429, 2: 429}), (200, {1: 503})],
    ],
)
def test_what_a_busy_server_puts_off_is_sent_again(
    script: Script, faults: list[Answer], recording: MakeRecording, spoken: MakeWords
) -> None:
    script.answer = store = Store(faults)
    with open_index(script.url, create=True) as index:
        index.add(recording(1), spoken("word " * 4 * passages.STRIDE))
    assert sorted(name.rpartition(":")[2] for name in store.documents if name.startswith("passage")) == list("0123")
    (document,) = (value for name, value in store.documents.items() if "recording:" in name or "recording%3A" in name)
    assert document["words"] == 4 * passages.STRIDE
    assert faults == []


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([(503, {})] * 99, "too busy or not ready"),
        ([(0, "")] * 99, "cannot be reached"),
        ([(200, {1: 429})] + [(200, {0: 429})] * 99, "too busy to take more"),
        ([(200, {1: 400})], "refuses passage:id001:.*:1: a reason"),
        ([(429, {"error": {"type": "cluster_block_exception"}, "status": 429})] * 99, "disk is nearly full"),
    ],
)
def test_a_recording_that_is_not_written_whole_is_not_named(
    script: Script, faults: list[Answer], message: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    script.answer = store = Store(list(faults))
    with (
        open_index(script.url, create=True) as index,
        pytest.raises(StoreError, match=message),
    ):
        index.add(recording(1), spoken("word " * 2 * passages.STRIDE))
    assert not any("_doc" in name or "_create" in name for name in store.documents)
    assert len(script.requests) < 10


@pytest.mark.elastic
def test_what_a_killed_writer_leaves_is_not_seen_and_goes(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with open_index(elastic_url, create=True) as index:
        index.add(recording(1), spoken("hello world"))
        before = index.search([HELLO], 10)
        for step in ("_check_written", "_sweep"):
            with monkeypatch.context() as patched:
                patched.setattr(elastic.ElasticIndex, step, killed)
                with pytest.raises(KeyboardInterrupt):
                    index.add(recording(2), spoken("hello world"))
                with pytest.raises(KeyboardInterrupt):
                    index.add(recording(1), spoken("hello hello world"))
            if step == "_check_written":
                assert index.search([HELLO], 10) == before
                assert index.words("id001") == before[0].words
        assert [hit.start for hit in index.search([HELLO], 10)] == [0.25, 0.0]
        monkeypatch.setattr(elastic, "WRITING_SECONDS", -1)
        index.add(recording(1), spoken("hello world"))
        index.remove("id002")
        assert isinstance(index, elastic.ElasticIndex)
        assert sorted(document["kind"] for document in everything(index)) == ["passage", "recording"]


def everything(index: elastic.ElasticIndex) -> list[dict[str, Any]]:
    """All documents, seen or not."""
    found = index._client.search(index=index._name, size=1000)
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
        bulk, get = other._bulk, index._get

        def in_halves(lines: Any) -> None:
            every = list(lines)
            bulk(every[: len(every) // 2])
            other._refresh()
            half.set()
            assert go_on.wait(60)
            bulk(every[len(every) // 2 :])

        def after_all(ids: Any) -> Any:
            go_on.set()
            writer.join()
            return get(ids)

        with monkeypatch.context() as patched:
            patched.setattr(other, "_bulk", in_halves)
            patched.setattr(index, "_get", after_all)
            writer = threading.Thread(target=other.add, args=(recording(1), spoken("hello world " * passages.STRIDE)))
            writer.start()
            assert half.wait(60)
            hits = index.search([HELLO], 10_000)
        assert len(hits) == passages.STRIDE
        assert not writer.is_alive()


@pytest.mark.elastic
def test_an_index_of_somebody_else_is_left_alone(elastic_url: str) -> None:
    import elasticsearch

    server, _, name = elastic_url.rpartition("/")
    with elasticsearch.Elasticsearch(server) as client:
        client.indices.create(index=name, mappings={"properties": {"title": {"type": "text"}}})
        before = client.indices.get_mapping(index=name).body
        for create in (True, False):
            with pytest.raises(StoreError, match="not an index of audiosearch"):
                open_index(elastic_url, create=create)
        assert client.indices.get_mapping(index=name).body == before


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
        (hit,) = index.search([HELLO], 10)
        assert isinstance(index, elastic.ElasticIndex)
        assert sorted(document["kind"] for document in everything(index)) == ["passage", "recording"]
        assert index.words("id001") == hit.words + hit.after
