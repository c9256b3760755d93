"""Beam search in several processes.

The processes are spawned, as torch has threads that a fork would not survive, and load no torch. Each reads the
language model once; its file is mapped into memory, which they share.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from audiosearch.errors import AudioSearchError

if TYPE_CHECKING:
    from audiosearch.config import DecoderConfig
    from audiosearch.decoder import BeamDecoder
    from audiosearch.lm import LanguageModel
    from audiosearch.text import Alphabet
    from audiosearch.types import Emissions, Hypothesis

Job = TypeVar("Job")
Result = TypeVar("Result")

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


class DecoderPool:
    """A ``BeamDecoder`` in each of several processes. Use it in ``with``.

    Args:
        processes: the configuration's unless given; 1 works in this process; 0 means one for each core.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None = None,
        hotwords: Sequence[str] = (),
        processes: int | None = None,
    ) -> None:
        make = _MakeDecoder(alphabet, config, language_model, tuple(hotwords))
        self._workers = Workers(make, config.processes if processes is None else processes)

    def __enter__(self) -> DecoderPool:
        self._workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._workers.__exit__(kind, error, traceback)

    def map(self, emissions: Iterable[Emissions]) -> Iterator[Hypothesis]:
        """The best hypothesis for each, with what competed with its words, in order; with a few in work at a time.

        Raises:
            LanguageModelError: the language model is damaged.
            AudioSearchError: a process died.
        """
        return self._workers.map(emissions)


class _MakeDecoder:
    """Makes the function that a process applies; a class, as it must be picklable."""

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecoderConfig,
        language_model: LanguageModel | None,
        hotwords: tuple[str, ...],
    ) -> None:
        self.arguments = (alphabet, config, language_model, hotwords)

    def __call__(self) -> Callable[[Emissions], Hypothesis]:
        from audiosearch.decoder import BeamDecoder

        decoder: BeamDecoder = BeamDecoder(*self.arguments)
        decoder.prepare()
        return decoder.read


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


# What runs in a spawned process. Exceptions must come out of jobs: one in the initialiser would only break the pool.

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
