"""Passages as readers may see them: newest generation first, and none but those that their recordings name.

All passages of a generation can be found once it is named. When a reader learns that a recording names a generation, it
may have been named only since the reader looked for passages: then some of them may be missing, or all. Unless it was
named long ago, or was known to be before the reader began, it is ``late``: left out, to be looked for again.

Who searches more than once remembers the recordings (``elastic_memory.py``), and asks for those that were changed since
together with the passages: one request instead of two. Where passages of another generation than the remembered one are
found, the recording is asked for again, so that old words and new ones are never found together. Old words go when the
change can be found; only on several shards, which do not see it at once, some may be gone before the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from indexer.elastic import documents
from indexer.elastic.client import Server, Snapshot
from indexer.elastic.passages import Passage
from indexer.elastic.recording_cache import MOST_CHANGES, SKEW_SECONDS, Document, Known
from indexer.types import Recording

NEWEST = ("-generation", "passage")
"""The order in which passages are read."""


@dataclass(frozen=True)
class Group:
    """A recording with those of its passages or pieces that were found; hits know it by its generation."""

    recording: Recording
    generation: str
    found: Sequence[Document]

    @cached_property
    def passages(self) -> dict[int, Passage]:
        """By number."""
        return {source["passage"]: documents.passage_of(source) for source in self.found}


class Reading:
    """One look at the passages of an index, and the recordings that were seen, by generation."""

    def __init__(self, server: Server, known: Known, recordings: dict[str, Recording] | None = None) -> None:
        self._server = server
        self._known = known
        self._began = time.monotonic()
        self._began_ms = time.time_ns() // 1_000_000
        self._named: dict[str, str | None] = {}
        self._remembered = False
        self.recordings: dict[str, Recording] = {} if recordings is None else recordings
        self.late: dict[str, None] = {}

    def first(self, query: Mapping[str, Any], size: int) -> list[Group] | None:
        """All that a query finds, times too, if it is less than ``size`` passages."""
        self._known.prepare(self._server)
        changes = self._known.changes()
        if changes is None:
            hits = self._server.hits(query, NEWEST, True, size)
            return None if len(hits) == size else list(self.named([hit["_source"] for hit in hits]))
        either = {"bool": {"should": [query, changes]}}
        hits = self._server.hits(either, NEWEST, True, size + MOST_CHANGES)
        found: list[Document] = []
        changed: list[Document] = []
        for hit in hits:
            (changed if hit["_source"]["kind"] == "recording" else found).append(hit["_source"])
        if len(changed) == MOST_CHANGES:
            self._known.forget()
            return None
        if len(found) >= size:
            return None
        self._known.renew(changed, self._began_ms)
        self._remembered = True
        return list(self.named(found))

    def newest(
        self, query: Mapping[str, Any], fields: Sequence[str] | bool, snapshot: Snapshot | None
    ) -> Iterator[Group]:
        """All that a query finds, the newest generation first, each whole."""
        held: list[Document] = []
        for page in self._server.pages(query, NEWEST, fields, snapshot):
            held += (hit["_source"] for hit in page)
            border = next((at for at, one in enumerate(held) if one["generation"] == held[-1]["generation"]), 0)
            whole, held = held[:border], held[border:]  # the last generation may go on on the next page
            yield from self.named(whole)
        yield from self.named(held)

    def named(self, found: Iterable[Document]) -> Iterator[Group]:
        """Of what was found, what is of generations that are named and not late, by generation in that order."""
        generations: dict[str, list[Document]] = {}
        for source in found:
            generations.setdefault(source["generation"], []).append(source)
        self._learn({(some[0]["recording"], generation) for generation, some in generations.items()})
        for generation, some in generations.items():
            if self._named[some[0]["recording"]] == generation and generation not in self.late:
                yield Group(self.recordings[generation], generation, some)

    def _learn(self, found: set[tuple[str, str]]) -> None:
        """See which generation is named by each of the recordings of which one was found."""
        names = {recording for recording, _ in found if recording not in self._named}
        self._named |= dict.fromkeys(names)
        remembered = self._known.recordings(found) if self._remembered else {}
        unknown = [name for name in names if name not in remembered]
        asked = self._server.documents(map(documents.recording_id, unknown))
        self._known.learn(asked)
        for document in (*(remembered[name] for name in names & remembered.keys()), *asked):
            name, generation = document["recording"], document["generation"]
            self._named[name] = generation
            self.recordings[generation] = documents.recording_of(document)
            if (name, generation) not in found or not self._was_there(document):
                self._known.see(name, generation)
                self.late[generation] = None

    def _was_there(self, document: Document) -> bool:
        """Whether the generation that a recording names was named when this look began."""
        if document["named_ms"] < self._began_ms - 1000 * SKEW_SECONDS:
            return True
        return self._known.was_named(document["recording"], document["generation"], self._began)
