"""Client-side cache of recording documents, kept fresh by reading only the changes.

Every document of a recording has the time of its last change. All cached documents were valid at one moment: only
recordings changed since are read, in the same request as the passages (``reader.py``). A deleted recording stays in the
cache, and no passage refers to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from indexer.elastic import documents
from indexer.elastic.client import Server

MAX_CLOCK_SKEW_S = 60
"""Greatest difference between clocks of writers and readers."""

MAX_PREFETCHED = 2000
"""Maximum number of recordings that are read before they are needed, 1 MB."""

MAX_CACHED = 20_000
"""Maximum number of recordings in the cache."""

MAX_CHANGES = 10
"""Number of changed recordings at which the cache pauses, as while a library is being filled."""

PAUSE_SECONDS = 60
"""Duration of that pause."""

MAX_AGE_SECONDS = 600
"""Age at which the cache is emptied, which limits the effect of a wrong clock."""

Document = dict[str, Any]


class RecordingCache:
    """Cache of the recordings of an index, shared by searches in several threads."""

    def __init__(
        self,
        *,
        max_prefetched: int = MAX_PREFETCHED,
        max_cached: int = MAX_CACHED,
        max_clock_skew_s: float = MAX_CLOCK_SKEW_S,
        max_age_s: float = MAX_AGE_SECONDS,
        pause_s: float = PAUSE_SECONDS,
    ) -> None:
        self.max_prefetched = max_prefetched
        self.max_cached = max_cached
        self.max_clock_skew_s = max_clock_skew_s
        self.max_age_s = max_age_s
        self.pause_s = pause_s
        self._seen: dict[str, tuple[str, float]] = {}
        self._documents: dict[str, Document] = {}
        self._as_of_ms: int | None = None
        self._begun = 0.0
        self._searches = 0
        self._paused_until = 0.0

    # Generations that recordings name, with the time when this was read

    def note_named(self, recording: str, generation: str) -> None:
        """Note that a recording names a generation now."""
        self._seen[recording] = generation, time.monotonic()

    def was_named(self, recording: str, generation: str, moment: float) -> bool:
        """Return whether a generation was certainly named at a moment of the monotonic clock."""
        seen, when = self._seen.get(recording, ("", 0.0))
        return seen == generation and when <= moment

    # Documents

    def prepare(self, server: Server) -> None:
        """Begin a search; the second one reads recordings before they are needed."""
        self._searches += 1
        now = time.monotonic()
        if self._as_of_ms is not None and now > self._begun + self.max_age_s:
            self._documents, self._as_of_ms = {}, None
        if self._as_of_ms is None and self._searches > 1 and now >= self._paused_until:
            moment = time.time_ns() // 1_000_000
            hits = server.hits({"term": {"kind": "recording"}}, ["-generation"], True, self.max_prefetched)
            self._begun, self._as_of_ms = now, moment
            self.store(hit["_source"] for hit in hits)

    def changes(self) -> dict[str, Any] | None:
        """Query for recordings that may differ from the cache; None if the cache is empty."""
        as_of_ms = self._as_of_ms
        return None if as_of_ms is None else documents.changed(as_of_ms - round(1000 * self.max_clock_skew_s))

    def update(self, changed: Iterable[Document], moment_ms: int) -> None:
        """Cache all results of ``changes``.

        Args:
            moment_ms: time before that request by the clock of this machine, milliseconds since 1970.
        """
        self.store(changed)
        if self._as_of_ms is not None:
            self._as_of_ms = max(self._as_of_ms, moment_ms)

    def store(self, fresh: Iterable[Document]) -> None:
        """Cache documents of recordings that were read after the query of ``changes``."""
        if self._as_of_ms is None:
            return
        for document in fresh:
            before = self._documents.get(document["recording"])
            if len(self._documents) < self.max_cached if before is None else before["named_ms"] <= document["named_ms"]:
                self._documents[document["recording"]] = document

    def recordings(self, generations: Iterable[tuple[str, str]]) -> dict[str, Document]:
        """Cached documents of recordings by id.

        Args:
            generations: ids of the recordings, with generations; only recordings of which all generations given are the
                cached one are returned.
        """
        cached: dict[str, Document] = {}
        outdated = set()
        for recording, generation in generations:
            document = self._documents.get(recording)
            if document is not None and document["generation"] == generation:
                cached[recording] = document
            else:
                outdated.add(recording)
        return {recording: document for recording, document in cached.items() if recording not in outdated}

    def pause(self) -> None:
        """Empty the cache, and cache nothing for ``pause_s``: too many recordings change."""
        self._documents, self._as_of_ms = {}, None
        self._paused_until = time.monotonic() + self.pause_s
