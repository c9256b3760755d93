"""What who searches more than once remembers of the recordings of an index in Elasticsearch.

Every document of a recording says when it was last changed. All that are remembered are known to have been so at one
moment: only those are asked for that were changed since, and these come along with the passages
(``elastic_reading.py``). A recording that was removed stays in memory, where nothing finds it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from indexer.elastic import documents
from indexer.elastic.client import Server

SKEW_SECONDS = 60
"""By how much clocks of writers and readers differ at most."""

MOST = 2000
"""Recordings that are asked for before they are needed, 1 MB."""

MOST_KEPT = 20_000
"""Recordings that are remembered."""

MOST_CHANGES = 10
"""Recordings changed since; where so many were, as while a library is filled, nothing is remembered for a while."""

PAUSE_SECONDS = 60
"""How long that while is."""

KEEP_SECONDS = 600
"""How long anything is remembered: no longer than that does a clock that is wrong mislead."""

Document = dict[str, Any]


class Known:
    """What is known of the recordings of an index; searches in several threads may share it."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, float]] = {}
        self._documents: dict[str, Document] = {}
        self._as_of_ms: int | None = None
        self._begun = 0.0
        self._searches = 0
        self._paused_until = 0.0

    # Which generation recordings were seen to name, and when

    def see(self, recording: str, generation: str) -> None:
        """It is named now."""
        self._seen[recording] = generation, time.monotonic()

    def was_named(self, recording: str, generation: str, moment: float) -> bool:
        """Whether it surely was named at a moment of the monotonic clock."""
        seen, when = self._seen.get(recording, ("", 0.0))
        return seen == generation and when <= moment

    # Documents

    def prepare(self, server: Server) -> None:
        """A search begins: with the second, ask for some recordings before they are needed."""
        self._searches += 1
        now = time.monotonic()
        if self._as_of_ms is not None and now > self._begun + KEEP_SECONDS:
            self._documents, self._as_of_ms = {}, None
        if self._as_of_ms is None and self._searches > 1 and now >= self._paused_until:
            moment = time.time_ns() // 1_000_000
            hits = server.hits({"term": {"kind": "recording"}}, ["-generation"], True, MOST)
            self._begun, self._as_of_ms = now, moment
            self.learn(hit["_source"] for hit in hits)

    def changes(self) -> dict[str, Any] | None:
        """The query for recordings that may not be as they are remembered; None: nothing is remembered."""
        as_of_ms = self._as_of_ms
        return None if as_of_ms is None else documents.changed(as_of_ms - 1000 * SKEW_SECONDS)

    def renew(self, changed: Iterable[Document], moment_ms: int) -> None:
        """Take all that ``changes`` found.

        Args:
            moment_ms: before they were asked for, by the clock here, since 1970.
        """
        self.learn(changed)
        if self._as_of_ms is not None:
            self._as_of_ms = max(self._as_of_ms, moment_ms)

    def learn(self, some: Iterable[Document]) -> None:
        """Remember documents of recordings that were read since ``changes`` was asked."""
        if self._as_of_ms is None:
            return
        for document in some:
            before = self._documents.get(document["recording"])
            if len(self._documents) < MOST_KEPT if before is None else before["named_ms"] <= document["named_ms"]:
                self._documents[document["recording"]] = document

    def recordings(self, found: Iterable[tuple[str, str]]) -> dict[str, Document]:
        """The documents of recordings that are remembered with the only generation that was found of them."""
        remembered: dict[str, Document] = {}
        others = set()
        for recording, generation in found:
            document = self._documents.get(recording)
            if document is not None and document["generation"] == generation:
                remembered[recording] = document
            else:
                others.add(recording)
        return {recording: document for recording, document in remembered.items() if recording not in others}

    def forget(self) -> None:
        """Remember nothing for a while: too much changes."""
        self._documents, self._as_of_ms = {}, None
        self._paused_until = time.monotonic() + PAUSE_SECONDS
