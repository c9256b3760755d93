"""Durations and speeds are written alike on terminals, in reports and on the page."""

from __future__ import annotations

import pytest

from audiosearch.console.durations import length, pace


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (99, "99 s"),
        (100, "2 min"),
        (36 * 60, "36 min"),
        (6000, "1.7 h"),
        (4e6, "1,111.1 h"),
    ],
)
def test_durations_name_their_unit(seconds: float, text: str) -> None:
    assert length(seconds) == text


def test_a_speed_is_never_zero() -> None:
    assert [pace(speed) for speed in (0, 0.01, 0.4, 9.96, 1200)] == [
        *("", "", "0.4 × real time", "10 × real time", "1,200 × real time"),
    ]
