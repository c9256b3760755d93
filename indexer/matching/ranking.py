"""Matches as a store comes across them → the page that was asked for, in the memory of a block (``match.py``)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Generic

from indexer.matching import match
from indexer.matching.cursor import Choice, Cursor, Place, read_cursor
from indexer.matching.match import Found, Key
from indexer.types import Order, Recording

SLACK = 1000
"""Matches beyond those that are needed that are kept before the worst are dropped."""


class Ranking(Generic[Key]):
    """Takes all matches of a query, each span once, and gives a page of them.

    A page in the midst of a block wants those ``_inside`` it that come after the page before. ``_beyond`` are those of
    the next block, or of the first, which begins with this page.
    """

    def __init__(
        self, order: Order, limit: int, after: str | None, recording: Callable[[Key], Recording], key: type[Key]
    ) -> None:
        """Begin a page.

        Args:
            limit: of hits of the page.
            after: as the page before gave it.
            recording: that a key stands for; asked only where path or time decide.
            key: what the store knows recordings by.

        Raises:
            QueryError: ``after`` was not given by a page of this order and kind of store.
        """
        self._order: Order = order
        self._limit = max(limit, 0)
        self._most = max(match.MOST_RANKED, limit)
        self._recording: Callable[[Key], Recording] = recording
        self._after = after
        cursor: Cursor[Key] = Cursor(order) if after is None else read_cursor(after, order, key)
        self._start: Choice[Key] | None = cursor.start
        self._end: Choice[Key] | None = cursor.end
        self._last = cursor.place
        self._begun = order == "time" or self._last is not None
        self._full: Place | None = None  # what comes after it is surely on a later page
        self._inside: list[Found[Key]] = []
        self._beyond: list[Found[Key]] = []

    def add(self, found: Found[Key]) -> None:
        """Take a match."""
        if self._order == "confidence":
            if self._start is not None and not _comes_after(found, self._start):
                return
            if not self._begun or (self._end is not None and _comes_after(found, self._end)):
                self._beyond.append(found)
                if len(self._beyond) > 2 * self._most + SLACK:
                    self._beyond = chosen(self._beyond, self._most + 1)
                return
        if self._last is None or self._is_later(found, self._last):
            self._inside.append(found)
            if len(self._inside) > 2 * self._limit + SLACK:
                self._inside = self._first(self._inside, self._limit + 1)
                self._full = self._place(self._inside[-1])

    def wants(self, key: Key) -> bool:
        """Whether matches of a recording may be on the page, as far as the recording decides that."""
        if self._order == "confidence":
            return True
        recording = self._recording(key)
        place = recording.locations[0].modified_ns, recording.path, recording.id
        return (self._last is None or place >= self._last[:3]) and (self._full is None or place <= self._full[:3])

    @property
    def enough(self) -> bool:
        """Whether nothing that comes later in the order of choice can change the page."""
        return len(self._beyond) > self._most or bool(self._inside and self._beyond)

    def held(self) -> Iterator[Found[Key]]:
        """Matches of which the page may be made."""
        return chain(self._inside, self._beyond)

    def page(self) -> tuple[list[Found[Key]], str | None]:
        """The first of the matches, and what the next page goes on after, if there is one."""
        if not self._limit:
            return [], self._after
        start, end = self._start, self._end
        inside, beyond = self._inside, self._beyond
        if not inside and beyond:  # the block begins here
            beyond = chosen(beyond, self._most + 1)
            inside, beyond = beyond[: self._most], beyond[self._most :]
            start = end if self._begun else start
            end = _choice(inside[-1]) if beyond else None
        first = self._first(inside, self._limit + 1)
        page = first[: self._limit]
        if len(first) > len(page):
            return page, Cursor(self._order, start, end, self._place(page[-1])).text()
        if beyond:
            return page, Cursor(self._order, end).text()
        return page, None

    def _first(self, found: list[Found[Key]], limit: int) -> list[Found[Key]]:
        """The first ``limit`` in the order."""
        if self._order == "confidence" and len(found) > limit:
            least = heapq.nlargest(limit, (one.confidence for one in found))[-1]
            found = [one for one in found if one.confidence >= least]
        return sorted(found, key=self._place)[:limit]

    def _place(self, found: Found[Key]) -> Place:
        recording = self._recording(found.recording)
        first = -found.confidence if self._order == "confidence" else recording.locations[0].modified_ns
        return first, recording.path, recording.id, found.first, found.last

    def _is_later(self, found: Found[Key], place: Place) -> bool:
        if self._order == "confidence" and -found.confidence != place[0]:
            return -found.confidence > place[0]
        return self._place(found) > place


def chosen(found: list[Found[Key]], limit: int) -> list[Found[Key]]:
    """The first ``limit`` in the order of choice: by grade, then those added last, then by position."""
    ordered = sorted(found, key=lambda one: (one.first, one.last))
    ordered.sort(key=lambda one: (match.grade(one.confidence), one.recording), reverse=True)
    return ordered[:limit]


def merged(streams: Iterable[Iterable[Found[Key]]]) -> Iterator[Found[Key]]:
    """Matches of several phrases, each stream in the order of choice, as one such stream with each span once."""
    streams = list(streams)
    if len(streams) == 1:
        yield from streams[0]
        return
    seen = set()
    for one in heapq.merge(*streams, key=_rank, reverse=True):
        span = one.recording, one.first, one.last
        if span not in seen:
            seen.add(span)
            yield one


def _rank(found: Found[Key]) -> tuple[int, Key, int, int, int]:
    """Greater for what comes sooner in the order of choice; of one span twice, for the surer."""
    return match.grade(found.confidence), found.recording, -found.first, -found.last, found.confidence


def _choice(found: Found[Key]) -> Choice[Key]:
    return match.grade(found.confidence), found.recording, found.first, found.last


def _comes_after(found: Found[Key], other: Choice[Key]) -> bool:
    """Whether a match comes after another in the order of choice."""
    grade, recording, *positions = other
    rank = match.grade(found.confidence), found.recording
    return rank < (grade, recording) or (rank == (grade, recording) and [found.first, found.last] > positions)
