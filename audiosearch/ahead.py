"""A stage of the pipeline in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Generator[Item, None, None], depth: int) -> Iterator[Item]:
    """The same items in the same order, made by a thread that is never more than ``depth`` of them ahead.

    What the thread raises is raised here, in its place. Closing this closes ``items``.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="ahead")
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
