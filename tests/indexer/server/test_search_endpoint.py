"""Filters of the search endpoint: paths in any normalization, and single recordings."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.datastructures import QueryParams

from audiosearch.types import Word
from indexer.index import open_index
from indexer.server.index_pool import IndexPool
from indexer.server.parameters import Parameters
from indexer.server.search_endpoint import PARAMETERS, search
from indexer.types import Location, Recording

FOLDER = "/talks/Café [2024]"
COMPOSED, DECOMPOSED = (f"{FOLDER}/Zoë.mp3", unicodedata.normalize("NFD", f"{FOLDER}/Zoë.mp3"))


@pytest.fixture
def pool(tmp_path: Path, spoken: Callable[..., list[Word]]) -> Iterator[IndexPool]:
    store = str(tmp_path / "library.db")
    with open_index(store, create=True) as index:
        for identity, path in (("composed", COMPOSED), ("decomposed", DECOMPOSED), ("other", "/talks/Cafe 2/a.mp3")):
            index.add(Recording(identity, (Location(path, 1, 1),), 9.0, "model", "now"), spoken("hello"))
    opened = IndexPool(store)
    yield opened
    opened.close()


def found(pool: IndexPool, **query: str) -> set[str]:
    """Ids of the recordings with hits."""
    page = search(pool, Parameters(QueryParams([("q", "hello"), *query.items()]), PARAMETERS))
    return {hit.recording.id for hit in page.hits}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_paths_are_found_in_any_normalization(form: str, pool: IndexPool) -> None:
    def spelled(path: str) -> str:
        return unicodedata.normalize("NFC" if form == "NFC" else "NFD", path)

    both = {"composed", "decomposed"}
    assert found(pool, path=spelled(FOLDER)) == both, "a folder that is known is no glob"
    assert found(pool, path=spelled(f"{FOLDER}/")) == both
    assert found(pool, path=spelled("/talks/Café*/Zoë.mp3")) == both
    assert found(pool, path=spelled("/talks/Caf? *")) == set()
    assert found(pool, path="/talks") == {*both, "other"}
    assert found(pool, path="/talks/Cafe*/*") == {"other"}


def test_a_recording_is_found_by_its_id_alone(pool: IndexPool) -> None:
    for identity in ("composed", "decomposed"):
        assert found(pool, id=identity) == {identity}
    assert found(pool, id="nobody") == set()
