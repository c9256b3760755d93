"""Bonuses of hot words, by texts that the emissions leave no doubt about."""

from __future__ import annotations

import pytest
from ctc import ENGLISH, spell

from audiosearch.core import Decoder, SearchSettings

PHRASES = [("bank", "of", "america"), ("new", "york"), ("new", "york", "times"), ("zeus",)]


def bonus(text: str) -> float:
    """Bonus in the final score of a text."""
    rows = spell(*text).log_probs
    settings = SearchSettings(0.0, 0.0, 0.0, 100, -10_000.0, -1000.0, prune_history=False)
    hot, plain = (dict(Decoder(ENGLISH.labels, None, PHRASES, weight).decode(rows, settings)) for weight in (2.0, 0.0))
    return hot[text] - plain[text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the of america", 0),
        ("the zeus of zeus", 16),
        ("bank", 0),  # 8 were pending
        ("bank of", 0),
        ("bank of america", 26),
        ("bank of zeus", 8),
        ("bank of bank", 0),
        ("new york", 14),  # final, though it may continue
        ("new york times", 24),
        ("new york bank", 14),
    ],
)
def test_complete_phrases_earn_a_bonus_for_each_letter(text: str, expected: float) -> None:
    assert bonus(text) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (["xz", "e"], "ze"),  # the beginning of zeus
        (["mo", "f"], "mf"),  # only after bank
        ([*"bank ", "mo", "f"], "bank of"),
        ([*"bank ", "xz", "e"], "bank ze"),  # any hot word may follow
        ([*"bank ", "xa", "m"], "bank xm"),  # not yet
        ([*"bank of ", "xa", "m"], "bank of am"),
        ([*"bank or ", "xa", "m"], "bank or xm"),
    ],
)
def test_letters_earn_a_bonus_where_a_hot_word_may_begin(frames: list[str], text: str) -> None:
    """A single beam follows what scores best so far; the bonus outweighs a letter twice as likely."""
    settings = SearchSettings(0.0, 0.0, 0.0, 1, -1000.0, -1000.0, prune_history=False)
    results = Decoder(ENGLISH.labels, None, PHRASES, 2.0).decode(spell(*frames).log_probs, settings)
    assert results[0][0] == text


def test_equal_phrases_and_no_phrases_change_nothing() -> None:
    settings = SearchSettings(0.0, 0.0, 0.0, 20, -20.0, -20.0, prune_history=True)
    rows = spell(*"new yor", "kj").log_probs
    plain = Decoder(ENGLISH.labels, None, [], 2.0).decode(rows, settings)
    assert Decoder(ENGLISH.labels, None, PHRASES, 0.0).decode(rows, settings)[0] == pytest.approx(plain[0])
    once = Decoder(ENGLISH.labels, None, PHRASES, 2.0).decode(rows, settings)
    assert Decoder(ENGLISH.labels, None, [*PHRASES, *PHRASES], 2.0).decode(rows, settings) == once
