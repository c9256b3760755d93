"""Indexing on a real server with faults: a later run completes the index."""

from __future__ import annotations

import json
import random
import threading
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from transcribers import FakeTranscriber

import cli
from audiosearch.errors import StoreError
from audiosearch.types import Transcript, Word
from indexer.elastic import client, mapping
from indexer.elastic.passages import STRIDE
from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.ingest.ingest import Indexed, ingest
from indexer.ingest.shard import ALL, Shard
from indexer.ingest.walk import Failed
from indexer.types import Recording
from indexer.word_codec import stored

if TYPE_CHECKING:
    from elasticsearch_node import Node
    from scripted_server import Answer, Script

Ask = Callable[..., bytes]
Library = dict[str, tuple[Recording, tuple[Word, ...]]]

NAMES = ("a", "b", "c", "d")


class Speller(FakeTranscriber):
    """Recognizes the name of the file, then "hello world" 20 times; in a file named "long" many times."""

    fingerprint = "speller"
    position = 0.0

    def __init__(self, model: Path | None = None, **options: object) -> None:
        pass

    def __enter__(self) -> Speller:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def transcribe(self, path: Path) -> Transcript:
        texts = [path.stem, *["hello", "world"] * (128 * STRIDE if path.stem == "long" else 20)]
        words = tuple(Word(text, at / 100, at / 100 + 0.01, 0.5) for at, text in enumerate(texts))
        return Transcript(str(path), 60.0, words)


