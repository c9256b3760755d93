"""Other spellings of a query, in every store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audiosearch.types import Alternative, Word
from indexer.index import Index, open_index
from indexer.search import engine
from indexer.search.parse import parse
from indexer.search.variants import MAX_VARIANTS, added, with_variants
from indexer.types import Recording

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

SPELLINGS = (
    *(("email", "e mail"), ("website", "web site"), ("lighthouse", "light house"), ("javascript", "java script")),
    *(("don't", "dont"), ("don't", "don t"), ("o'neil", "oneil"), ("o'neil's", "oneils"), ("o'neil", "o neil")),
    *(("usa", "u s a"), ("bbc", "b b c"), ("pm", "p m"), ("xray", "x ray")),
    *(("iphone", "i phone"), ("login", "log in"), ("nevertheless", "never the less"), ("percent", "per cent")),
    *(("phd", "ph d"), ("ok", "o k"), ("wifi", "wi fi"), ("cooperate", "co operate"), ("follow up", "followup")),
    *(("kilometers", "kilometres"), ("seven forty seven", "seven four seven"), ("one hundred five", "one oh five")),
    ("email website", "e mail web site"),
)


@pytest.fixture
def index(url: str) -> Index:
    return open_index(url, create=True)


def found(index: Index, *texts: str, limit: int = 20, mode: engine.Mode = "auto", **more: object) -> list[str]:
    """Words of the hits on all pages."""
    query = parse(texts, **more).query  # type: ignore[arg-type]
    page = engine.search(index, query, mode, limit)
    hits = list(page.hits)
    while page.after is not None:
        page = engine.search(index, query, mode, limit, page.after)
        hits += page.hits
    return [hit.text for hit in hits]


def test_spellings_are_found_in_every_direction(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    for part, stored in enumerate(zip(*SPELLINGS, strict=True)):
        with open_index(f"{url}{part}", create=True) as index:
            for number, text in enumerate(stored):
                index.add(recording(number), spoken(f"and now {text} again"))
            for number, pair in enumerate(SPELLINGS):
                typed = pair[1 - part]
                if typed == "nevertheless":  # not split
                    continue
                assert stored[number] in found(index, typed), typed
                assert f"now {stored[number]} again" in found(index, f"now {typed} again"), typed
                assert stored[number] in found(index, f'"{typed}"', mode="words", slop=1), typed


@pytest.mark.parametrize("typed", ["email", "e-mail", "E mail"])
def test_typed_form_comes_first(url: str, typed: str, recording: MakeRecording, spoken: MakeWords) -> None:
    forms = ["email", "e mail"] if typed == "email" else ["e mail", "email"]
    with open_index(url, create=True) as index:
        for number in range(6):
            index.add(recording(number), spoken("an email or e mail", confidence=0.7 + 0.05 * number))
        for limit in (1, 5, 6, 20):
            for mode in ("words", "auto"):
                assert found(index, typed, limit=limit, mode=mode) == [forms[0]] * 6 + [forms[1]] * 6
        assert found(index, typed, order="time") == ["email", "e mail"] * 6
        page = engine.search(index, parse([typed]).query)
        assert [phrase.text for phrase in page.variants] == [forms[1]]
        assert [hit.variant for hit in page.hits] == [False] * 6 + [True] * 6
        assert [hit.confidence for hit in page.hits][:6] == [hit.confidence for hit in page.hits][6:]
        filled = engine.search(index, parse([typed]).query, limit=3)
        assert not filled.variants or len(filled.hits) == 3
        counts = engine.count(index, with_variants(index, parse([typed]).query), "words")
        assert [count.hits for count in counts] == [2] * 6


def test_conditions_hold_for_every_spelling(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("the light house is by the web site"))
        index.add(recording(2), spoken("the lighthouse in two thousand four"))
        assert found(index, "the", together=["lighthouse"]) == ["the"] * 3
        assert found(index, "lighthouse", together=["website"]) == ["light house"]
        assert found(index, "lighthouse", together=["2004"], within=1.0) == ["lighthouse"]
        assert found(index, "the", without=["website"]) == ["the"]
        assert found(index, "the", without=["light house"]) == []
        assert found(index, "lighthouse", without=["2004"]) == ["light house"]
        assert found(index, "lighthouse", "2004") == ["lighthouse", "two thousand four", "light house"]


def test_hits_above_a_confidence_include_variants(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("email", confidence=0.3))
        index.add(recording(2), spoken("e mail", confidence=0.9))
        for limit in (1, 10):
            page = engine.search_above_confidence(index, parse(["email"]).query, "words", limit, None, 0.8)
            assert [hit.text for hit in page.hits] == ["e mail"]


def test_a_place_of_both_spellings_is_one_hit(url: str, recording: MakeRecording) -> None:
    words = [Word("dont", 0.0, 0.5, 0.9, (Alternative("don't", 0.7),))]
    with open_index(url, create=True) as index:
        index.add(recording(1), words)
        assert found(index, "don't") == ["don't"]
        assert found(index, "dont") == ["dont"]


def test_a_reading_within_the_typed_form_is_no_hit_of_its_own(
    url: str, recording: MakeRecording, spoken: MakeWords
) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(0), spoken("they raised five million dollars"))
        index.add(recording(1), spoken("it cost them five million"))
        assert found(index, "$5 million") == ["five million dollars", "five million"]
        assert found(index, "$5 million", mode="words") == ["five million dollars", "five million"]
        assert len(found(index, "five million", "five million dollars")) == 3  # both were typed


def test_only_spellings_of_the_index_are_looked_for(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        text = "now here is land and the rapist ran a way to it i ran have h a v e light and house"
        index.add(recording(1), spoken(text))
        for typed in ("nowhere", "island", "therapist", "away", "a way", "iran", "have", "lighthouse", "human things"):
            query = parse([typed]).query
            assert added(query, with_variants(index, query)) == (), typed
        assert found(index, "h a v e") == ["h a v e", "have"]


def test_the_number_of_variants_is_bounded(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken(f"{'light house ' * 20} lighthouse {'light house ' * 20}"))
        query = parse(["light house " * 20]).query
        assert 0 < len(with_variants(index, query).variants) <= MAX_VARIANTS
        assert with_variants(index, parse(["zebra"]).query) == parse(["zebra"]).query


def test_prefixes_are_joined_and_split(url: str, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(url, create=True) as index:
        index.add(recording(1), spoken("lighthouses shine"))
        index.add(recording(2), spoken("light houses shine"))
        assert found(index, "light hous*") == ["light houses", "lighthouses"]
        assert found(index, "phd*") == found(index, "ph d light*") == []
        assert found(index, "lighthou*") == ["lighthouses", "light houses"]
