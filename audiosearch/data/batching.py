"""Batches of utterances of similar length, and loading them ahead of the network.

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
"""Random relative change of lengths before sorting, so that batches differ between epochs. Adds as much padding."""

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
    """Group the utterances of an epoch into steps; each utterance occurs once.

    A step has utterances of similar length, as many as keep the padded audio of each process within
    ``batch_seconds`` (at least one). Steps come in random order, or ``ascending`` from short to long (SortaGrad). The
    step with the longest utterance and the one with the most padded audio always come first, so that a batch that does
    not fit in memory fails at once.

    Args:
        lengths: seconds of every utterance [N].
        processes: that share a step; process ``r`` takes every ``processes``-th utterance from the ``r``-th on.
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
    """Utterances of a step for one process, and True; without any, the first of the step, and False."""
    part = step[process::processes]
    return (part, True) if len(part) else (step[:1], False)


def read_ahead(items: Iterable[T], load: Callable[[T], R], threads: int) -> Iterator[R]:
    """Yield ``load(item)`` for each item in order, computed ahead in threads; 0 threads: on demand."""
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
