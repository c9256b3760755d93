"""Stores to test with: SQLite files, and a real Elasticsearch server that the tests start themselves."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elasticsearch_node import Node, answer
from scripted_server import Script

from audiosearch.types import Alternative, Word
from indexer.elastic import client
from indexer.types import Location, Recording

# Recordings


def _recording(number: int, *, path: str | None = None, duration: float = 60.0) -> Recording:
    where = Location(path or f"/recordings/{number:03}.ogg", 1000 + number, 1_700_000_000_000_000_000 + number)
    return Recording(f"id{number:03}", (where,), duration, "model", "2024-05-01T12:00:00Z")


def _spoken(text: str, *, confidence: float = 0.9) -> list[Word]:
    return [Word(word, 0.25 * place, 0.25 * place + 0.2, confidence) for place, word in enumerate(text.split())]


def _babble(chance: random.Random, length: int, vocabulary: list[str], *, alternatives: bool = False) -> list[Word]:
    words, now = [], 0.0
    for _ in range(length):
        now += chance.choice([0.0, 0.0002, 0.02, 0.3, 7.0])
        end = now + chance.choice([0.02, 0.25, 0.3337])
        text = chance.choice(vocabulary)
        rivals = {chance.choice(vocabulary) for _ in range(chance.choice([0, 0, 1, 2]) if alternatives else 0)} - {text}
        readings = tuple(Alternative(rival, chance.choice([0.4, 0.96, chance.random()])) for rival in sorted(rivals))
        words.append(Word(text, now, end, chance.choice([1.0, 0.9, 0.9001, chance.random()]), readings))
        now = end
    return words


@pytest.fixture
def recording() -> Callable[..., Recording]:
    """``recording(number, path=None, duration=60.0)``: one, of which nothing exists."""
    return _recording


@pytest.fixture
def spoken() -> Callable[..., list[Word]]:
    """``spoken(text, confidence=0.9)``: its words, four in a second."""
    return _spoken


@pytest.fixture
def babble() -> Callable[..., list[Word]]:
    """``babble(chance, length, vocabulary, alternatives=False)``: random words, pauses; many confidences are equal."""
    return _babble


# Stores


@pytest.fixture(params=["sqlite", pytest.param("elastic", marks=pytest.mark.elastic)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an index can be made, in each kind of store."""
    if request.param == "sqlite":
        return str(tmp_path / "library.db")
    name: str = request.getfixturevalue("elastic_url")
    return name


@pytest.fixture
def elastic_url(elastic_server: str) -> Iterator[str]:
    """Where an index can be made in Elasticsearch; it is deleted afterwards, with all whose names begin with its."""
    name = f"audiosearch-test-{uuid.uuid4().hex[:12]}"
    yield f"{elastic_server}/{name}"
    for index in json.loads(answer(f"{elastic_server}/{name}*/_alias")):
        answer(f"{elastic_server}/{index}", method="DELETE")
    templates = json.loads(answer(f"{elastic_server}/_index_template/audiosearch-{name}*") or "{}")
    for template in templates.get("index_templates", []):
        answer(f"{elastic_server}/_index_template/{template['name']}", method="DELETE")


@pytest.fixture(scope="session")
def elastic_server() -> Iterator[str]:
    """A running server: that of AUDIOSEARCH_TEST_ELASTICSEARCH, or one that is started here."""
    given = os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH")
    if given:
        yield given.rstrip("/")
        return
    with Node() as node:
        yield node.url


@pytest.fixture
def elastic_node() -> Iterator[Node]:
    """A server of one's own, to be killed and started again."""
    if os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH"):
        pytest.skip("a server that is given is not killed")
    with Node() as node:
        yield node


@pytest.fixture
def ask() -> Callable[..., bytes]:
    """``ask(url, method="GET", body=None)``: what a server answers."""
    return answer


@pytest.fixture
def unprivileged() -> Iterator[Callable[[], Path]]:
    """When called: takes from this process the rights of root, if it has them, and gives a folder to work in."""
    before = os.geteuid()
    folder = Path(tempfile.mkdtemp(prefix="audiosearch-test-"))

    def drop() -> Path:
        if before == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        return folder

    try:
        yield drop
    finally:
        os.seteuid(before)
        shutil.rmtree(folder)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A scripted server, of which nobody waits long for an answer."""
    monkeypatch.setattr(client, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    script = Script()
    thread = threading.Thread(target=script.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    script.server.shutdown()
    script.server.server_close()
    thread.join()
