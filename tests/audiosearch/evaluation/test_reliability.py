"""Reliability tables and expected calibration errors worked out by hand."""

from __future__ import annotations

import pytest

from audiosearch.evaluation.reliability import ReliabilityBin, expected_calibration_error, reliability_table


def test_predictions_fall_into_bins_and_empty_bins_are_left_out() -> None:
    table = reliability_table([0.05, 0.9, 0.95, 1.0, 0.25], [False, True, False, True, True])
    assert [(row.low, row.high, row.count) for row in table] == [(0.0, 0.1, 1), (0.2, 0.3, 1), (0.9, 1.0, 3)]
    assert [row.mean_probability for row in table] == pytest.approx([0.05, 0.25, 0.95])
    assert [row.accuracy for row in table] == pytest.approx([0, 1, 2 / 3])
    assert expected_calibration_error(table) == pytest.approx((0.05 + 0.75 + 3 * (0.95 - 2 / 3)) / 5)


def test_bins_weigh_as_many_as_their_predictions() -> None:
    table = reliability_table([0.95, 1.0, 0.91, 0.25, 0.2], [True, True, False, False, True])
    low, high = table
    assert (low.low, low.high, low.count, low.mean_probability, low.accuracy) == pytest.approx(
        (0.2, 0.3, 2, 0.225, 0.5)
    )
    assert (high.count, high.mean_probability, high.accuracy) == pytest.approx((3, 2.86 / 3, 2 / 3))
    assert expected_calibration_error(table) == pytest.approx((2 * 0.275 + 3 * (2.86 - 2) / 3) / 5)


def test_an_empty_table_has_no_calibration_error() -> None:
    assert reliability_table([], []) == ()
    assert expected_calibration_error([]) is None
    assert expected_calibration_error([ReliabilityBin(0.0, 0.1, 2, 0.05, 0.05)]) == 0.0
