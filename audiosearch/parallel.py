"""Work in threads, prefetching in a thread, and the number of usable cores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
Item = TypeVar("Item")
Tag = TypeVar("Tag")

JOBS_PER_THREAD = 2
"""Jobs submitted for each thread; more would only take memory."""


def map_in_threads(
    function: Callable[[Job], Result], jobs: Iterable[tuple[Tag, Job | None]], threads: int
) -> Generator[tuple[Tag, Result | None], None, None]:
    """Yield results in the order of the jobs, which are consumed only a few in advance.

    Threads pay off where the function releases the GIL. Its exceptions are raised in their place.

    Args:
        jobs: each with a tag; a tag without a job keeps its place.
        threads: 1 to work in this thread, 0 for one thread per core.
    """
    threads = threads or cores()
    if threads == 1:
        for tag, job in jobs:
            yield tag, None if job is None else function(job)
        return
    executor = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    waiting: deque[tuple[Tag, Future[Result] | None]] = deque()
    try:
        for tag, job in jobs:
            waiting.append((tag, None if job is None else executor.submit(function, job)))
            while waiting and (_is_done(waiting[0][1]) or len(waiting) >= JOBS_PER_THREAD * threads):
                done = waiting.popleft()
                yield done[0], None if done[1] is None else done[1].result()
        for tag, future in waiting:
            yield tag, None if future is None else future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _is_done(future: Future[Result] | None) -> bool:
    return future is None or future.done()


def prefetch(items: Generator[Item, None, None], depth: int) -> Generator[Item, None, None]:
    """Yield the items, produced by a thread that is at most ``depth`` of them in advance.

    Exceptions of the thread are raised in their place. Closing the iterator closes ``items``.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
    waiting = deque(executor.submit(_next, items) for _ in range(depth))
    try:
        while item := waiting.popleft().result():
            waiting.append(executor.submit(_next, items))
            yield item[0]
    finally:
        executor.shutdown(cancel_futures=True)
        items.close()


def _next(items: Iterator[Item]) -> tuple[Item] | None:
    for item in items:
        return (item,)
    return None


def cores() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
