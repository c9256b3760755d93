"""Work in several processes, a stage of the pipeline in a thread of its own, and the cores there are for both."""

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

JOBS_AHEAD = 2
"""Jobs begun or waiting for each process; more would only take memory."""


class Workers(Generic[Job, Result]):
    """Processes that each make a function once and apply it to jobs. Use it in ``with``.

    A script that uses it must have its own work under ``if __name__ == "__main__"``: spawned processes import it.

    Args:
        make: called in each process; what it raises comes out of ``map``. It and the jobs must be picklable.
        processes: 1 works in this process, without spawning any; 0 means one for each core.
    """

    def __init__(self, make: Callable[[], Callable[[Job], Result]], processes: int) -> None:
        self.processes = processes or cores()
        self._make = make
        self._executor: ProcessPoolExecutor | None = None
        self._work: Callable[[Job], Result] | None = None

    def __enter__(self) -> Workers[Job, Result]:
        if self.processes > 1:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self.processes, context, _begin, (self._make,))
            with _interrupts_held_back():
                for _ in range(self.processes):  # all start now, while the first emissions are being computed
                    self._executor.submit(_prepare)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def map(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Results in the order of the jobs, of which only a few more are taken than results are given.

        Raises:
            AudioSearchError: a process died.
        """
        if self.processes == 1:
            if self._work is None:
                self._work = self._make()
            yield from map(self._work, jobs)
            return
        assert self._executor is not None, "enter the pool first"
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(self._executor.submit(_apply, job))
                while waiting[0].done() or len(waiting) >= JOBS_AHEAD * self.processes:
                    yield waiting.popleft().result()
                    if not waiting:
                        break
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise AudioSearchError(
                "A decoding process ended unexpectedly, perhaps for lack of memory; "
                "try again with fewer processes (decoder.processes)."
            ) from error
        finally:
            for future in waiting:
                future.cancel()


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


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started here never see Ctrl-C, which goes to all of them: the parent ends them in order.

    It comes to the parent afterwards. (A new process inherits the mask; it is too late for one to ask for peace when
    its interpreter has started.)
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What runs in a spawned process. Exceptions must come out of jobs: one in the initializer would only break the pool.

_make: Callable[[], Callable[[Any], Any]] | None = None
_work: Callable[[Any], Any] | None = None


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _make
    _make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed leaves its processes waiting for jobs for ever."""
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
