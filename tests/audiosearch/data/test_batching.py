from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from audiosearch.data.batching import plan, read_ahead, share

LENGTHS = np.random.default_rng(0).gamma(3, 3, 500) + 0.3


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("ascending", [False, True])
def test_every_utterance_occurs_once_within_the_bound(processes: int, ascending: bool) -> None:
    steps = plan(LENGTHS, 60.0, seed=1, epoch=0, ascending=ascending, processes=processes)
    assert sorted(np.concatenate(steps)) == list(range(500))
    for step in steps:
        for process in range(processes):
            part, _ = share(step, process, processes)
            assert LENGTHS[part].max() * len(part) <= 60.0 or len(part) == 1
    padded = sum(LENGTHS[step].max() * len(step) for step in steps)
    assert padded < 1.15 * LENGTHS.sum()


def test_the_largest_batches_come_first() -> None:
    for epoch in range(3):
        steps = plan(LENGTHS, 60.0, seed=1, epoch=epoch, ascending=epoch == 0)
        assert LENGTHS.argmax() in steps[0]
        padded = [LENGTHS[step].max() * len(step) for step in steps]
        assert max(padded) in padded[:2]


def test_sortagrad_goes_from_short_to_long() -> None:
    longest = [LENGTHS[step].max() for step in plan(LENGTHS, 60.0, seed=1, epoch=0, ascending=True)[2:]]
    assert all(b > 0.95 * a for a, b in pairwise(longest))
    longest = [LENGTHS[step].max() for step in plan(LENGTHS, 60.0, seed=1, epoch=0)[2:]]
    assert not all(b > 0.95 * a for a, b in pairwise(longest))


def test_the_plan_is_a_function_of_seed_and_epoch() -> None:
    def flat(seed: int, epoch: int) -> list[list[int]]:
        return [step.tolist() for step in plan(LENGTHS, 60.0, seed, epoch)]

    assert flat(1, 2) == flat(1, 2)
    assert flat(1, 2) != flat(1, 3)
    assert flat(1, 2) != flat(2, 2)


def test_edge_cases() -> None:
    assert plan(np.array([]), 10.0, 1, 0) == []
    assert [step.tolist() for step in plan(np.array([99.0]), 10.0, 1, 0)] == [[0]]
    step = np.array([7, 8])
    shares = [(part.tolist(), counts) for part, counts in (share(step, process, 3) for process in range(3))]
    assert shares == [([7], True), ([8], True), ([7], False)]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_read_ahead_keeps_the_order_and_is_bounded(threads: int) -> None:
    started: list[int] = []

    def load(item: int) -> int:
        started.append(item)
        time.sleep(0.001 * (item % 3))
        return item * item

    results = read_ahead(range(20), load, threads)
    assert next(results) == 0
    time.sleep(0.02)
    assert len(started) <= threads + 1
    assert list(results) == [item * item for item in range(1, 20)]


def test_read_ahead_raises_errors_and_stops_its_threads() -> None:
    def load(item: int) -> float:
        return 1 / item

    results = read_ahead([2, 1, 0, 3], load, 2)
    assert next(results) == 0.5
    with pytest.raises(ZeroDivisionError):
        list(results)
    early = read_ahead([1, 2, 3, 4], load, 2)
    next(early)
    early.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
