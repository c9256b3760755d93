"""Order, blocks and pages of matches, and their cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from audiosearch.errors import QueryError
from indexer.matching import match
from indexer.matching.cursor import Cursor, read_cursor
from indexer.matching.match import Match
from indexer.matching.ranking import Ranking, best_first, merge_best_first
from indexer.types import Location, Order, Recording

RECORDINGS = {1: ("/b", "x", 30), 2: ("/a", "y", 20), 3: ("/a", "z", 20)}  # path, id, time

MATCHES = [
    Match(1, 4, 5, 900),
    Match(3, 0, 0, 900),
    Match(2, 7, 9, 900),
    Match(2, 7, 8, 900),
    Match(2, 0, 1, 100),
    Match(1, 0, 0, 999),
]


def recording(number: int) -> Recording:
    path, name, time = RECORDINGS[number]
    return Recording(name, (Location(path, 1, time),), 1.0, "model", "now")


def page(matches: Sequence[Match[int]], order: Order, limit: int, after: str | None = None) -> Ranking[int]:
    ranking = Ranking(order, limit, after, recording, int)
    for candidate in matches:
        ranking.add(candidate)
    return ranking


def pages(matches: Sequence[Match[int]], order: Order, limit: int) -> list[list[Match[int]]]:
    hits, after = page(matches, order, limit).page()
    all_pages = [hits]
    while after is not None:
        hits, after = page(matches, order, limit, after).page()
        all_pages.append(hits)
    return all_pages


def test_order_by_confidence_then_path_and_position() -> None:
    ordered = [MATCHES[5], MATCHES[3], MATCHES[2], MATCHES[1], MATCHES[0], MATCHES[4]]
    for limit in range(1, 8):
        expected = [ordered[first : first + limit] for first in range(0, 6, limit)]
        assert pages(MATCHES, "confidence", limit) == expected
        assert pages(MATCHES[::-1], "confidence", limit) == expected
    assert page(MATCHES, "confidence", 0).page() == ([], None)
    assert page([], "confidence", 5).page() == ([], None)


def test_order_by_time() -> None:
    ordered = [MATCHES[4], MATCHES[3], MATCHES[2], MATCHES[1], MATCHES[5], MATCHES[0]]
    for limit in range(1, 8):
        assert pages(MATCHES, "time", limit) == [ordered[first : first + limit] for first in range(0, 6, limit)]


def test_orders_by_newest_recording_and_by_name() -> None:
    newest = [MATCHES[5], MATCHES[0], MATCHES[4], MATCHES[3], MATCHES[2], MATCHES[1]]
    name = [MATCHES[4], MATCHES[3], MATCHES[2], MATCHES[1], MATCHES[5], MATCHES[0]]
    for limit in range(1, 8):
        for order, ordered in (("newest", newest), ("name", name)):
            expected = [ordered[first : first + limit] for first in range(0, 6, limit)]
            assert pages(MATCHES, cast("Order", order), limit) == expected


def test_blocks_are_ordered_by_grade_and_recency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MAX_RANKED", 2)
    matches = [Match(1, 0, 0, 960), Match(1, 1, 1, 1000), Match(2, 5, 5, 970), Match(3, 0, 0, 840), Match(1, 9, 9, 849)]
    assert pages(matches, "confidence", 2) == [[matches[2], matches[0]], [matches[1], matches[3]], [matches[4]]]
    assert pages(matches, "confidence", 1) == [[matches[position]] for position in (2, 0, 1, 3, 4)]
    assert pages(matches, "confidence", 4) == [[matches[1], matches[2], matches[0], matches[3]], [matches[4]]]
    assert pages(matches, "confidence", 5) == [[matches[1], matches[2], matches[0], matches[4], matches[3]]]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_reading_stops_when_the_page_is_complete(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MAX_RANKED", 4)
    matches = [
        Match(number, position, position, 1000 - 67 * (position % 7)) for number in (1, 2, 3) for position in range(9)
    ]
    expected = pages(matches, "confidence", limit)
    after = None
    for hits in expected:
        ranking = Ranking("confidence", limit, after, recording, int)
        stream = iter(best_first(matches, 99))
        for candidate in stream:
            ranking.add(candidate)
            if ranking.is_complete:
                break
        if after is None:
            assert len(list(stream)) == 27 - max(limit, 4) - 1
        given, after = ranking.page()
        assert given == hits
    assert after is None


def test_streams_are_merged_with_each_span_once() -> None:
    first = [Match(3, 0, 0, 990), Match(1, 0, 0, 990), Match(3, 5, 5, 900)]
    second = [Match(3, 5, 5, 960), Match(1, 0, 0, 960), Match(2, 0, 0, 100)]
    assert list(merge_best_first([first, second])) == [first[0], second[0], first[1], second[2]]
    assert list(merge_best_first([first])) == first


def test_cursors_are_read_as_written() -> None:
    position = (-900, "/a/\udcff \u65e5.ogg", "id", 3, 4)
    for cursor in (
        Cursor("confidence", None, None, position),
        Cursor("confidence", (3, "0f-1", 0, 1), (2, "0e", 7, 7), position),
        Cursor("time", None, None, (2**62, "/a", "id", 3, 4)),
        Cursor("confidence", (3, "0f-1", 0, 1)),
    ):
        text = cursor.text()
        assert text.replace("-", "").replace("_", "").isalnum()
        assert text[0].isalpha()
        assert read_cursor(text, cursor.order, str) == cursor
    with pytest.raises(QueryError, match="is not a cursor"):
        read_cursor(Cursor("confidence", (3, "0f-1", 0, 1)).text(), "confidence", int)  # of the other store
