from __future__ import annotations

import pytest

from audiosearch.evaluation.metrics import ErrorRate, character_errors, word_errors


def test_known_errors() -> None:
    references = ["i am a human", "saying human things", ""]
    hypotheses = ["i am human", "saying hu man things", "oh"]
    assert word_errors(references, hypotheses) == ErrorRate(1 + 2 + 1, 7)
    assert character_errors(["abcd", "ef"], ["abxd", "e"]) == ErrorRate(2, 6)


def test_rates() -> None:
    assert ErrorRate(1, 4).rate == 0.25
    assert ErrorRate(0, 0).rate == 0.0
    assert ErrorRate(1, 0).rate == float("inf")
    assert ErrorRate(1, 4) + ErrorRate(2, 1) == ErrorRate(3, 5)
    assert word_errors([], []) == character_errors([], []) == ErrorRate(0, 0)


def test_rates_of_a_sum_are_over_all_words() -> None:
    assert word_errors(["a b c d e f g h i", "x"], ["a b c d e f g h i", "y"]).rate == pytest.approx(0.1)
