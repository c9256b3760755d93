"""Label priors: estimating and subtracting them."""

from __future__ import annotations

import numpy as np
import pytest

from audiosearch.config import DecoderConfig
from audiosearch.decoding.label_priors import MIN_PRIOR, estimate_label_priors, subtract_label_priors
from audiosearch.types import Emissions


def emissions(*rows: tuple[float, ...]) -> Emissions:
    return Emissions(np.log(np.array(rows, np.float32)), 0.02)


def test_priors_are_mean_probabilities() -> None:
    rows = [emissions((0.5, 0.5), (1 - 1e-9, 1e-9)), emissions((0.25, 0.75), (0.25, 0.75))]
    assert estimate_label_priors(rows) == pytest.approx((0.5, 0.5))
    assert estimate_label_priors([emissions((1 - 1e-12, 1e-12))]) == pytest.approx((1.0, MIN_PRIOR))
    assert estimate_label_priors([]) == ()


def test_frequent_labels_lose() -> None:
    config = DecoderConfig(label_priors=(0.8, 0.2), prior_weight=1.0)
    subtracted = np.exp(subtract_label_priors(emissions((0.8, 0.2), (0.5, 0.5)), config).log_probs)
    assert subtracted[0] == pytest.approx((0.5, 0.5), abs=1e-6)
    assert subtracted[1] == pytest.approx((0.2, 0.8), abs=1e-6)
    half = np.exp(
        subtract_label_priors(emissions((0.8, 0.2)), config.model_copy(update={"prior_weight": 0.5})).log_probs
    )
    assert half[0] == pytest.approx((2 / 3, 1 / 3), abs=1e-6)


def test_without_priors_or_weight_nothing_changes() -> None:
    rows = emissions((0.8, 0.2))
    assert subtract_label_priors(rows, DecoderConfig()) is rows
    assert subtract_label_priors(rows, DecoderConfig(label_priors=(0.5, 0.5), prior_weight=0.0)) is rows
    none = Emissions(np.zeros((0, 2), np.float32), 0.02)
    assert subtract_label_priors(none, DecoderConfig(label_priors=(0.5, 0.5))) is none
