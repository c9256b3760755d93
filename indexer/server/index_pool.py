"""The index as many requests at once read it: a few connections, and what was read a moment ago."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import ParamSpec, TypeVar

import anyio

from audiosearch.errors import StoreError
from audiosearch.types import Word
from indexer.index import Index, open_index
from indexer.types import Recording, Statistics

CONNECTIONS = 4
"""Searches that run at the same time; others wait."""

FRESH_SECONDS = 5.0
"""Age at which the list of recordings is read again."""

KEPT_WORDS = 500_000
"""Words of recordings that were read last and stay in memory: some fifty hours, 100 MB."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the index held when all of it was listed, and until when that is good enough."""

    until: float
    recordings: list[Recording]
    statistics: Statistics
    folders: dict[str, int]
    keeps_sound: bool


class IndexPool:
    """An index that is read from threads.

    Every connection is used by one thread at a time. One that failed is closed, and the next request opens another.
    """

    def __init__(self, store: str) -> None:
        """Open the first connection, so that what is wrong with the store shows at once."""
        self.store = store
        self._idle: list[Index] = [open_index(store, create=False)]
        self._lock = threading.Lock()
        self._limiter: anyio.CapacityLimiter | None = None
        self._listed: _Listed | None = None
        self._words: OrderedDict[Recording, tuple[Word, ...]] = OrderedDict()

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a method of this, or a function that takes it, answers, asked in a thread."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(CONNECTIONS)
        return await anyio.to_thread.run_sync(partial(question, *args, **kwargs), limiter=self._limiter)

    @contextlib.contextmanager
    def index(self) -> Iterator[Index]:
        """A connection that nobody else uses meanwhile."""
        with self._lock:
            index = self._idle.pop() if self._idle else None
        index = index or open_index(self.store, create=False)
        try:
            yield index
        except StoreError:
            index.close()
            index = None
            raise
        finally:
            if index is not None:
                with self._lock:
                    self._idle.append(index)

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def recording(self, recording_id: str) -> Recording | None:
        """A recording; None where it is not known."""
        with self.index() as index:
            return index.recording(recording_id)

    def recordings(self) -> list[Recording]:
        """All recordings by path, as they were a moment ago."""
        return self._list().recordings

    def statistics(self) -> Statistics:
        """How much there is, as it was a moment ago."""
        return self._list().statistics

    def folders(self) -> dict[str, int]:
        """Folders that hold recordings, and how many, by path, as they were a moment ago."""
        return self._list().folders

    def keeps_sound(self) -> bool:
        """Whether anything can be found by its sound, a moment ago."""
        return self._list().keeps_sound

    def _list(self) -> _Listed:
        if self._listed is None or time.monotonic() > self._listed.until:
            with self.index() as index:
                recordings, statistics, keeps_sound = index.recordings(), index.statistics(), bool(index.soundings())
            places = Counter(
                str(PurePosixPath(place.path).parent) for recording in recordings for place in recording.locations
            )
            until = time.monotonic() + FRESH_SECONDS + len(recordings) / 1000  # a long list is read less often
            self._listed = _Listed(until, recordings, statistics, dict(sorted(places.items())), keeps_sound)
        return self._listed

    def words(self, recording: Recording) -> tuple[Word, ...]:
        """What is said in a recording."""
        with self._lock:
            if recording in self._words:
                self._words.move_to_end(recording)
                return self._words[recording]
        with self.index() as index:
            words = index.words(recording.id)
        with self._lock:
            self._words[recording] = words
            while len(self._words) > 1 and sum(map(len, self._words.values())) > KEPT_WORDS:
                self._words.popitem(last=False)
        return words
