"""Confidence intervals of error rates by the bootstrap.

Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004: draw as many
units as there are, with replacement, take all their errors over all their words, and repeat; the middle 95 % of the
rates are the interval. Utterances of one speaker are alike, so the units are speakers where there are enough of them.

Legend: U units, R resamples.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from audiosearch.evaluation.metrics import ErrorRate

LEVEL = 0.95
RESAMPLES = 10_000
SEED = 2004

MIN_SPEAKERS = 5
"""Fewer speakers say nothing about others: then utterances are drawn, and the interval is of these speakers."""

_DRAWN_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a rate, as fractions, and the units that were drawn to find them."""

    low: float
    high: float
    unit: Literal["speakers", "utterances"]


def confidence_interval(errors: Sequence[ErrorRate], speakers: Sequence[Hashable | None]) -> Interval | None:
    """The 95 % interval of the rate of utterances; None where there is only one unit.

    The same numbers give the same interval, on every machine.

    Args:
        errors: of each utterance.
        speakers: of each utterance; None where unknown, and then it counts as a speaker of its own.
    """
    import numpy as np

    keys: list[Hashable] = [("", number) if name is None else name for number, name in enumerate(speakers)]
    known = {name for name in speakers if name is not None}
    unit: Literal["speakers", "utterances"] = "speakers" if len(known) >= MIN_SPEAKERS else "utterances"
    if unit == "utterances":
        keys = list(range(len(errors)))
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    if len(places) < 2:
        return None
    units = [places[key] for key in keys]
    wrong = np.bincount(units, [each.errors for each in errors])  # [U]
    total = np.bincount(units, [each.total for each in errors])
    rng = np.random.default_rng(SEED)
    rates = []
    for count in _parts(RESAMPLES, max(1, _DRAWN_AT_ONCE // len(places))):
        drawn = rng.integers(len(places), size=(count, len(places)))  # [R, U]
        rates.append(wrong[drawn].sum(1) / np.maximum(total[drawn].sum(1), 1))
    low, high = np.quantile(np.concatenate(rates), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), unit)


def _parts(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
