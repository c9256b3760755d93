"""Modes of search, and pages of hits above a confidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audiosearch.types import Alternative, Word
from indexer.index import open_index
from indexer.search import engine
from indexer.search.parse import parse
from indexer.types import Hit, Order, Recording


@pytest.mark.parametrize("limit", [1, 10])
def test_auto_shows_uncertain_hits_only_above_a_confidence(
    tmp_path: Path, recording: Callable[..., Recording], limit: int
) -> None:
    chances = (0.9, engine.MIN_CONFIDENCE, engine.MIN_CONFIDENCE - 0.1, 0.1)
    words = [Word("see", float(n), n + 0.5, 0.05, (Alternative("sea", chance),)) for n, chance in enumerate(chances)]
    query = parse(["sea"]).query
    with open_index(str(tmp_path / "store.db"), create=True) as index:
        index.add(recording(1), [*words, Word("sea", 9.0, 9.5, 0.2)])
        hits_by_words = engine.search(index, query, "words", 10).hits
        hits: list[Hit] = []
        after: str | None = None
        while not hits or after is not None:
            page = engine.search(index, query, "auto", limit, after)
            hits += page.hits
            after = page.after
    assert [hit.start for hit in hits_by_words] == [0.0, 1.0, 2.0, 9.0, 3.0]
    assert [hit.start for hit in hits] == [0.0, 1.0, 9.0]
    assert [engine.is_uncertain(hit) for hit in hits] == [True, True, False]


@pytest.mark.parametrize("order", ["confidence", "time", "newest", "name"])
@pytest.mark.parametrize("mode", ["words", "auto"])
def test_pages_of_hits_above_a_confidence(
    tmp_path: Path, recording: Callable[..., Recording], mode: engine.Mode, order: Order
) -> None:
    chances = (0.3, 0.9, 0.1, 0.5, 0.4, 0.3, 0.2, 0.45)
    words = [Word("see", float(n), n + 0.5, 0.05, (Alternative("sea", chance),)) for n, chance in enumerate(chances)]
    query = parse(["sea"], order=order).query
    with open_index(str(tmp_path / "store.db"), create=True) as index:
        index.add(recording(1), [*words, Word("sea", 9.0, 9.5, 0.2)])
        hits: list[Hit] = []
        page = engine.search_above_confidence(index, query, mode, 1, None, 0.4)
        hits += page.hits
        while page.after is not None:
            page = engine.search_above_confidence(index, query, mode, 1, page.after, 0.4)
            hits += page.hits
    expected = [1.0, 3.0, 7.0, 4.0] if order == "confidence" else [1.0, 3.0, 4.0, 7.0]
    assert [hit.start for hit in hits] == expected
