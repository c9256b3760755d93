"""Indexing on a real server while things go wrong: afterwards, a second run ends as one does that nothing befell."""

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
from indexer.elastic import client as elastic_client
from indexer.elastic import mapping
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
    """Hears a few words, the first of which is the name of the file; in files that are called long, many words."""

    fingerprint = "speller"
    position = 0.0

    def __init__(self, model: Path | None = None, **options: object) -> None:
        pass

    def __enter__(self) -> Speller:
        return self

    def __exit__(self, *about: object) -> None:
        pass

    def transcribe(self, path: Path) -> Transcript:
        texts = [path.stem, *["hello", "world"] * (128 * STRIDE if path.stem == "long" else 20)]
        words = tuple(Word(text, at / 100, at / 100 + 0.01, 0.5) for at, text in enumerate(texts))
        return Transcript(str(path), 60.0, words)


def sound(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(random.Random(path.stem).randbytes(1600))


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recordings, a command that spells them, and nobody who waits long."""
    monkeypatch.setattr("indexer.console.lazy_recognizer.LazyRecognizer", Speller)
    monkeypatch.setattr(elastic_client, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setenv("AUDIOSEARCH_MODEL", str(tmp_path))
    for name in NAMES:
        sound(tmp_path / "talks" / f"{name}.wav")
    return tmp_path / "talks"


@pytest.fixture
def proxy(script: Script, elastic_url: str) -> Script:
    """A server that passes on to the real one what a test does not answer."""
    script.upstream, _, name = elastic_url.rpartition("/")
    script.url = script.url.replace("library", name)
    script.answer = lambda method, path, body: None
    return script


def audiosearch_index(folder: Path, url: str) -> Result:
    return CliRunner().invoke(cli.main, ["index", str(folder), "--store", url])


def held(url: str) -> Library:
    """What an index holds, but for when it came there."""
    with open_index(url, create=False) as index:
        return {one.id: (replace(one, added=""), index.words(one.id)) for one in index.recordings()}


def clean(*folders: Path) -> Library:
    """What it holds after a run that nothing befell."""
    library = {}
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        identity, location = content_id(path)
        library[identity] = (
            Recording(identity, (location,), 60.0, "speller", ""),
            stored(Speller().transcribe(path).words),
        )
    return library


def bulk_of(name: str, body: str) -> bool:
    """Whether a bulk request writes the words of that file."""
    return f'"text":"{name} hello' in body


@pytest.mark.elastic
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ((503, {}), "too busy or not ready"),
        ((0, None), "cannot be reached"),
        ((401, {"error": {"type": "security_exception"}, "status": 401}), "refuses this user"),
    ],
)
def test_a_server_that_fails_for_ever(talks: Path, proxy: Script, fault: Answer, sentence: str) -> None:
    """The run ends soon, with a sentence and status 1; the next one finishes the job."""
    proxy.answer = lambda method, path, body: fault if bulk_of("c", body) else None
    first = audiosearch_index(talks, proxy.url)
    assert (first.exit_code, first.stdout) == (1, "")
    assert sentence in first.stderr
    assert [recording.path[-5:] for recording, _ in held(proxy.url).values()] == ["a.wav", "b.wav"]
    assert sum(bulk_of("c", body) for _, _, body in proxy.requests) <= 1 + len(elastic_client.RETRY_SECONDS)
    proxy.answer = lambda method, path, body: None
    second = audiosearch_index(talks, proxy.url)
    assert second.exit_code == 0, second.stderr
    assert second.stdout.startswith("2 recordings indexed")
    assert held(proxy.url) == clean(talks)


@pytest.mark.elastic
@pytest.mark.parametrize("faults", [[(429, {}), (429, {})], [(503, {}), (0, ""), (0, None)]])
def test_a_server_that_fails_for_a_while(talks: Path, proxy: Script, faults: list[Answer]) -> None:
    """Nobody notices, whichever request it befalls, and even where the server had done its part."""
    left: dict[tuple[str, str, str], list[Answer]] = {}

    def answer(method: str, path: str, body: str) -> Answer | None:
        if not left and path.endswith("_mapping"):
            return None  # a server that cannot be reached at first is not waited for
        waiting = left.setdefault((method, path, body), list(faults))
        return waiting.pop(0) if waiting else None

    proxy.answer = answer
    result = audiosearch_index(talks, proxy.url)
    assert result.exit_code == 0, result.stderr
    assert len(left) > 20
    proxy.answer = lambda method, path, body: None
    assert held(proxy.url) == clean(talks)


def test_a_server_that_is_not_there(talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Speller, "transcribe", lambda *about: pytest.fail("the store is checked first"))
    result = audiosearch_index(talks, "http://127.0.0.1:9/library")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: http://127.0.0.1:9/library cannot be reached")


@pytest.mark.elastic
def test_one_bad_document(talks: Path, elastic_url: str, ask: Ask) -> None:
    """Its recording is reported and leaves nothing behind; the others land."""
    narrow = {**mapping.MAPPINGS["properties"], "passage": {"type": "byte"}}  # so that a recording has at most 128
    mappings = json.dumps({"mappings": {**mapping.MAPPINGS, "properties": narrow}})
    ask(elastic_url, method="PUT", body=mappings.encode())
    expected = clean(talks)
    sound(talks / "long.wav")
    sound(talks / "z.wav")
    result = audiosearch_index(talks, elastic_url)
    assert result.exit_code == 1
    assert f"{talks}/long.wav: cannot be indexed; {elastic_url} refuses passage:" in result.stderr
    assert ":128 (" in result.stderr
    assert result.stdout.startswith("5 recordings indexed")
    (talks / "long.wav").unlink()
    assert held(elastic_url) == clean(talks) != expected
    answer = json.loads(ask(f"{elastic_url}/_count", method="POST", body=b'{"query": {"term": {"kind": "passage"}}}'))
    assert answer["count"] == 5


@pytest.mark.elastic
def test_a_full_disk(talks: Path, elastic_url: str, ask: Ask) -> None:
    """The server makes its indices read-only; what is there is found, and the rest comes when there is room again."""

    def block(value: object) -> None:
        settings = json.dumps({"index.blocks.read_only_allow_delete": value})
        ask(f"{elastic_url}/_settings", method="PUT", body=settings.encode())

    sound(talks.parent / "before" / "first.wav")
    assert audiosearch_index(talks.parent / "before", elastic_url).exit_code == 0
    block(True)
    result = audiosearch_index(talks, elastic_url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "takes no changes: its disk is nearly full" in result.stderr
    assert held(elastic_url) == clean(talks.parent / "before")
    block(None)
    assert audiosearch_index(talks, elastic_url).exit_code == 0
    assert held(elastic_url) == clean(talks, talks.parent / "before")


@pytest.mark.elastic
@pytest.mark.parametrize(
    ("folders", "parts"),
    [
        (("talks", "talks"), (ALL, ALL)),
        (("talks", "others"), (ALL, ALL)),
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
    """On the same folder, on two, on two of which one holds the other, and on the parts of one."""
    monkeypatch.setattr(elastic_client, "RETRY_SECONDS", (0.1,) * 50)  # an index that is just being made is not ready
    for name in ("e", "f", "g"):
        sound(talks.parent / "others" / f"{name}.wav")
    heard: list[str] = []
    problems: list[BaseException] = []
    together = threading.Barrier(2)

    def run(folder: Path, shard: Shard) -> None:
        try:
            with open_index(elastic_url, create=True) as index:
                together.wait(60)
                for record in ingest(index, Speller(), [folder], shard=shard):
                    assert not isinstance(record, Failed)
                    heard.extend([record.recording.id] if isinstance(record, Indexed) else [])
        except BaseException as error:  # noqa: BLE001 - shown below
            problems.append(error)

    runs = [
        threading.Thread(target=run, args=(talks.parent / folder, part))
        for folder, part in zip(folders, parts, strict=True)
    ]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert problems == []
    both = clean(talks) if folders == ("talks", "talks") else clean(talks, talks.parent / "others")
    assert held(elastic_url) == both
    with open_index(elastic_url, create=False) as index:
        assert index.statistics().recordings == len(both)
    assert parts == (ALL, ALL) or sorted(heard) == sorted(both), "no part does another's work"


@pytest.mark.elastic
@pytest.mark.slow
def test_a_node_that_is_killed_while_indexing(talks: Path, elastic_node: Node) -> None:
    url = f"{elastic_node.url}/library"
    indexed: list[str] = []

    def run() -> None:
        with open_index(url, create=True) as index:
            for record in ingest(index, Speller(), [talks]):
                if isinstance(record, Indexed):
                    indexed.append(record.recording.id)
                if len(indexed) == 2:
                    threading.Timer(0.01, elastic_node.kill).start()  # while the next one is written

    with pytest.raises(StoreError, match="cannot be reached"):
        run()
    assert len(indexed) in (2, 3)
    elastic_node.start()
    assert elastic_node.url in url
    assert set(indexed) <= held(url).keys()
    result = audiosearch_index(talks, url)
    assert result.exit_code == 0, result.stderr
    assert held(url) == clean(talks)
