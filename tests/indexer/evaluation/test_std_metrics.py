"""Measures of spoken term detection against values worked out by hand."""

from __future__ import annotations

import math
import random

import pytest

from indexer.evaluation.scoring import ScoredHit
from indexer.evaluation.std_metrics import (
    BETA,
    Term,
    average_precision,
    maximum_value,
    optimum_value,
    percentile,
    rates,
    recall_at,
    recall_ceiling,
    term_weighted_value,
)

CHANCE = random.Random(5)


def correct(confidence: float) -> ScoredHit:
    return ScoredHit(confidence, start_error=0.02)


def false_alarm(confidence: float) -> ScoredHit:
    return ScoredHit(confidence, start_error=None)


# In 10,000 seconds a false alarm costs the first term 999.9 / (10,000 − 1) = 0.1, the second 0.1000100…
ONE = Term(1, (correct(0.9), false_alarm(0.6)))
TWO = Term(2, (false_alarm(0.8), correct(0.7), false_alarm(0.3)))
ABSENT = Term(0, (false_alarm(0.95),))
TERMS = (ONE, TWO, ABSENT)
SECONDS = 10_000.0


def test_beta_is_that_of_nist() -> None:
    assert pytest.approx(0.1 * (1 / 1e-4 - 1)) == BETA


def test_term_weighted_values_by_hand() -> None:
    first, second = 999.9 / 9999, 999.9 / 9998
    everything = (1 - first + 0.5 - 2 * second) / 2
    assert term_weighted_value(TERMS, SECONDS) == pytest.approx(everything)
    assert term_weighted_value(TERMS, SECONDS, 0.7) == pytest.approx((1 + 0.5 - second) / 2)
    assert term_weighted_value(TERMS, SECONDS, 0.99) == 0
    best = maximum_value(TERMS, SECONDS)  # at 0.9: 0.5; 0.8: 0.45; 0.7: 0.70; 0.6: 0.65
    assert best == pytest.approx(((1.5 - second) / 2, 0.7))
    assert optimum_value(TERMS, SECONDS) == pytest.approx((1 + 0.5 - second) / 2)
    assert recall_ceiling(TERMS) == (1 + 0.5) / 2


def test_false_alarms_cost_by_duration_and_an_empty_result_is_zero() -> None:
    noisy = Term(1, (false_alarm(0.9), correct(0.5)))
    assert term_weighted_value([noisy], 101.0) == pytest.approx(1 - 9.999)
    assert maximum_value([noisy], 101.0) == (0, math.inf)
    assert optimum_value([noisy], 101.0) == 0
    crowded = Term(3, (false_alarm(0.5),))  # more occurrences than seconds
    assert term_weighted_value([crowded], 2.0) == pytest.approx(-BETA)


def test_rates_by_hand() -> None:
    everything, confident = rates(TERMS), rates(TERMS, 0.7)
    assert (everything.precision, everything.recall, everything.f1) == (2 / 6, 2 / 3, 4 / 9)
    assert (confident.hits, confident.correct, confident.occurrences) == (4, 2, 3)
    # By confidence: false 0.95, correct 0.9, false 0.8, correct 0.7, … → gains of 1/3 at precisions 1/2 and 2/4.
    assert average_precision(TERMS) == pytest.approx(1 / 3 * 1 / 2 + 1 / 3 * 2 / 4)
    assert recall_at(TERMS, 0.5) == pytest.approx(2 / 3)
    assert recall_at(TERMS, 0.51) == 0
    tie = Term(2, (false_alarm(0.5), correct(0.5)))
    assert average_precision([tie]) == 0.25


def test_no_terms_no_occurrences_no_hits() -> None:
    assert average_precision([ABSENT]) is None
    assert term_weighted_value([ABSENT], SECONDS) is None
    assert maximum_value([], SECONDS) is None
    assert optimum_value([], SECONDS) is None
    assert recall_ceiling([]) is None
    empty = rates([Term(0, ())])
    assert (empty.precision, empty.recall, empty.f1) == (None, None, None)
    assert rates([Term(2, ())]).recall == 0
    assert percentile([], 0.5) is None


def test_threshold_value_at_most_mtwv_at_most_otwv_at_most_ceiling() -> None:
    for _ in range(200):
        terms = []
        for _ in range(CHANCE.randrange(1, 5)):
            occurrences = CHANCE.randrange(1, 4)
            hits = [correct(CHANCE.choice([0.2, 0.5, 0.9])) for _ in range(CHANCE.randrange(occurrences + 1))]
            hits += [false_alarm(CHANCE.choice([0.2, 0.5, 0.9])) for _ in range(CHANCE.randrange(4))]
            terms.append(Term(occurrences, tuple(hits)))
        best = maximum_value(terms, 5000.0)
        optimum, ceiling = optimum_value(terms, 5000.0), recall_ceiling(terms)
        assert best is not None
        assert optimum is not None
        assert ceiling is not None
        swept = [term_weighted_value(terms, 5000.0, threshold) for threshold in (0.2, 0.5, 0.9, 1.0)]
        assert best[0] == pytest.approx(max(value for value in swept if value is not None))
        assert term_weighted_value(terms, 5000.0, best[1]) == pytest.approx(best[0])
        assert best[0] <= optimum + 1e-12
        assert optimum <= ceiling + 1e-12


def test_percentiles() -> None:
    values = [float(number) for number in range(11)]
    assert percentile(values, 0.5) == 5
    assert percentile(values, 0.95) == 9.5
    assert percentile([3.0], 0.95) == 3.0
