"""Which utterances make up each step, and their samples read ahead of the network.

Legend: N utterances, B of them in a batch, S samples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from audiosearch.types import Seconds

JITTER = 0.04
"""How far an utterance may stray from its place by length, so that epochs group differently; costs as much padding."""

T = TypeVar("T")
R = TypeVar("R")


def plan(
    lengths: NDArray[np.float64],
    batch_seconds: Seconds,
    seed: int,
    epoch: int,
    *,
    ascending: bool = False,
    processes: int = 1,
) -> list[NDArray[np.int64]]:
    """The utterances of every step of an epoch; each utterance once.

    Utterances of like length go together, as many as keep the padded audio of each process within
    ``batch_seconds`` (or one, if it alone is longer). Steps come in random order, or ``ascending`` from short to
    long (SortaGrad); but always first the one with the longest utterance and the one with the most padded audio:
    what does not fit in memory fails at once.

    Args:
        lengths: seconds of every utterance [N].
        processes: how many share a step; process ``r`` takes every ``processes``-th from its ``r``-th on.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    upper = lengths * rng.uniform(1, 1 + JITTER, len(lengths))  # never below the true length
    order = np.argsort(-upper, kind="stable")
    steps: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        longest = max(float(upper[order[start]]), 1e-3)
        count = max(int(batch_seconds / longest), 1) * processes
        steps.append(order[start : start + count])
        start += count
    if not steps:
        return steps
    padded = [float(lengths[step].max()) * -(-len(step) // processes) for step in steps]
    longest_step = int(np.argmax([lengths[step].max() for step in steps]))
    first = list(dict.fromkeys([longest_step, int(np.argmax(padded))]))
    rest = [number for number in range(len(steps)) if number not in first]
    if ascending:
        rest.reverse()
    else:
        rng.shuffle(rest)
    return [steps[number] for number in first + rest]


def share(step: NDArray[np.int64], process: int, processes: int) -> tuple[NDArray[np.int64], bool]:
    """A process's part of a step, and whether it counts; where there are too few it gets one that does not."""
    part = step[process::processes]
    return (part, True) if len(part) else (step[:1], False)


def read_ahead(items: Iterable[T], load: Callable[[T], R], threads: int) -> Iterator[R]:
    """``load(item)`` of every item in order, worked out in threads a few items ahead; 0 threads: when asked for."""
    if threads == 0:
        yield from map(load, items)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        running: deque[Future[R]] = deque()
        try:
            for item in items:
                running.append(pool.submit(load, item))
                if len(running) > threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
