"""Typed texts and what they are read as."""

from __future__ import annotations

import pytest

from audiosearch.errors import QueryError
from indexer.query import parse
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, Phrase, Term


def read(text: str) -> str:
    (phrase,) = parse([text]).phrases
    return " ".join(term.text + "*" * term.prefix for term in phrase.terms)


@pytest.mark.parametrize(
    ("typed", "expected", "noted"),
    [
        ("human things", "human things", False),
        ("  Human\tTHINGS!  ", "human things", False),
        ("“Hello, world…”", "hello world", False),
        ("don’t", "don't", False),
        ("Mr. O'Neil's 2nd", "mister o'neil's second", True),
        ("well-known", "well known", True),
        ("hum* Thing*", "hum* thing*", False),
        ('"hum*", she said', "hum* she said", False),
        ("o'n*", "o'n*", False),
        ("f*ck", "f ck", True),
        ("hello * world", "hello world", True),
        ("hello 世界*", "hello", True),
        ('AND (x OR "y") NEAR/3 z^2 -w col:v', None, True),
    ],
)
def test_how_it_is_read(typed: str, expected: str | None, noted: bool) -> None:
    reading = parse([typed], slop=2)
    if expected is not None:
        assert read(typed) == expected
    assert all(phrase.slop == 2 for phrase in reading.phrases)
    assert bool(reading.notes) == noted
    for note in reading.notes:
        assert read(typed) in note


def test_several_texts_and_repetitions() -> None:
    reading = parse(["one", "1", "two three", "One"])
    assert reading.phrases == (Phrase((Term("one"),)), Phrase((Term("two"), Term("three"))))
    assert reading.notes == ('"1" is read as "one"',)


@pytest.mark.parametrize(
    ("texts", "slop", "message"),
    [
        ([], 0, "nothing to look for"),
        ([""], 0, "no word to look for"),
        (["*"], 0, "no word to look for"),
        (["?!"], 0, "no word to look for"),
        (["世界"], 0, "no word to look for"),
        (["fine", " "], 0, "no word to look for"),
        (["a*"], 0, "at least 2 letters"),
        ([" ".join(["word"] * 1000)], 0, "not 1000"),
        (["x" * 1_000_000], 0, "1000000 characters"),
        (["x" * (MAX_LETTERS + 1)], 0, "letters"),
        (["word"], -1, "slop"),
        (["word"], MAX_SLOP + 1, "slop"),
    ],
)
def test_what_cannot_be_searched(texts: list[str], slop: int, message: str) -> None:
    with pytest.raises(QueryError, match=message) as error:
        parse(texts, slop)
    assert len(str(error.value)) < 200


def test_limits_are_allowed() -> None:
    (phrase,) = parse([" ".join(["word"] * MAX_TERMS)], MAX_SLOP).phrases
    assert len(phrase.terms) == MAX_TERMS