def write_noise(path: Path) -> None:
    """A short recording with content of its own."""
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(random.Random(path.stem).randbytes(1600))


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of recordings; commands use Speller, and retry without pauses."""
    monkeypatch.setattr("indexer.console.lazy_recognizer.LazyRecognizer", Speller)
    monkeypatch.setattr(client, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setenv("AUDIOSEARCH_MODEL", str(tmp_path))
    for name in NAMES:
        write_noise(tmp_path / "talks" / f"{name}.wav")
    return tmp_path / "talks"


@pytest.fixture
def proxy(script: Script, elastic_url: str) -> Script:
    """Server that passes requests on to the real one unless a test answers them."""
    script.upstream, _, name = elastic_url.rpartition("/")
    script.url = script.url.replace("library", name)
    script.answer = lambda method, path, body: None
    return script


def audiosearch_index(folder: Path, url: str) -> Result:
    return CliRunner().invoke(cli.main, ["index", str(folder), "--store", url])


def stored_library(url: str) -> Library:
    """Recordings and words of an index, without the times of indexing."""
    with open_index(url, create=False) as index:
        return {item.id: (replace(item, added=""), index.words(item.id)) for item in index.recordings()}


def expected_library(*folders: Path) -> Library:
    """Recordings and words after a run without faults."""
    library = {}
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        identity, location = content_id(path)
        library[identity] = (
            Recording(identity, (location,), 60.0, "speller", ""),
            stored(Speller().transcribe(path).words),
        )
    return library


def bulk_of(name: str, body: str) -> bool:
    """True if a bulk request writes the words of that file."""
    return f'"text":"{name} hello' in body


@pytest.mark.elastic
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ((503, {}), "too busy or not ready"),
        ((0, None), "cannot be reached"),
        ((401, {"error": {"type": "security_exception"}, "status": 401}), "refuses this user"),
    ],
)
def test_server_that_keeps_failing(talks: Path, proxy: Script, fault: Answer, message: str) -> None:
    """The run ends soon with a message and status 1; the next one completes the index."""
    proxy.answer = lambda method, path, body: fault if bulk_of("c", body) else None
    first = audiosearch_index(talks, proxy.url)
    assert (first.exit_code, first.stdout) == (1, "")
    assert message in first.stderr
    assert [recording.path[-5:] for recording, _ in stored_library(proxy.url).values()] == ["a.wav", "b.wav"]
    assert sum(bulk_of("c", body) for _, _, body in proxy.requests) <= 1 + len(client.RETRY_SECONDS)
    proxy.answer = lambda method, path, body: None
    second = audiosearch_index(talks, proxy.url)
    assert second.exit_code == 0, second.stderr
    assert second.stdout.startswith("2 recordings indexed")
    assert stored_library(proxy.url) == expected_library(talks)


@pytest.mark.elastic
@pytest.mark.parametrize("faults", [[(429, {}), (429, {})], [(503, {}), (0, ""), (0, None)]])
def test_server_that_fails_temporarily(talks: Path, proxy: Script, faults: list[Answer]) -> None:
    """The first attempts of every request fail, some of them after the server executed it."""
    remaining: dict[tuple[str, str, str], list[Answer]] = {}

    def answer(method: str, path: str, body: str) -> Answer | None:
        if not remaining and path.endswith("_mapping"):
            return None  # the first connection is not retried
        pending = remaining.setdefault((method, path, body), list(faults))
        return pending.pop(0) if pending else None

    proxy.answer = answer
    result = audiosearch_index(talks, proxy.url)
    assert result.exit_code == 0, result.stderr
    assert len(remaining) > 20
    proxy.answer = lambda method, path, body: None
    assert stored_library(proxy.url) == expected_library(talks)


def test_unreachable_server(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Speller, "transcribe", lambda *arguments: pytest.fail("the store is checked first"))
    result = audiosearch_index(talks, "http://127.0.0.1:9/library")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: http://127.0.0.1:9/library cannot be reached")


@pytest.mark.elastic
def test_refused_document(talks: Path, elastic_url: str, ask: Ask) -> None:
    """Its recording is reported and leaves no documents; all other recordings are indexed."""
    narrow = {**mapping.MAPPINGS["properties"], "passage": {"type": "byte"}}  # at most 128 passages a recording
    mappings = json.dumps({"mappings": {**mapping.MAPPINGS, "properties": narrow}})
    ask(elastic_url, method="PUT", body=mappings.encode())
    expected = expected_library(talks)
    write_noise(talks / "long.wav")
    write_noise(talks / "z.wav")
    result = audiosearch_index(talks, elastic_url)
    assert result.exit_code == 1
    assert f"{talks}/long.wav: cannot be indexed; {elastic_url} refuses passage:" in result.stderr
    assert ":128 (" in result.stderr
    assert result.stdout.startswith("5 recordings indexed")
    (talks / "long.wav").unlink()
    assert stored_library(elastic_url) == expected_library(talks) != expected
    answer = json.loads(ask(f"{elastic_url}/_count", method="POST", body=b'{"query": {"term": {"kind": "passage"}}}'))
    assert answer["count"] == 5


@pytest.mark.elastic
def test_full_disk(talks: Path, elastic_url: str, ask: Ask) -> None:
    """The server blocks writing, not reading; after that, a run completes the index."""

    def block(value: object) -> None:
        settings = json.dumps({"index.blocks.read_only_allow_delete": value})
        ask(f"{elastic_url}/_settings", method="PUT", body=settings.encode())

    write_noise(talks.parent / "before" / "first.wav")
    assert audiosearch_index(talks.parent / "before", elastic_url).exit_code == 0
    block(True)
    result = audiosearch_index(talks, elastic_url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "takes no changes: its disk is nearly full" in result.stderr
    assert stored_library(elastic_url) == expected_library(talks.parent / "before")
    block(None)
    assert audiosearch_index(talks, elastic_url).exit_code == 0
    assert stored_library(elastic_url) == expected_library(talks, talks.parent / "before")


@pytest.mark.elastic
@pytest.mark.parametrize(
    ("folders", "parts"),
    [
        (("talks", "talks"), (ALL, ALL)),
        (("talks", "more"), (ALL, ALL)),
        (("talks", ""), (ALL, ALL)),
        (("", ""), (Shard(1, 2), Shard(2, 2))),
    ],
)
def test_two_indexers(
    talks: Path,
    elastic_url: str,
    folders: tuple[str, str],
    parts: tuple[Shard, Shard],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the same folder, on two folders, on a folder and its parent, and on the two shards of a folder."""
    monkeypatch.setattr(client, "RETRY_SECONDS", (0.1,) * 50)  # a new index is not ready at once
    for name in ("e", "f", "g"):
        write_noise(talks.parent / "more" / f"{name}.wav")
    indexed: list[str] = []
    problems: list[BaseException] = []
    barrier = threading.Barrier(2)

    def run(folder: Path, shard: Shard) -> None:
        try:
            with open_index(elastic_url, create=True) as index:
                barrier.wait(60)
                for record in ingest(index, Speller(), [folder], shard=shard):
                    assert not isinstance(record, Failed)
                    indexed.extend([record.recording.id] if isinstance(record, Indexed) else [])
        except BaseException as error:  # noqa: BLE001 - the test reports it
            problems.append(error)

    threads = [
        threading.Thread(target=run, args=(talks.parent / folder, part))
        for folder, part in zip(folders, parts, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    all_folders = (talks,) if folders == ("talks", "talks") else (talks, talks.parent / "more")
    expected = expected_library(*all_folders)
    assert stored_library(elastic_url) == expected
    with open_index(elastic_url, create=False) as index:
        assert index.statistics().recordings == len(expected)
    assert parts == (ALL, ALL) or sorted(indexed) == sorted(expected), "no recording is indexed twice"


@pytest.mark.elastic
@pytest.mark.slow
def test_node_killed_while_indexing(talks: Path, elastic_node: Node) -> None:
    url = f"{elastic_node.url}/library"
    indexed: list[str] = []

    def run() -> None:
        with open_index(url, create=True) as index:
            for record in ingest(index, Speller(), [talks]):
                if isinstance(record, Indexed):
                    indexed.append(record.recording.id)
                if len(indexed) == 2:
                    threading.Timer(0.01, elastic_node.kill).start()  # while the next recording is written

    with pytest.raises(StoreError, match="cannot be reached"):
        run()
    assert len(indexed) in (2, 3)
    elastic_node.start()
    assert elastic_node.url in url
    assert set(indexed) <= stored_library(url).keys()
    result = audiosearch_index(talks, url)
    assert result.exit_code == 0, result.stderr
    assert stored_library(url) == expected_library(talks)


LIMITS = (1_000_000, 100_000)


@pytest.mark.elastic
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("status", [413, 504])
def test_bodies_stay_below_the_limit_of_a_proxy(talks: Path, proxy: Script, limit: int, status: int) -> None:
    """It refuses larger ones, or its server takes too long for them."""
    write_noise(talks / "long.wav")
    proxy.answer = lambda method, path, body: (status, "<h1>") if len(body.encode()) > limit else None
    run = audiosearch_index(talks, proxy.url)
    assert run.exit_code == 0, run.stderr
    assert stored_library(proxy.url) == expected_library(talks)


@pytest.mark.elastic
def test_document_too_large_by_itself_is_named_and_the_rest_is_stored(talks: Path, proxy: Script) -> None:
    proxy.answer = lambda method, path, body: (413, "<h1>413</h1>") if bulk_of("c", body) else None
    run = audiosearch_index(talks, proxy.url)
    assert run.exit_code == 1
    assert "c.wav: cannot be indexed" in run.stderr
    assert "client_max_body_size" in run.stderr
    assert "ApiError" not in run.stderr
    assert [item.path[-5:] for item, _ in stored_library(proxy.url).values()] == ["a.wav", "b.wav", "d.wav"]
