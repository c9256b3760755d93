"""Consistent reads of passages: newest generation first, and only generations that their recordings name.

All passages of a generation can be searched once a recording names it. A recording may have named it after the reader
searched for passages: some of the passages, or all, may then be missing from the results. Unless the generation was
named long ago, or was known to be named before the reader began, it is ``late``: left out, to be searched again.

A reader with a warm cache (``recording_cache.py``) reads changed recordings in the same request as the passages. If the
passages are of another generation than the cached one, the recording is read again: old and new words are never
returned together. Old words disappear when the change becomes visible; several shards do not show it at the same
moment, and old words may then disappear one shard after another.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from indexer.corrections import CorrectedWords
from indexer.elastic import documents
from indexer.elastic.client import Server, Snapshot
from indexer.elastic.passages import Passage
from indexer.elastic.recording_cache import MAX_CHANGES, Document, RecordingCache
from indexer.types import Recording

MAX_LEFT = 20
"""Maximum number of documents that are searched for corrections left behind."""

NEWEST = ("-generation", "passage")
"""Order in which passages are read."""


@dataclass(frozen=True)
class Group:
    """Recording with those of its passages or emissions that match a query; matches refer to it by its generation."""

    recording: Recording
    generation: str
    sources: Sequence[Document]

    @cached_property
    def passages(self) -> dict[int, Passage]:
        """Passages by number."""
        return {source["passage"]: documents.passage_of(source) for source in self.sources}


class PassageReader:
    """Reads the passages of an index for one query.

    Attributes:
        recordings: recordings read, by generation.
        late: generations to be searched again.
    """

    def __init__(self, server: Server, cache: RecordingCache, recordings: dict[str, Recording] | None = None) -> None:
        self._server = server
        self._cache = cache
        self._began = time.monotonic()
        self._began_ms = time.time_ns() // 1_000_000
        self._named: dict[str, str | None] = {}
        self._cached = False
        self.recordings: dict[str, Recording] = {} if recordings is None else recordings
        self.late: dict[str, None] = {}

    def first(self, query: Mapping[str, Any], size: int) -> list[Group] | None:
        """All passages that match a query, with times; None if there are ``size`` or more."""
        self._cache.prepare(self._server)
        changes = self._cache.changes()
        if changes is None:
            hits = self._server.hits(query, NEWEST, True, size)
            return None if len(hits) == size else list(self.named([hit["_source"] for hit in hits]))
        query_or_changes = {"bool": {"should": [query, changes]}}
        hits = self._server.hits(query_or_changes, NEWEST, True, size + MAX_CHANGES)
        passages: list[Document] = []
        changed: list[Document] = []
        for hit in hits:
            (changed if hit["_source"]["kind"] == "recording" else passages).append(hit["_source"])
        if len(changed) == MAX_CHANGES:
            self._cache.pause()
            return None
        if len(passages) >= size:
            return None
        self._cache.update(changed, self._began_ms)
        self._cached = True
        return list(self.named(passages))

    def newest(
        self, query: Mapping[str, Any], fields: Sequence[str] | bool, snapshot: Snapshot | None
    ) -> Iterator[Group]:
        """All passages that match a query, newest generation first, each generation whole."""
        held: list[Document] = []
        for page in self._server.pages(query, NEWEST, fields, snapshot):
            held += (hit["_source"] for hit in page)
            border = next(
                (index for index, source in enumerate(held) if source["generation"] == held[-1]["generation"]), 0
            )
            whole, held = held[:border], held[border:]  # the last generation may continue on the next page
            yield from self.named(whole)
        yield from self.named(held)

    def named(self, sources: Iterable[Document]) -> Iterator[Group]:
        """Documents of generations that are named and not late, grouped by generation in the order of the documents."""
        generations: dict[str, list[Document]] = {}
        for source in sources:
            generations.setdefault(source["generation"], []).append(source)
        self._resolve({(members[0]["recording"], generation) for generation, members in generations.items()})
        for generation, members in generations.items():
            if self._named[members[0]["recording"]] == generation and generation not in self.late:
                yield Group(self.recordings[generation], generation, members)

    def _resolve(self, generations: set[tuple[str, str]]) -> None:
        """Read the generation that each recording names.

        Args:
            generations: ids of the recordings, with the generations of the passages that match.
        """
        names = {recording for recording, _ in generations if recording not in self._named}
        self._named |= dict.fromkeys(names)
        cached = self._cache.recordings(generations) if self._cached else {}
        unknown = [name for name in names if name not in cached]
        read = self._server.documents(map(documents.recording_id, unknown))
        self._cache.store(read)
        for document in (*(cached[name] for name in names & cached.keys()), *read):
            name, generation = document["recording"], document["generation"]
            self._named[name] = generation
            self.recordings[generation] = documents.recording_of(document)
            if (name, generation) not in generations or not self._was_named(document):
                self._cache.note_named(name, generation)
                self.late[generation] = None

    def _was_named(self, document: Document) -> bool:
        """Return whether a recording already named its generation when this reader began."""
        if document["named_ms"] < self._began_ms - 1000 * self._cache.max_clock_skew_s:
            return True
        return self._cache.was_named(document["recording"], document["generation"], self._began)


def corrections_of(server: Server, recording: Mapping[str, Any]) -> CorrectedWords | None:
    """Corrections of the generation that a recording's document names; None if they were replaced meanwhile."""
    sources = server.documents([documents.corrections_id(recording["recording"], recording["generation"])])
    return documents.corrections_in(sources[0]) if sources else None


def left_behind(server: Server, recording: str) -> CorrectedWords | None:
    """Corrections that an older version of this program left when it replaced a recording."""
    query = {"bool": {"filter": [{"term": {"kind": "corrections"}}, {"term": {"recording": recording}}]}}
    for hit in server.hits(query, ["-generation", "passage"], True, MAX_LEFT):
        source = hit["_source"]
        if server.get(documents.writing_id(source["generation"])) is None:  # else another process is writing them
            return documents.corrections_in(source)
    return None
