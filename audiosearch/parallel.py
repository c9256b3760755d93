"""Process pools, prefetching in a thread, and the number of usable cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, TypeVar

from audiosearch.errors import AudioSearchError

Job = TypeVar("Job")
Result = TypeVar("Result")
Item = TypeVar("Item")
Tag = TypeVar("Tag")

JOBS_PER_PROCESS = 2
"""Jobs submitted for each process; more would only take memory."""


class ProcessPool(Generic[Job, Result]):
    """Processes that each build a function once and apply it to jobs. Use it in ``with``.

    Spawned processes import the main script, which must guard its own work by ``if __name__ == "__main__"``.

    Args:
        make: builds the function in each process; its exceptions are raised by ``map``. It and the jobs must be
            picklable.
        processes: 1: work in this process; 0: one for each core.
    """

    def __init__(self, make: Callable[[], Callable[[Job], Result]], processes: int) -> None:
        self.processes = processes or cores()
        self._make = make
        self._executor: ProcessPoolExecutor | None = None
        self._work: Callable[[Job], Result] | None = None

    def __enter__(self) -> ProcessPool[Job, Result]:
        if self.processes > 1:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self.processes, context, _initialize, (self._make,))
            with _interrupts_blocked():
                for _ in range(self.processes):  # start the processes while the first jobs are prepared
                    self._executor.submit(_prepare)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def map(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Yield results in the order of the jobs, which are consumed only a few in advance.

        Raises:
            AudioSearchError: a process died.
        """
        for _, result in self.map_tagged((None, job) for job in jobs):
            assert result is not None, "every job has a result"
            yield result

    def map_tagged(self, jobs: Iterable[tuple[Tag, Job | None]]) -> Iterator[tuple[Tag, Result | None]]:
        """Yield the tag of each job with its result, in order; tags without a job keep their position.

        Raises:
            AudioSearchError: a process died.
        """
        if self.processes == 1:
            if self._work is None:
                self._work = self._make()
            for tag, job in jobs:
                yield tag, None if job is None else self._work(job)
            return
        assert self._executor is not None, "enter the pool first"
        waiting: deque[tuple[Tag, Future[Result] | None]] = deque()
        try:
            for tag, job in jobs:
                waiting.append((tag, None if job is None else self._executor.submit(_apply, job)))
                while waiting and (_is_done(waiting[0][1]) or _jobs(waiting) >= JOBS_PER_PROCESS * self.processes):
                    yield _finished(waiting.popleft())
            while waiting:
                yield _finished(waiting.popleft())
        except BrokenProcessPool as error:
            raise AudioSearchError(
                "A decoding process ended unexpectedly, perhaps for lack of memory; "
                "try again with fewer processes (decoder.processes)."
            ) from error
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()


def _jobs(waiting: Iterable[tuple[Tag, Future[Result] | None]]) -> int:
    return sum(future is not None for _, future in waiting)


def _is_done(future: Future[Result] | None) -> bool:
    return future is None or future.done()


def _finished(job: tuple[Tag, Future[Any] | None]) -> tuple[Tag, Any]:
    tag, future = job
    return tag, None if future is None else future.result()


def prefetch(items: Generator[Item, None, None], depth: int) -> Iterator[Item]:
    """Yield the items, produced in advance by a thread, at most ``depth`` of them.

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


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in processes started here, since the parent shuts them down in order.

    New processes inherit the signal mask; blocking the signal in them would come too late, as they may be interrupted
    while the interpreter starts. The parent receives a pending interrupt afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# Functions of the spawned processes. The function is built in a job, since an exception in the initializer would break
# the pool without being reported.

_make: Callable[[], Callable[[Any], Any]] | None = None
_work: Callable[[Any], Any] | None = None


def _initialize(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _make
    _make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Exit when the parent dies; a killed parent would leave its processes waiting forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _prepare() -> None:
    global _work
    if _work is None:
        assert _make is not None
        _work = _make()


def _apply(job: Any) -> Any:
    _prepare()
    assert _work is not None
    return _work(job)
