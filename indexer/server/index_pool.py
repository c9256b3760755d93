"""A pool of index connections for concurrent requests, with a short-lived cache."""

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
from indexer.corrections import Change, CorrectedWords
from indexer.index import Index, open_index
from indexer.matching.listing import ListOrder, in_order, named
from indexer.paths import composed
from indexer.types import Recording, Statistics

CONNECTIONS = 4
"""Maximum number of concurrent requests to the index."""

FRESH_SECONDS = 5.0
"""Maximum age of the cached list of recordings."""

MAX_CACHED_WORDS = 500_000
"""Maximum number of words in the cache: about fifty hours, 100 MB."""

MAX_LISTS = 16
"""Maximum number of lists of recordings, of one name in one order, in the cache."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Cached properties of the whole index, valid until a monotonic time."""

    until: float
    recordings: list[Recording]
    statistics: Statistics
    folders: dict[str, int]
    parents: frozenset[str]
    keeps_sound: bool
    is_writable: bool


class IndexPool:
    """An index read from several threads.

    Each connection serves one thread at a time. After an error it is closed, and replaced at the next request.
    """

    def __init__(self, store: str) -> None:
        """Open the first connection; StoreError if the store cannot be read."""
        self.store = store
        self._idle: list[Index] = [open_index(store, create=False)]
        self._lock = threading.Lock()
        self._limiter: anyio.CapacityLimiter | None = None
        self._snapshot: _Snapshot | None = None
        self._listed: tuple[_Snapshot, OrderedDict[tuple[str, ListOrder, bool], list[Recording]]] | None = None
        self._words: OrderedDict[Recording, tuple[Word, ...]] = OrderedDict()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread, CONNECTIONS at a time."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(CONNECTIONS)
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._limiter)

    @contextlib.contextmanager
    def index(self) -> Iterator[Index]:
        """A connection for exclusive use."""
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
        """Close the connections."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def recording(self, recording_id: str) -> Recording | None:
        """A recording; None if the id is unknown."""
        with self.index() as index:
            return index.recording(recording_id)

    def recordings(self) -> list[Recording]:
        """All recordings sorted by path (cached)."""
        return self._current().recordings

    def listed(self, name: str, order: ListOrder, reverse: bool) -> list[Recording]:
        """Recordings with the words of a name in their paths, in an order (cached)."""
        current = self._current()
        with self._lock:
            if self._listed is None or self._listed[0] is not current:
                self._listed = current, OrderedDict()
            kept = self._listed[1]
            if (name, order, reverse) in kept:
                return kept[name, order, reverse]
        recordings = in_order(named(current.recordings, name), order, reverse=reverse)
        with self._lock:
            kept[name, order, reverse] = recordings
            while len(kept) > MAX_LISTS:
                kept.popitem(last=False)
        return recordings

    def statistics(self) -> Statistics:
        """Size of the index (cached)."""
        return self._current().statistics

    def folders(self) -> dict[str, int]:
        """Folders with their number of recordings, sorted by path (cached)."""
        return self._current().folders

    def parents(self) -> frozenset[str]:
        """Composed parents of all locations: folders, and files of imported transcripts (cached)."""
        return self._current().parents

    def keeps_sound(self) -> bool:
        """True if the index holds emissions (cached)."""
        return self._current().keeps_sound

    def is_writable(self) -> bool:
        """False if the index is known to be read-only (cached)."""
        return self._current().is_writable

    def corrected_words(self, recording_id: str) -> CorrectedWords:
        """The recognized words of a recording, and their corrections."""
        with self.index() as index:
            return index.corrected_words(recording_id)

    def revise(self, recording_id: str, change: Change) -> CorrectedWords:
        """Change the corrections of a recording."""
        with self.index() as index:
            try:
                return index.revise(recording_id, change)
            finally:
                self._snapshot = None

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        if snapshot is None or time.monotonic() > snapshot.until:
            with self.index() as index:
                recordings, statistics = index.recordings(), index.statistics()
                keeps_sound, is_writable = bool(index.acoustic_profiles()), index.is_writable()
            folders = Counter(folder for recording in recordings for folder in recording.folders)
            paths = {location.path for recording in recordings for location in recording.locations}
            above = frozenset(composed(str(PurePosixPath(path).parent)) for path in paths)
            until = time.monotonic() + FRESH_SECONDS + len(recordings) / 1000  # longer lists are cached longer
            by_path = dict(sorted(folders.items()))
            snapshot = self._snapshot = _Snapshot(
                until, recordings, statistics, by_path, above, keeps_sound, is_writable
            )
        return snapshot

    def refresh(self) -> None:
        """Drop cached properties of the index after a change."""
        self._snapshot = None

    def words(self, recording: Recording) -> tuple[Word, ...]:
        """The words of a recording (cached)."""
        with self._lock:
            if recording in self._words:
                self._words.move_to_end(recording)
                return self._words[recording]
        with self.index() as index:
            words = index.words(recording.id)
        with self._lock:
            self._words[recording] = words
            while len(self._words) > 1 and sum(map(len, self._words.values())) > MAX_CACHED_WORDS:
                self._words.popitem(last=False)
        return words
