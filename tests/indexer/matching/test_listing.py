"""Orders of lists of recordings, and words of paths."""

from __future__ import annotations

import pytest

from indexer.matching.listing import ListOrder, in_order, named
from indexer.types import Location, Recording


def recording(identity: str, *paths: str, modified: int = 0, duration: float = 1.0, added: str = "2024") -> Recording:
    locations = tuple(Location(path, 1, modified) for path in paths)
    return Recording(identity, locations, duration, "model", added)


LIBRARY = [
    recording("c", "/b/Apple.mp3", modified=3, duration=5, added="2024-03"),
    recording("b", "/a/pear.mp3", "/z/Caf\u00e9 pear.mp3", modified=1, duration=9, added="2024-01"),
    recording("a", "/a/fig.mp3", modified=1, duration=5, added="2024-02"),
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("name", "abc"), ("newest", "cab"), ("longest", "bac"), ("added", "cab"), ("title", "cab")],
)
def test_orders(order: ListOrder, expected: str) -> None:
    assert "".join(entry.id for entry in in_order(LIBRARY, order)) == expected


def test_equal_recordings_stay_sorted_by_path_in_a_reversed_order() -> None:
    assert [entry.id for entry in in_order(LIBRARY, "newest", reverse=True)] == ["a", "b", "c"]
    assert [entry.id for entry in in_order(LIBRARY, "longest", reverse=True)] == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", "cba"), (" ", "cba"), ("APPLE", "c"), ("pear a", "b"), ("cafe\u0301", "b"), ("fig z", ""), ("/a/", "ba")],
)
def test_all_words_are_in_one_path(text: str, expected: str) -> None:
    assert "".join(entry.id for entry in named(LIBRARY, text)) == expected
