"""Parsing of typed texts."""

from __future__ import annotations

import time

import pytest

from audiosearch.errors import QueryError
from indexer.search.parse import parse, parse_date
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, Filter, Phrase, Query, Term


def read(text: str) -> str:
    (phrase,) = parse([text]).query.phrases
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
        ('"hum*"', "hum*", False),
        ("o'n*", "o'n*", False),
        ("f*ck", "f ck", True),
        ("hello * world", "hello world", True),
        ("hello 世界*", "hello", True),
        ("(x or y) NEAR/3 z^2", None, True),
    ],
)
def test_normalization_and_notes(typed: str, expected: str | None, noted: bool) -> None:
    parsed = parse([typed], slop=2)
    if expected is not None:
        assert read(typed) == expected
    assert all(phrase.slop == 2 for phrase in parsed.query.phrases)
    assert bool(parsed.notes) == noted
    for note in parsed.notes:
        assert read(typed) in note


def test_duplicate_texts_give_one_phrase() -> None:
    parsed = parse(["one", "1", "two three", "One"])
    assert parsed.query.phrases == (Phrase((Term("one"),)), Phrase((Term("two"), Term("three"))))
    assert parsed.notes == ('"1" is read as "one"',)


@pytest.mark.parametrize(
    ("texts", "slop", "message"),
    [
        ([], 0, "is empty"),
        ([""], 0, "no word to search for"),
        (["*"], 0, "no word to search for"),
        (["?!"], 0, "no word to search for"),
        (["世界"], 0, "no word to search for"),
        (["fine", " "], 0, "no word to search for"),
        (["a*"], 0, "at least 2 letters"),
        ([" ".join(["word"] * 1000)], 0, "not 1000"),
        (["x" * 1_000_000], 0, "1000000 characters"),
        (["x" * (MAX_LETTERS + 1)], 0, "letters"),
        (["word"], -1, "slop"),
        (["word"], MAX_SLOP + 1, "slop"),
    ],
)
def test_invalid_texts_are_refused(texts: list[str], slop: int, message: str) -> None:
    with pytest.raises(QueryError, match=message) as error:
        parse(texts, slop)
    assert len(str(error.value)) < 200


def test_longest_phrase_is_accepted() -> None:
    (phrase,) = parse([" ".join(["word"] * MAX_TERMS)], MAX_SLOP).query.phrases
    assert len(phrase.terms) == MAX_TERMS


def test_conditions_are_normalized_like_texts() -> None:
    parsed = parse(
        ["one"],
        2,
        together=["2nd", "two*"],
        without=["Mr. X", "mister x"],
        within=1.5,
        wanted=Filter(("/a",)),
        order="time",
    )
    first, second, prefix = (Phrase((term,), 2) for term in (Term("one"), Term("second"), Term("two", prefix=True)))
    unwanted = Phrase((Term("mister"), Term("x")), 2)
    assert parsed.query == Query((first,), ((second,), (prefix,)), (unwanted,), 1.5, Filter(("/a",)), "time")
    assert parsed.notes == ('"2nd" is read as "second"', '"Mr. X" is read as "mister x"')
    for conditions in ({"together": ["?!"]}, {"without": ["a*"]}):
        with pytest.raises(QueryError):
            parse(["one"], **conditions)  # type: ignore[arg-type]
    for within in (-1.0, float("nan"), float("inf")):
        with pytest.raises(QueryError, match="seconds"):
            parse(["one"], together=["two"], within=within)
        with pytest.raises(ValueError, match="seconds"):
            Query((first,), ((prefix,),), within=within)


def test_dates_are_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        midnight = 1_717_093_800 * 1_000_000_000  # 31 May 2024 in India
        for text, seconds in (
            ("2024-05-31", 0.0),
            (" 2024-05-31T00:00 ", 0.0),
            ("2024-05-31 18:30:00.25", 66600.25),
            ("2024-05-30T18:30:00+00:00", 0.0),
            ("2024-05-30T18:30:00Z", 0.0),
        ):
            assert parse_date(text) == midnight + round(seconds * 1_000_000_000)
        for text in ("", "yesterday", "2024-13-01", "31.5.2024", "2024-05-31T25:00", "x" * 9999):
            with pytest.raises(QueryError, match="not a date"):
                parse_date(text)
    finally:
        monkeypatch.undo()
        time.tzset()
