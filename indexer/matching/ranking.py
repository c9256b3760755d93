"""Matches in the order in which a store reads them → one page of hits, in the memory of one block (``match.py``)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Generic

from indexer.matching import match
from indexer.matching.cursor import BlockPosition, Cursor, HitPosition, read_cursor
from indexer.matching.grades import grade_of
from indexer.matching.match import Key, Match
from indexer.types import Order, Recording

SLACK = 1000
"""Matches kept beyond those that are needed before the worst are dropped."""


class Ranking(Generic[Key]):
    """Collects all matches of a query, each span once, and returns a page of them.

    A page in the middle of a block takes matches after the cursor from ``_inside``. ``_beyond`` are the matches of the
    next block, or of the first, which begins with this page.
    """

    def __init__(
        self, order: Order, limit: int, after: str | None, recording: Callable[[Key], Recording], key: type[Key]
    ) -> None:
        """Begin a page.

        Args:
            limit: maximum number of hits.
            after: cursor of the page before.
            recording: returns the recording of a key; called only if path or time decide.
            key: type of the store's keys of recordings.

        Raises:
            QueryError: ``after`` is not a cursor of this order and kind of store.
        """
        self._order: Order = order
        self._limit = max(limit, 0)
        self._block_size = max(match.MAX_RANKED, limit)
        self._recording: Callable[[Key], Recording] = recording
        self._after = after
        cursor: Cursor[Key] = Cursor(order) if after is None else read_cursor(after, order, key)
        self._start: BlockPosition[Key] | None = cursor.start
        self._end: BlockPosition[Key] | None = cursor.end
        self._last = cursor.last
        self._begun = order != "confidence" or self._last is not None
        self._full: HitPosition | None = None  # matches after it are certainly on a later page
        self._inside: list[Match[Key]] = []
        self._beyond: list[Match[Key]] = []

    def add(self, candidate: Match[Key]) -> None:
        """Add a match."""
        if self._order == "confidence":
            if self._start is not None and not _comes_after(candidate, self._start):
                return
            if not self._begun or (self._end is not None and _comes_after(candidate, self._end)):
                self._beyond.append(candidate)
                if len(self._beyond) > 2 * self._block_size + SLACK:
                    self._beyond = best_first(self._beyond, self._block_size + 1)
                return
        if self._last is None or self._is_later(candidate, self._last):
            self._inside.append(candidate)
            if len(self._inside) > 2 * self._limit + SLACK:
                self._inside = self._first(self._inside, self._limit + 1)
                self._full = self._position(self._inside[-1])

    def may_contain(self, key: Key) -> bool:
        """Return False if no match of a recording can be on the page, judged by the recording alone."""
        if self._order == "confidence":
            return True
        recording = self._recording(key)
        position = match.recording_rank(self._order, recording), recording.path, recording.id
        return (self._last is None or position >= self._last[:3]) and (self._full is None or position <= self._full[:3])

    @property
    def is_complete(self) -> bool:
        """True if no match that follows in the order of blocks can change the page."""
        return len(self._beyond) > self._block_size or bool(self._inside and self._beyond)

    def held(self) -> Iterator[Match[Key]]:
        """Matches of which the page may be made."""
        return chain(self._inside, self._beyond)

    def page(self) -> tuple[list[Match[Key]], str | None]:
        """Matches of the page in their order, and the cursor of the next page, if there is one."""
        if not self._limit:
            return [], self._after
        start, end = self._start, self._end
        inside, beyond = self._inside, self._beyond
        if not inside and beyond:  # the block begins here
            beyond = best_first(beyond, self._block_size + 1)
            inside, beyond = beyond[: self._block_size], beyond[self._block_size :]
            start = end if self._begun else start
            end = _block_position(inside[-1]) if beyond else None
        first = self._first(inside, self._limit + 1)
        page = first[: self._limit]
        if len(first) > len(page):
            return page, Cursor(self._order, start, end, self._position(page[-1])).text()
        if beyond:
            return page, Cursor(self._order, end).text()
        return page, None

    def _first(self, matches: list[Match[Key]], limit: int) -> list[Match[Key]]:
        """First ``limit`` matches in the order."""
        if self._order == "confidence" and len(matches) > limit:
            lowest = heapq.nlargest(limit, (candidate.confidence for candidate in matches))[-1]
            matches = [candidate for candidate in matches if candidate.confidence >= lowest]
        return sorted(matches, key=self._position)[:limit]

    def _position(self, candidate: Match[Key]) -> HitPosition:
        recording = self._recording(candidate.recording)
        by_confidence = self._order == "confidence"
        rank = -candidate.confidence if by_confidence else match.recording_rank(self._order, recording)
        return rank, recording.path, recording.id, candidate.first, candidate.last

    def _is_later(self, candidate: Match[Key], position: HitPosition) -> bool:
        if self._order == "confidence" and -candidate.confidence != position[0]:
            return -candidate.confidence > position[0]
        return self._position(candidate) > position


def best_first(matches: list[Match[Key]], limit: int) -> list[Match[Key]]:
    """First ``limit`` matches in the order of blocks: by grade, then recordings added last, then by position."""
    ordered = sorted(matches, key=lambda candidate: (candidate.first, candidate.last))
    ordered.sort(key=lambda candidate: (grade_of(candidate.confidence), candidate.recording), reverse=True)
    return ordered[:limit]


def merge_best_first(streams: Iterable[Iterable[Match[Key]]]) -> Iterator[Match[Key]]:
    """Merge matches of several phrases, each stream in the order of blocks, and return each span once."""
    streams = list(streams)
    if len(streams) == 1:
        yield from streams[0]
        return
    seen = set()
    for candidate in heapq.merge(*streams, key=_rank, reverse=True):
        span = candidate.recording, candidate.first, candidate.last
        if span not in seen:
            seen.add(span)
            yield candidate


def _rank(candidate: Match[Key]) -> tuple[int, Key, int, int, int]:
    """Rank in the order of blocks, greatest first; of two matches of one span, the more confident has the greater."""
    grade = grade_of(candidate.confidence)
    return grade, candidate.recording, -candidate.first, -candidate.last, candidate.confidence


def _block_position(candidate: Match[Key]) -> BlockPosition[Key]:
    return grade_of(candidate.confidence), candidate.recording, candidate.first, candidate.last


def _comes_after(candidate: Match[Key], position: BlockPosition[Key]) -> bool:
    """Return whether a match comes after a position in the order of blocks."""
    grade, recording, *span = position
    rank = grade_of(candidate.confidence), candidate.recording
    return rank < (grade, recording) or (rank == (grade, recording) and [candidate.first, candidate.last] > span)
