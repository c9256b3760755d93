from __future__ import annotations

from itertools import pairwise

import pytest

from audiosearch.config import OptimConfig
from audiosearch.training.schedule import averaging_decay, learning_rate


def test_known_values() -> None:
    config = OptimConfig(lr=1.0, warmup_steps=9, final_lr_fraction=0.1)
    total = 9 + 101
    assert learning_rate(0, total, config) == pytest.approx(0.1)
    assert learning_rate(8, total, config) == pytest.approx(0.9)
    assert learning_rate(9, total, config) == pytest.approx(1.0)
    assert learning_rate(9 + 50, total, config) == pytest.approx(0.55)  # half of the cosine
    assert learning_rate(total - 1, total, config) == pytest.approx(0.1)
    linear = config.model_copy(update={"schedule": "linear"})
    assert learning_rate(9 + 25, total, linear) == pytest.approx(0.1 + 0.9 * 0.75)
    constant = config.model_copy(update={"schedule": "constant"})
    assert learning_rate(total - 1, total, constant) == 1.0


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize(("warmup", "total"), [(0, 1), (0, 7), (5, 3), (10, 200)])
def test_rate_rises_during_warmup_then_never_again(schedule: str, warmup: int, total: int) -> None:
    config = OptimConfig(warmup_steps=warmup).model_copy(update={"schedule": schedule})
    rates = [learning_rate(step, total, config) for step in range(total)]
    assert all(0 < rate <= config.lr for rate in rates)
    assert all(a < b for a, b in pairwise(rates[:warmup]))
    assert all(a >= b for a, b in pairwise(rates[warmup:]))


def test_the_average_starts_short_and_reaches_its_decay() -> None:
    config = OptimConfig(ema_decay=0.99)
    assert averaging_decay(0, config) == pytest.approx(0.1)
    assert averaging_decay(10_000, config) == 0.99
    assert averaging_decay(5, OptimConfig(ema_decay=0.0)) == 0.0
