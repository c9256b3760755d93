"""The query language: texts, their parts, and the values of operators."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from audiosearch.errors import QueryError
from indexer.search.parse import parse, parse_date
from indexer.search.query_items import Item, items, rewritten
from indexer.search.query_language import TypedQuery, read
from indexer.types import Filter, Phrase


def groups(text: str) -> tuple[tuple[str, ...], ...]:
    return read([text]).groups


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("human things", [["human things"]]),
        ('"human things"', [["human things"]]),
        ('"human things" film', [["human things"], ["film"]]),
        ('film "human things" sea', [["film"], ["human things"], ["sea"]]),
        ('"a""b"', [["a"], ["b"]]),
        ('storm"life boat"', [["storm"], ["life boat"]]),
        ("“life boat” „Haus“ „Haus” »ja« »ja» ”ja” “ja“", [["life boat"], *[["Haus"]] * 2, *[["ja"]] * 4]),
        ('"life boat” film “sea"', [["life boat” film “sea"]]),
        ('"life boat” film', [["life boat"], ["film"]]),
        ('"he said “yes” to me"', [["he said “yes” to me"]]),
        ('«"ja"»', [['"ja"']]),
        ("storm OR sea", [["storm", "sea"]]),
        ('human things OR "sea" OR boat "x"', [["human things", "sea", "boat"], ["x"]]),
        ('"x" human things OR boat', [["x"], ["human things", "boat"]]),
        ("storm or sea Or boat", [["storm or sea Or boat"]]),
        ("a-b - c -- d –e -5 -'x", [["a-b - c -- d –e -5 -'x"]]),
        ("at 10:30, 1:2:3 and https://x.y/z?a=b", [["at 10:30, 1:2:3 and https://x.y/z?a=b"]]),
        ("note: x : y :z", [["note: x : y :z"]]),
        ('6" and 7" pipes', [['6" and 7" pipes']]),
        ('"apollo 13" x', [["apollo 13"], ["x"]]),
        ('"hello", he said', [["hello"], [", he said"]]),
        ('"hello" , "" «» …', [["hello"]]),
        ('"OR"', [["OR"]]),
        ('"-film path:x"', [["-film path:x"]]),
        ("a\tb\n c\u00a0d", [["a\tb\n c\u00a0d"]]),
        ("?!", [["?!"]]),
        ("", [[""]]),
        ('-""', [['-""']]),
    ],
)
def test_parts_without_conditions(text: str, expected: list[list[str]]) -> None:
    assert read([text]) == TypedQuery(tuple(map(tuple, expected)))


@pytest.mark.parametrize(
    ("text", "expected", "note"),
    [
        ("OR", [["OR"]], "OR is searched as a word"),
        ("OR a", [["OR a"]], "OR is searched as a word"),
        ("a OR", [["a OR"]], "OR is searched as a word"),
        ("a OR OR b", [["a OR OR b"]], "OR is searched as a word"),
        ('"a" OR OR "b"', [["a"], ["OR OR"], ["b"]], "OR is searched as a word"),
        ("a OR -b", [["a OR"]], "OR is searched as a word"),
        ("a AND b", [["a AND b"]], "AND is searched as a word: phrases in quotation marks must all be said"),
        ("a NOT b", [["a NOT b"]], "NOT is searched as a word: -word excludes a word"),
        ("foo:bar baz", [["foo:bar baz"]], 'foo: is no operator: "foo:bar" is searched as words; known are within:,'),
        ('foo:"bar baz"', [["foo:"], ["bar baz"]], "foo: is no operator"),
        ("a -foo:bar", [["a"]], "foo: is no operator"),
        ("the path: we", [["the path: we"]], "path: is searched as a word: its value follows without a blank"),
        ("a within:", [["a within:"]], "within: is searched as a word"),
        ('"human things', [['"human things']], "a quotation mark without its counterpart is left out"),
        ('human things"', [['human things"']], "a quotation mark without its counterpart is left out"),
        ("«human", [["«human"]], "a quotation mark without its counterpart is left out"),
        ('a path:"b c', [['a path:"b c']], "a quotation mark without its counterpart is left out"),
        ('a -"b c', [['a -"b c']], "a quotation mark without its counterpart is left out"),
        ("a within:30", [["a"]], "within: has no effect"),
    ],
)
def test_texts_that_look_like_operators_are_words_with_a_note(text: str, expected: list[list[str]], note: str) -> None:
    assert groups(text) == tuple(map(tuple, expected))
    assert any(note in sentence for sentence in parse([text]).notes)


@pytest.mark.parametrize("text", ["TO BE AND NOT", "a or b", 'he is 6" tall', "x:", "https://a.b", "8:15"])
def test_ordinary_texts_have_no_note(text: str) -> None:
    assert read([text]).notes == ()


def test_exclusions() -> None:
    typed = read(['-film storm -well-known -"life boat" -„See“'])
    assert (typed.groups, typed.without) == ((("storm",),), ("film", "well-known", "life boat", "See"))


def test_values_of_operators() -> None:
    typed = read(
        ['PATH:/a storm path:"My Podcasts/"2024 Since:2024 until:2024-05 voice:“Ann B” voice:left within:1:30']
    )
    assert groups("storm since:2024 sea") == (("storm",), ("sea",))
    assert typed == TypedQuery(
        (("storm",),), (), 90.0, ("/a", "My Podcasts/2024"), "2024", "2024-05", ("Ann B", "left")
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("30", 30), ("0", 0), ("1.5", 1.5), (".5", 0.5), ("30s", 30), ("30sec", 30), ("2m", 120), ("2min", 120),
        ("1h", 3600), ("1h30m", 5400), ("1m30s", 90), ("1:30", 90), ("90:00", 5400), ("1:02:03", 3723), ("0:00.5", 0.5),
    ],
)  # fmt: skip
def test_distances(value: str, expected: float) -> None:
    assert read([f'"a" "b" within:{value}']).within == expected


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a within:soon"], "within:soon is no distance in seconds"),
        (["a within:-1"], "within:-1 is no"),
        (["a within:1e3"], "within:1e3 is no"),
        (["a within:nan"], "within:nan is no"),
        (["a within:1:75"], "within:1:75 is no"),
        (["a within:m"], "within:m is no"),
        (["a within:" + "9" * 5000], "within:9999"),
        (["a within:٣"], "within:٣ is no"),
        (["a since:soon"], 'since: "soon" is not a date'),
        (["a until:2024-13"], 'until: "2024-13" is not a date'),
        (['a path:""'], "path: has an empty value"),
        (['a voice:" "'], "voice: has an empty value"),
        (["a within:1 within:2"], 'within: is given 2 times, as "1" and "2"'),
        (["a since:2023", "since:2024"], "since: is given 2 times"),
        (["a -path:x"], "path: cannot be excluded"),
        (["-film"], "conditions only"),
        (["path:x", "since:2024"], "conditions only"),
        (['a "b"', "c"], "several texts are alternatives"),
        (['"a"' * 41], "at most 40 phrases, not 41"),
        (['""'], "no word to search for"),
        (['"世界" a'], "no word to search for"),
        (["a -世界"], "no word to search for"),
    ],
)
def test_wrong_values_are_named(texts: list[str], message: str) -> None:
    with pytest.raises(QueryError) as error:
        parse(texts)
    assert message in str(error.value)
    assert len(str(error.value)) < 250


def test_equal_values_are_no_conflict() -> None:
    assert read(['"a" b within:90 within:1:30 since:2024 since:2024']).within == 90


def test_several_texts_are_alternatives_under_common_conditions() -> None:
    assert groups("a OR b") == read(["a", "b"]).groups == read(["a", "OR", "b"]).groups
    assert read(["a", "path:x", "b OR c"]) == TypedQuery((("a", "b", "c"),), paths=("x",))
    typed = read(["a -c", "b"])
    assert (typed.groups, typed.without) == ((("a", "b"),), ("c",))
    assert typed.notes == ('the conditions of "a -c" hold for all texts',)


def test_the_language_gives_the_query_of_the_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    typed = parse(['"human things" 2nd OR Sea -film within:30 path:talks since:2024 until:2024-05-31'])
    given = parse(
        ["human things"],
        without=["film"],
        within=30,
        wanted=Filter((f"{tmp_path}/talks",), parse_date("2024-01-01"), parse_date("2024-05-31")),
    )
    assert typed.query.together == ((Phrase.of("second"), Phrase.of("sea")),)
    assert typed.query.filter == given.query.filter
    assert typed.query.without == given.query.without
    assert (typed.query.phrases, typed.query.within) == (given.query.phrases, 30)
    assert parse(["a voice:“Ann  B” voice:ANN voice:ann"]).query.voices == ("ann b", "ann")


def test_operators_hold_in_addition_to_arguments() -> None:
    given = Filter(("/a",), parse_date("2023"), parse_date("2025"))
    wanted = parse(["a path:/b since:2024 until:2026"], wanted=given).query.filter
    assert wanted == Filter(("/a",), parse_date("2024"), parse_date("2025"), and_paths=("/b",))
    assert len(parse(['a "b" -d'], together=["c"], without=["e"]).query.together) == 2
    assert parse(['a "b" within:30'], within=30).query.within == 30
    with pytest.raises(QueryError, match="given twice, as 60 and as within:30"):
        parse(['a "b" within:30'], within=60)


def test_years_and_months_are_dates() -> None:
    assert parse_date("2024") == parse_date("2024-01") == parse_date("2024-01-01")
    assert parse_date(" 2024-05 ") == parse_date("2024-05-01T00:00")
    for text in ("202", "20245", "2024-5", "2024-00", "0000"):
        with pytest.raises(QueryError, match="not a date"):
            parse_date(text)


def test_items_of_a_text_are_replaced() -> None:
    text = 'storm path:"My Podcasts" "life boat"  since:2024 -film OR voice:x foo:b'

    def without_operators(item: Item, typed: str) -> str:
        return "" if item.kind == "operator" else typed

    assert rewritten(text, lambda item, typed: typed) == " ".join(text.split())
    assert rewritten(text, without_operators) == 'storm "life boat" -film OR foo:b'


FRAGMENTS = strategies.sampled_from(
    [
        *'"“”„«»-:* \t', "OR", " OR ", "human", "things", "path:", "within:", "since:", "voice:", "30", "1:30", "2024",
        "foo:", "世", "\0", "é", "\ud800",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(strategies.lists(FRAGMENTS, max_size=16).map("".join) | strategies.text(max_size=40))
def test_any_text_is_parsed_or_refused_in_a_sentence(text: str) -> None:
    found = list(items(text))
    covered = "".join(text[item.start : item.end] for item in found)
    assert "".join(covered.split()) == "".join(text.split()), "no letter is lost"
    assert all(before.end <= after.start for before, after in pairwise(found))
    with suppress(QueryError):
        parsed = parse([text])
        assert parsed.query.phrases
        assert parse([f'"{parsed.typed.phrases[0].text}"']).typed.phrases == parsed.typed.phrases[:1]


@pytest.mark.parametrize("part", ['"', "“", "„", "«", "-", ":", "a:", "OR ", '"a', "-a ", '-"', "path:", 'path:"'])
def test_long_texts_are_read_at_once(part: str) -> None:
    with suppress(QueryError):
        read([part * (10_000 // len(part))])
