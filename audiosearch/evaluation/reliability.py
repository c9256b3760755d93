"""Reliability of probabilities: predictions in bins of equal width, and the expected calibration error.

The expected calibration error is the mean over predictions of the difference between the mean probability of a bin and
its accuracy (Naeini, Cooper and Hauskrecht 2015; Guo, Pleiss, Sun and Weinberger 2017). Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions with a probability from ``low`` to below ``high``; the last bin includes 1.

    Args:
        count: number of predictions.
        mean_probability: their mean probability.
        accuracy: fraction of them that is correct.
    """

    low: float
    high: float
    count: int
    mean_probability: float
    accuracy: float


def reliability_table(
    probabilities: Sequence[float], correct: Sequence[bool], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Bins in ascending order of probability, empty ones left out."""
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for probability, is_correct in zip(probabilities, correct, strict=True):
        groups[min(int(probability * bins), bins - 1)].append((probability, is_correct))
    return tuple(
        ReliabilityBin(
            number / bins,
            (number + 1) / bins,
            len(group),
            math.fsum(probability for probability, _ in group) / len(group),
            sum(is_correct for _, is_correct in group) / len(group),
        )
        for number, group in enumerate(groups)
        if group
    )


def expected_calibration_error(table: Sequence[ReliabilityBin]) -> float | None:
    """Mean difference between probability and accuracy, weighted by count; None for an empty table."""
    total = sum(row.count for row in table)
    return sum(row.count * abs(row.mean_probability - row.accuracy) for row in table) / total if total else None
