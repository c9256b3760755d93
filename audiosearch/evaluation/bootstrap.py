"""Confidence intervals of error rates by the bootstrap.

Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004: resample all
units with replacement, divide their errors by their words, and repeat; the interval is the middle 95 % of the rates.
Utterances of one speaker are correlated, so the units are speakers if there are enough of them.

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
"""With fewer speakers utterances are resampled, and the interval is for these speakers only."""

MAX_DRAWS = 1 << 22
"""Maximum number of draws in memory at a time."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a rate, as fractions, and the units that were resampled."""

    low: float
    high: float
    unit: Literal["speakers", "utterances"]


def confidence_interval(
    errors: Sequence[ErrorRate], speakers: Sequence[Hashable | None], *, max_draws: int = MAX_DRAWS
) -> Interval | None:
    """95 % interval of an error rate; None for a single unit. Reproducible on every machine.

    Args:
        errors: of each utterance.
        speakers: of each utterance; None if unknown, which counts as a separate speaker.
        max_draws: drawn at a time; the interval does not depend on it.
    """
    import numpy as np

    keys: list[Hashable] = [("", number) if name is None else name for number, name in enumerate(speakers)]
    known = {name for name in speakers if name is not None}
    unit: Literal["speakers", "utterances"] = "speakers" if len(known) >= MIN_SPEAKERS else "utterances"
    if unit == "utterances":
        keys = list(range(len(errors)))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    if len(numbers) < 2:
        return None
    units = [numbers[key] for key in keys]
    wrong = np.bincount(units, [rate.errors for rate in errors])  # [U]
    total = np.bincount(units, [rate.total for rate in errors])
    rng = np.random.default_rng(SEED)
    rates = []
    for count in _blocks(RESAMPLES, max(1, max_draws // len(numbers))):
        drawn = rng.integers(len(numbers), size=(count, len(numbers)))  # [R, U]
        rates.append(wrong[drawn].sum(1) / np.maximum(total[drawn].sum(1), 1))
    low, high = np.quantile(np.concatenate(rates), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), unit)


def _blocks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
