"""Readings of numbers in typed text, and of numbers in words."""

from __future__ import annotations

import pytest

from audiosearch.normalizer import normalize
from indexer.search.number_readings import respoken
from indexer.search.parse import MAX_EQUAL_READINGS, parse
from indexer.search.written_numbers import MAX_READINGS, readings


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("2004", "two thousand four, twenty oh four, two zero zero four"),
        ("flight 747", "flight seven hundred forty seven, flight seven forty seven, flight seven four seven"),
        ("105", "one hundred five, one oh five, a hundred and five, a hundred five"),
        ("1500", "one thousand five hundred"),
        ("1,500", "fifteen hundred"),
        ("1905", "nineteen hundred and five, nineteen hundred five"),
        ("2 000", "two thousand"),
        ("007", "double oh seven, oh oh seven"),
        ("F-150", "f one fifty"),
        ("1.5", "one and a half"),
        ("3.14", "three point fourteen"),
        ("0.05", "point zero five, zero point oh five"),
        ("-5", "negative five"),
        ("101st", "one hundred first, a hundred and first"),
        ("10 km", "ten kilometers, ten kilometres, ten k"),
        ("1km", "one kilometer, one kilometre"),
        ("80kg", "eighty kilograms, eighty kilos"),
        ("60 mph", "sixty miles per hour, sixty miles an hour"),
        ("20 °C", "twenty degrees celsius, twenty degrees"),
        ("16 GB", "sixteen gigabytes, sixteen gigs"),
        ("50%", "fifty per cent"),
        ("5k", "five thousand"),
        ("$5 million", "five million, five million dollar"),
        ("£3.50", "three pounds fifty, three fifty, three pound fifty"),
        ("€20", "twenty euro"),
        ("$1,500", "fifteen hundred dollars"),
        ("7:00 pm", "seven o'clock, seven in the evening"),
        ("12:00 pm", "noon, twelve o'clock"),
        ("19:30", "seven thirty, seven thirty p m, half past seven"),
        ("2026-11-28", "november twenty eighth twenty twenty six, november twenty eighth, twenty eighth of november"),
        ("28.11.2026", "november twenty eighth twenty twenty six"),
        ("Nov. 28", "november twenty eighth, twenty eighth of november, november twenty eight"),
        ("the 4th of July", "the july fourth"),
        ("1/4", "a quarter, one fourth"),
        ("2½", "two and a half"),
        ("1990s", "nineties"),
        ("10-15", "ten to fifteen"),
        ("(212) 555-0123", "two one two five five five oh one two three"),
        ("1-800-555-0123", "one eight hundred five five five zero one two three"),
    ],
)
def test_numbers_have_all_usual_readings(typed: str, spoken: str) -> None:
    normalized = [normalize(text) for text in readings(typed)]
    assert set(spoken.split(", ")) <= set(normalized), normalized
    assert len(normalized) <= MAX_READINGS
    assert normalize(typed) not in normalized
    assert len(set(normalized)) == len(normalized)


@pytest.mark.parametrize(
    "typed", ["human things", "mp3", "B2B", "3 4 and 5", "iPhone 15", "10:30:15", "24/7", "200*", "²"]
)
def test_texts_without_other_readings(typed: str) -> None:
    assert readings(typed) == []


def test_many_numbers_have_a_bounded_number_of_readings() -> None:
    for text in ("747 " * 64, "$1,500 at 7:30 pm on 2026-11-28, 105 km"):
        assert 10 < len(readings(text)) <= MAX_READINGS


@pytest.mark.parametrize(
    ("spoken", "others"),
    [
        ("two thousand four", "two thousand and four, twenty oh four"),
        ("twenty oh four", "two thousand and four, two thousand four"),
        ("seven four seven", "seven forty seven, seven hundred and forty seven"),
        ("a hundred and five", "one oh five, one hundred five"),
        ("nineteen eighty four", "one nine eight four"),
        ("fifteen hundred", "one thousand five hundred"),
    ],
)
def test_numbers_in_words_have_the_other_readings(spoken: str, others: str) -> None:
    words = ["in", *spoken.split(), "boats", "and", "a", "sail"]
    ((first, end, found),) = respoken(words)
    assert words[first:end] == spoken.split()
    assert set(others.split(", ")) <= set(found)
    assert spoken not in found


@pytest.mark.parametrize(
    "spoken", ["five and six", "twenty four seven", "a lot", "and", "hundred and", "two", "oh no a one"]
)
def test_words_that_are_no_number(spoken: str) -> None:
    assert list(respoken(spoken.split())) == []


def test_a_typed_number_gives_a_phrase_for_each_reading() -> None:
    parsed = parse(["in 2004", "lighthouse"], 1, together=["747"], without=["10 km"])
    assert [phrase.text for phrase in parsed.typed.phrases] == ["in two thousand and four", "lighthouse"]
    assert [phrase.text for phrase in parsed.query.phrases] == [
        *("in two thousand and four", "lighthouse", "in two thousand four", "in twenty oh four"),
        "in two zero zero four",
    ]
    assert [phrase.text for phrase in parsed.query.variants] == ["in two oh oh four"]
    assert len(parsed.query.phrases) <= 2 * MAX_EQUAL_READINGS
    ((typed, *others),) = parsed.query.together
    assert parsed.typed.together == ((typed,),)
    assert "seven forty seven" in [phrase.text for phrase in others]
    assert {phrase.text for phrase in parsed.query.without} >= {"ten km", "ten kilometres"}
    assert all(phrase.slop == 1 for phrase in parsed.query.sought)


def test_a_star_stays_beside_a_number() -> None:
    assert [phrase.text for phrase in parse(["105 boat*"]).query.phrases][:2] == [
        *("one hundred and five boat*", "one hundred five boat*"),
    ]
