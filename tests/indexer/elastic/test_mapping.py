"""Aliases, templates and mappings, and the switch of an alias to another index."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from audiosearch.errors import StoreError, StoreVersionError
from audiosearch.types import Word
from indexer.elastic import mapping
from indexer.index import Index, open_index
from indexer.ingest.copy import copy
from indexer.types import Phrase, Query, Recording, Term

if TYPE_CHECKING:
    from scripted_server import Script

Ask = Callable[..., bytes]
MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Query((Phrase((Term("hello"), Term("world"))),))


def request(ask: Ask, url: str, method: str = "GET", body: object = None) -> dict[str, Any]:
    """JSON response of a server."""
    content = None if body is None else json.dumps(body).encode()
    response: dict[str, Any] = json.loads(ask(url, method=method, body=content) or "{}")
    return response


def hit_ids(index: Index) -> list[str]:
    """Recordings of the hits of HELLO."""
    return sorted(hit.recording.id for hit in index.search(HELLO, 100).hits)


def test_newer_mapping_is_refused(script: Script) -> None:
    newer = {**mapping.MAPPINGS, "_meta": {"application": "audiosearch", "version": 99}}
    script.answer = lambda method, path, body: (200, {"library": {"mappings": newer}})
    with pytest.raises(StoreVersionError, match="newer version of audiosearch"):
        open_index(script.url, create=True)


def test_earlier_mapping_is_refused(script: Script) -> None:
    earlier = {**mapping.MAPPINGS, "_meta": {"application": "audiosearch", "version": 2}}
    script.answer = lambda method, path, body: (200, {"library": {"mappings": earlier}})
    for create in (False, True):
        with pytest.raises(StoreVersionError, match=r"was written by an early version .* index again"):
            open_index(script.url, create=create)


def test_alias_of_several_indices_is_refused(script: Script) -> None:
    indices = {name: {"mappings": mapping.MAPPINGS} for name in ("library-v2", "library-v3")}
    script.answer = lambda method, path, body: (200, indices)
    with pytest.raises(StoreError, match="is an alias of 2 indices, library-v2 and library-v3"):
        open_index(script.url, create=True)


def test_index_is_created_without_the_right_to_create_templates(script: Script) -> None:
    created: list[str] = []

    def answer(method: str, path: str, body: str) -> tuple[int, object]:
        if "_index_template" in path:
            return 403, {"error": {"type": "security_exception"}, "status": 403}
        if path.endswith("_mapping"):
            return (200, {"library-v3": {"mappings": mapping.MAPPINGS}}) if created else (404, {"status": 404})
        if path.endswith("_search"):
            return 200, {"hits": {"hits": []}}
        created.append(f"{method} {path}")
        assert json.loads(body)["mappings"] == mapping.MAPPINGS
        return 200, {}

    script.answer = answer
    open_index(script.url, create=True).close()
    assert created == ["PUT /library-v3"]


@pytest.mark.elastic
def test_index_of_another_application_is_refused(elastic_url: str, ask: Ask) -> None:
    request(ask, elastic_url, "PUT", {"mappings": {"properties": {"title": {"type": "text"}}}})
    before = request(ask, f"{elastic_url}/_mapping")
    for create in (True, False):
        with pytest.raises(StoreError, match="not an index of audiosearch"):
            open_index(elastic_url, create=create)
    assert request(ask, f"{elastic_url}/_mapping") == before


@pytest.mark.elastic
def test_new_index_has_an_alias_and_a_template(
    elastic_url: str, ask: Ask, recording: MakeRecording, spoken: MakeWords
) -> None:
    server, _, name = elastic_url.rpartition("/")
    shards = {
        "index_patterns": [f"{name}-v*"],
        "priority": 500,
        "template": {"settings": {"number_of_shards": 3, "number_of_replicas": 0}},
    }
    request(ask, f"{server}/_index_template/audiosearch-{name}-of-the-user", "PUT", shards)
    creators = [threading.Thread(target=lambda: open_index(elastic_url, create=True).close()) for _ in range(4)]
    for creator in creators:
        creator.start()
    for creator in creators:
        creator.join()
    ((index, metadata),) = request(ask, elastic_url).items()
    assert index == f"{name}-v{mapping.VERSION}"
    assert list(metadata["aliases"]) == [name]
    assert metadata["mappings"]["_meta"] == mapping.MAPPINGS["_meta"]
    assert metadata["settings"]["index"]["number_of_shards"] == "3", "the template of the user has priority"
    template = request(ask, f"{server}/_index_template/audiosearch-{index}")["index_templates"][0]["index_template"]
    assert template["index_patterns"] == [index, f"{index}-*"]

    with open_index(elastic_url, create=True) as library:
        library.add(recording(1), spoken("hello world"))
        assert hit_ids(library) == ["id001"]
        request(ask, f"{server}/{index}", "DELETE")
        with pytest.raises(StoreError, match="is gone"):
            library.add(recording(2), spoken("hello world"))
    assert request(ask, elastic_url) == {}, "writing creates no index without the mapping"


@contextmanager
def searching(url: str, expected: list[str]) -> Iterator[list[object]]:
    """Search all the time in a thread; unexpected results and errors are added to the list."""
    problems: list[object] = []
    done = threading.Event()

    def read() -> None:
        try:
            with open_index(url, create=False) as library:
                while not done.is_set():
                    ids = hit_ids(library)
                    if ids != expected:
                        problems.append(ids)
        except Exception as error:  # noqa: BLE001 - the test reports it
            problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield problems
    finally:
        done.set()
        reader.join()


@pytest.mark.elastic
@pytest.mark.parametrize("plain", [False, True])
def test_alias_is_switched_while_readers_search(
    elastic_url: str, plain: bool, ask: Ask, recording: MakeRecording, spoken: MakeWords
) -> None:
    """The steps of docs/elasticsearch.md."""
    server, _, name = elastic_url.rpartition("/")
    old, new = f"{name}-v{mapping.VERSION}", f"{name}-v{mapping.VERSION}-2"
    if plain:
        old = name
        request(ask, elastic_url, "PUT", {"mappings": mapping.MAPPINGS})
    with open_index(elastic_url, create=True) as library, open_index(f"{server}/{new}", create=True) as replacement:
        for number in (1, 2, 3):
            library.add(recording(number), spoken("hello world and more " * 40))
        library.add(recording(4), spoken("nothing"))
        expected = sorted(["id001", "id002", "id003"] * 40)[:100]
        with searching(elastic_url, expected) as problems:
            list(copy(library, replacement))
            library.add(recording(5), spoken("one more recording"))
            library.remove("id004")
            request(ask, f"{server}/{old}/_settings", "PUT", {"index.blocks.write": True})
            with pytest.raises(StoreError, match="takes no changes"):
                library.add(recording(6), spoken("hello world"))
            list(copy(library, replacement, prune=True))
            assert replacement.recordings() == library.recordings()
            removal = {"remove_index": {"index": old}} if plain else {"remove": {"index": old, "alias": name}}
            actions = [removal, {"add": {"index": new, "alias": name}}]
            request(ask, f"{server}/_aliases", "POST", {"actions": actions})
            for _ in range(3):
                hit_ids(library)
        assert problems == []
        library.add(recording(6), spoken("hello world"))
        assert "id006" in [item.id for item in replacement.recordings()]
