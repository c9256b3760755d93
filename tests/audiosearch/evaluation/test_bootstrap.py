"""Confidence intervals: against a bootstrap written as loops, coverage, and degenerate inputs."""

from __future__ import annotations

import random

import numpy as np
import pytest

from audiosearch.evaluation.bootstrap import MIN_SPEAKERS, Interval, confidence_interval
from audiosearch.evaluation.metrics import ErrorRate


def corpus(speakers: int, utterances: int, seed: int) -> tuple[list[ErrorRate], list[str | None]]:
    """Utterances of ten words by speakers with rates uniform between 0 and 0.8."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0, 0.8, speakers)
    names = np.repeat(np.arange(speakers), utterances)
    return [ErrorRate(int(rng.binomial(10, rates[name])), 10) for name in names], [str(name) for name in names]


def test_interval_equals_a_bootstrap_written_as_loops() -> None:
    errors, speakers = corpus(8, 5, seed=1)
    rng = random.Random(0)
    names = sorted(set(speakers), key=str)
    rates = []
    for _ in range(4000):
        drawn = rng.choices(names, k=len(names))
        picked = [rate for name in drawn for rate, owner in zip(errors, speakers, strict=True) if owner == name]
        rates.append(sum(picked, ErrorRate(0, 0)).rate)
    rates.sort()
    interval = confidence_interval(errors, speakers)
    assert interval is not None
    assert interval.unit == "speakers"
    assert (interval.low, interval.high) == pytest.approx((rates[100], rates[3900]), abs=0.02)


def test_intervals_are_reproducible() -> None:
    errors, speakers = corpus(20, 5, seed=2)
    first = confidence_interval(errors, speakers)
    assert confidence_interval(errors, speakers) == first
    assert confidence_interval(errors, speakers, max_draws=1 << 12) == first  # in blocks of the same stream


def test_differing_speakers_widen_the_interval() -> None:
    errors, speakers = corpus(10, 40, seed=3)
    by_speaker, by_utterance = confidence_interval(errors, speakers), confidence_interval(errors, [None] * len(errors))
    assert by_speaker is not None
    assert by_utterance is not None
    assert (by_speaker.unit, by_utterance.unit) == ("speakers", "utterances")
    assert by_speaker.high - by_speaker.low > 2 * (by_utterance.high - by_utterance.low)


def test_coverage_is_near_the_nominal_level() -> None:
    held = 0
    for seed in range(100):
        interval = confidence_interval(*corpus(30, 10, seed=seed))
        assert interval is not None
        held += interval.low <= 0.4 <= interval.high
    assert 88 <= held <= 99


def test_few_speakers_and_single_units() -> None:
    errors = [ErrorRate(number % 3, 3) for number in range(MIN_SPEAKERS)]
    few = confidence_interval(errors, ["a"] * (MIN_SPEAKERS - 1) + ["b"])
    enough = confidence_interval(errors, list("abcdefgh"[:MIN_SPEAKERS]))
    assert few is not None
    assert enough is not None
    assert (few.unit, enough.unit) == ("utterances", "speakers")
    assert confidence_interval(errors[:1], ["a"]) is None
    assert confidence_interval([], []) is None
    assert confidence_interval([ErrorRate(0, 0)] * 2, [None] * 2) == Interval(0.0, 0.0, "utterances")
