"""Aliases, templates and mappings, and how a later one takes the place of an earlier."""

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


def asked(ask: Ask, url: str, method: str = "GET", body: object = None) -> dict[str, Any]:
    """What a server answers, read."""
    sent = None if body is None else json.dumps(body).encode()
    answer: dict[str, Any] = json.loads(ask(url, method=method, body=sent) or "{}")
    return answer


def hits(index: Index) -> list[str]:
    return sorted(hit.recording.id for hit in index.search(HELLO, 100).hits)


def test_a_newer_mapping_is_refused(script: Script) -> None:
    newer = {**mapping.MAPPINGS, "_meta": {"application": "audiosearch", "version": 99}}
    script.answer = lambda method, path, body: (200, {"library": {"mappings": newer}})
    with pytest.raises(StoreVersionError, match="newer version of audiosearch"):
        open_index(script.url, create=True)


def test_an_earlier_mapping_is_refused(script: Script) -> None:
    earlier = {**mapping.MAPPINGS, "_meta": {"application": "audiosearch", "version": 2}}
    script.answer = lambda method, path, body: (200, {"library": {"mappings": earlier}})
    for create in (False, True):
        with pytest.raises(StoreVersionError, match=r"was written by an early version .* index again"):
            open_index(script.url, create=create)


def test_a_name_of_several_indices_is_refused(script: Script) -> None:
    answer = {name: {"mappings": mapping.MAPPINGS} for name in ("library-v2", "library-v3")}
    script.answer = lambda method, path, body: (200, answer)
    with pytest.raises(StoreError, match="is an alias of 2 indices, library-v2 and library-v3"):
        open_index(script.url, create=True)


def test_whoever_may_not_make_templates_makes_the_index(script: Script) -> None:
    made: list[str] = []

    def answer(method: str, path: str, body: str) -> tuple[int, object]:
        if "_index_template" in path:
            return 403, {"error": {"type": "security_exception"}, "status": 403}
        if path.endswith("_mapping"):
            return (200, {"library-v3": {"mappings": mapping.MAPPINGS}}) if made else (404, {"status": 404})
        if path.endswith("_search"):
            return 200, {"hits": {"hits": []}}
        made.append(f"{method} {path}")
        assert json.loads(body)["mappings"] == mapping.MAPPINGS
        return 200, {}

    script.answer = answer
    open_index(script.url, create=True).close()
    assert made == ["PUT /library-v3"]


@pytest.mark.elastic
def test_an_index_of_somebody_else_is_left_alone(elastic_url: str, ask: Ask) -> None:
    asked(ask, elastic_url, "PUT", {"mappings": {"properties": {"title": {"type": "text"}}}})
    before = asked(ask, f"{elastic_url}/_mapping")
    for create in (True, False):
        with pytest.raises(StoreError, match="not an index of audiosearch"):
            open_index(elastic_url, create=create)
    assert asked(ask, f"{elastic_url}/_mapping") == before


@pytest.mark.elastic
def test_an_alias_stands_for_an_index_made_by_a_template(
    elastic_url: str, ask: Ask, recording: MakeRecording, spoken: MakeWords
) -> None:
    server, _, name = elastic_url.rpartition("/")
    shards = {
        "index_patterns": [f"{name}-v*"],
        "priority": 500,
        "template": {"settings": {"number_of_shards": 3, "number_of_replicas": 0}},
    }
    asked(ask, f"{server}/_index_template/audiosearch-{name}-of-mine", "PUT", shards)
    creators = [threading.Thread(target=lambda: open_index(elastic_url, create=True).close()) for _ in range(4)]
    for creator in creators:
        creator.start()
    for creator in creators:
        creator.join()
    (index, about), *others = asked(ask, elastic_url).items()
    assert (index, others) == (f"{name}-v{mapping.VERSION}", [])
    assert list(about["aliases"]) == [name]
    assert about["mappings"]["_meta"] == mapping.MAPPINGS["_meta"]
    assert about["settings"]["index"]["number_of_shards"] == "3", "a template of the user's goes before ours"
    ours = asked(ask, f"{server}/_index_template/audiosearch-{index}")["index_templates"][0]["index_template"]
    assert ours["index_patterns"] == [index, f"{index}-*"]

    with open_index(elastic_url, create=True) as library:
        library.add(recording(1), spoken("hello world"))
        assert hits(library) == ["id001"]
        asked(ask, f"{server}/{index}", "DELETE")
        with pytest.raises(StoreError, match="is gone"):
            library.add(recording(2), spoken("hello world"))
    assert asked(ask, elastic_url) == {}, "writing makes no index without our mapping"


@contextmanager
def reading(url: str, wanted: list[str]) -> Iterator[list[object]]:
    """Somebody who searches all the time; the list fills with what they did not expect."""
    surprises: list[object] = []
    done = threading.Event()

    def read() -> None:
        try:
            with open_index(url, create=False) as library:
                while not done.is_set():
                    found = hits(library)
                    if found != wanted:
                        surprises.append(found)
        except Exception as error:  # noqa: BLE001 - shown by the test
            surprises.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield surprises
    finally:
        done.set()
        reader.join()


@pytest.mark.elastic
@pytest.mark.parametrize("plain", [False, True])
def test_a_later_mapping_is_rolled_out_while_readers_go_on(
    elastic_url: str, plain: bool, ask: Ask, recording: MakeRecording, spoken: MakeWords
) -> None:
    """The steps of docs/elasticsearch.md."""
    server, _, name = elastic_url.rpartition("/")
    old, new = f"{name}-v{mapping.VERSION}", f"{name}-v{mapping.VERSION}-2"
    if plain:
        old = name
        asked(ask, elastic_url, "PUT", {"mappings": mapping.MAPPINGS})
    with open_index(elastic_url, create=True) as library, open_index(f"{server}/{new}", create=True) as later:
        for number in (1, 2, 3):
            library.add(recording(number), spoken("hello world and more " * 40))
        library.add(recording(4), spoken("nothing"))
        everything = sorted(["id001", "id002", "id003"] * 40)[:100]
        with reading(elastic_url, everything) as surprises:
            list(copy(library, later))
            library.add(recording(5), spoken("more comes in"))
            library.remove("id004")
            asked(ask, f"{server}/{old}/_settings", "PUT", {"index.blocks.write": True})
            with pytest.raises(StoreError, match="takes no changes"):
                library.add(recording(6), spoken("hello world"))
            list(copy(library, later, prune=True))
            assert later.recordings() == library.recordings()
            away = {"remove_index": {"index": old}} if plain else {"remove": {"index": old, "alias": name}}
            actions = [away, {"add": {"index": new, "alias": name}}]
            asked(ask, f"{server}/_aliases", "POST", {"actions": actions})
            for _ in range(3):
                hits(library)
        assert surprises == []
        library.add(recording(6), spoken("hello world"))
        assert "id006" in [one.id for one in later.recordings()]
