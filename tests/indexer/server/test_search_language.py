"""The query language in the search endpoint: operators beside parameters, folders of the library, suggestions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from audiosearch.errors import QueryError
from audiosearch.types import Word
from indexer.index import open_index
from indexer.server.index_pool import IndexPool
from indexer.server.parameters import Parameters
from indexer.server.search_endpoint import PARAMETERS, SearchResult, search
from indexer.types import Location, Recording

DAY = 86_400_000_000_000
TEXTS = {
    "/media/My Podcasts/2023/storm.mp3": "the storm took the life boat",
    "/media/My Podcasts/2024/Zoë.mp3": "a storm at sea and a film about it",
    "/media/talks [live]/one.mp3": "no film about the sea",
}


@pytest.fixture
def pool(tmp_path: Path, spoken: Callable[..., list[Word]]) -> Iterator[IndexPool]:
    store = str(tmp_path / "library.db")
    with open_index(store, create=True) as index:
        for number, (path, text) in enumerate(TEXTS.items()):
            location = Location(path, 1, (19_400 + 365 * number) * DAY)  # in 2023, 2024 and 2025
            index.add(Recording(Path(path).stem, (location,), 9.0, "model", "now"), spoken(text))
    opened = IndexPool(store)
    yield opened
    opened.close()


def ask(pool: IndexPool, q: str, **parameters: str) -> SearchResult:
    return search(pool, Parameters(QueryParams([("q", q), *parameters.items()]), PARAMETERS))


def found(pool: IndexPool, q: str, **parameters: str) -> set[str]:
    """Names of the recordings with hits."""
    return {hit.recording.id for hit in ask(pool, q, **parameters).hits}


def test_parts_and_exclusions(pool: IndexPool) -> None:
    assert found(pool, "storm") == {"storm", "Zoë"}
    assert found(pool, 'storm "life boat"') == {"storm"}
    assert found(pool, "storm -film") == {"storm"}
    assert found(pool, "boat OR film") == {"storm", "Zoë", "one"}
    assert found(pool, '"boat" OR film "sea"') == {"Zoë", "one"}
    assert found(pool, '"film" "storm" within:0.5') == set()
    assert found(pool, '"film" "storm" within:0:02') == {"Zoë"}
    assert found(pool, "fil*") == {"Zoë", "one"}
    assert found(pool, "sea since:2024 until:2025") == {"Zoë"}
    assert found(pool, "sea since:2024-06", until="2030") == {"one"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/media", {"storm", "Zoë", "one"}),
        ("/media/talks [live]".replace(" ", "?"), set()),
        ('"/media/talks [live]"', {"one"}),
        ("podcasts", {"storm", "Zoë"}),
        ("POD", {"storm", "Zoë"}),
        ('"my podcasts"', {"storm", "Zoë"}),
        ("podcasts/2024", {"Zoë"}),
        ("./Podcasts/2024/", {"Zoë"}),
        ("2023 path:talks", {"storm", "one"}),
        ("ZOË", {"Zoë"}),
        ('"s [LIVE]"', {"one"}),
        ("*.mp3", {"storm", "Zoë", "one"}),
        ("2024/*", {"Zoë"}),
        ("Podcasts/*", set()),
        ("nowhere", set()),
        ("/", {"storm", "Zoë", "one"}),
    ],
)
def test_paths_are_folders_of_the_library_or_parts_of_their_names(
    pool: IndexPool, value: str, expected: set[str]
) -> None:
    assert found(pool, f"the OR a path:{value}") | found(pool, f"film OR storm path:{value}") == expected


def test_operators_hold_beside_parameters(pool: IndexPool) -> None:
    assert found(pool, "storm path:2024", path="/media/My Podcasts") == {"Zoë"}
    assert found(pool, "storm path:2024", path="/media/talks [live]") == set()
    assert found(pool, "storm path:nowhere", id="storm") == {"storm"}
    with pytest.raises(QueryError, match="given twice"):
        ask(pool, '"storm" "film" within:30', within="20")
    with pytest.raises(QueryError, match="within:soon"):
        ask(pool, "storm within:soon")
    assert "foo: is no operator" in ask(pool, "storm foo:bar").notes[0]
    assert ask(pool, '"storm" OR sea film:x').texts == ("storm", "sea film x")


@pytest.mark.parametrize(
    ("q", "parameters", "label", "changes"),
    [
        ("storm boat", {}, "with up to 3 words in between", {"slop": "3"}),
        ("boat the storm", {}, "the same words anywhere in a recording", {"q": '"boat" "the" "storm"'}),
        ("boat the storm -x", {}, "the same words anywhere in a recording", {"q": '"boat" "the" "storm" -x'}),
        ('"boat" "film"', {}, "any of these phrases", {"q": '"boat" OR "film"'}),
        ("storm -took path:2023", {}, "without excluded words", {"q": "storm path:2023"}),
        ("storm path:talks", {}, "in all folders", {"q": "storm"}),
        ("storm", {"path": "/media/talks"}, "in all folders", {"path": None}),
        ("storm path:podcasts", {"path": "/nowhere"}, "in all folders", {"path": None, "q": "storm"}),
        ("boat since:2024", {"until": "2030"}, "of any date", {"until": None, "q": "boat"}),
        ("storm", {"not": "a", "path": "/media/My Podcasts/2024"}, "without excluded words", {"not": None}),
        ("storm voice:ann", {}, "in any voice", {"q": "storm"}),
        ('"film" "storm" within:0', {}, "at any distance", {"q": '"film" "storm"'}),
        ("storm", {"confidence": "0.99"}, "at any confidence", {"confidence": None}),
    ],
)
def test_a_search_without_hits_suggests_others_that_have_some(
    pool: IndexPool, q: str, parameters: dict[str, str], label: str, changes: dict[str, Any]
) -> None:
    result = ask(pool, q, **parameters)
    assert not result.hits
    assert {suggestion.label: suggestion.params for suggestion in result.suggestions}[label] == changes
    for suggestion in result.suggestions:
        changed = Parameters(QueryParams([("q", q), *parameters.items()]), PARAMETERS).changed(suggestion.params)
        assert search(pool, changed).hits


def test_searches_with_hits_and_hopeless_ones_have_no_suggestions(pool: IndexPool) -> None:
    for q in ("storm", "xylophone", "xylophone path:x -y", '"xylophone" "zebra"', "storm 世界 x"):
        assert ask(pool, q).suggestions == ()
