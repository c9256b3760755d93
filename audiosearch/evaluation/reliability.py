"""How sure something is against how right it is: examples in bins of equal width by probability. Standard library only.

The expected calibration error is the mean over examples of the difference between the mean probability in an example's
bin and the part of that bin that is right (Naeini, Cooper and Hauskrecht 2015; Guo, Pleiss, Sun and Weinberger 2017).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class Tally:
    """A bin that is not empty: its number from 0 on, how many it holds, their mean probability, the part right."""

    number: int
    count: int
    said: float
    right: float


def tallies(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Tally]:
    """The bins by number."""
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for probability, is_right in zip(probabilities, right, strict=True):
        groups[min(int(probability * bins), bins - 1)].append((probability, is_right))
    return [
        Tally(
            number,
            len(some),
            math.fsum(one for one, _ in some) / len(some),
            sum(is_right for _, is_right in some) / len(some),
        )
        for number, some in enumerate(groups)
        if some
    ]


def expected_error(rows: Iterable[tuple[int, float, float]]) -> float | None:
    """Expected calibration error of bins: how many, mean probability, part that is right; None of none."""
    rows = list(rows)
    total = sum(count for count, _, _ in rows)
    return sum(count * abs(said - right) for count, said, right in rows) / total if total else None


@dataclass(frozen=True, slots=True)
class Bin:
    """What was said to be about equally probable: from where on, how many, their mean probability, the share right."""

    least: float
    count: int
    said: float
    right: float


def reliability(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """A table of equal steps of probability; steps without examples are left out."""
    return [Bin(one.number / bins, one.count, one.said, one.right) for one in tallies(probabilities, right, bins)]


def calibration_error(table: Sequence[Bin]) -> float:
    """Expected calibration error of a table; 0 of an empty one."""
    return expected_error((row.count, row.said, row.right) for row in table) or 0.0
