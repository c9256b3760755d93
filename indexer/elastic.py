"""An index in Elasticsearch.

A recording is a document that names a generation of passages, which hold its words. It is replaced in steps, of which
one is visible: passages of a new generation are written and refreshed, then the recording names that generation (only
if nobody else changed it meanwhile), then the passages of the old one go. Readers take passages of no generation but
the one that is named, and look again for one that may have been named while they looked. What a killed writer leaves is
never seen, and is deleted when its recording is next added or removed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from audiosearch.errors import RefusedError, StoreError
from audiosearch.types import Word
from indexer import documents, elastic_client, elastic_mapping, near
from indexer.elastic_address import address
from indexer.elastic_client import Server
from indexer.elastic_search import Search
from indexer.passages import STRIDE, cut
from indexer.types import Count, Location, Page, Query, Recording, Statistics

WRITING_SECONDS = 3600
"""Age after which a generation of passages is no longer being written: it is named by its recording, or an orphan."""


class ElasticIndex:
    """An ``Index`` on a server."""

    def __init__(self, url: str, *, create: bool) -> None:
        """Connect to the index at a URL (see ``elastic_address.py``), and make it with ``create``."""
        self._named: dict[str, str] = {}
        self._server = Server(address(url))
        self._shown = self._server.shown
        try:
            elastic_mapping.prepare(self._server, create=create)
        except BaseException:
            self._server.close()
            raise

    def close(self) -> None:
        """End the connections."""
        self._server.close()

    def __enter__(self) -> ElasticIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def add(self, recording: Recording, words: Sequence[Word]) -> None:
        """Keep a recording, in the place of one with its id."""
        generation = f"{_generation_before(0)}-{uuid.uuid4().hex[:12]}"
        passages = list(cut(words))
        document = documents.recording_document(recording, generation, len(words))
        lines = (
            line
            for passage in passages
            for line in (
                {"index": {"_id": documents.passage_id(recording.id, generation, passage.number)}},
                documents.passage_document(recording.id, generation, passage),
            )
        )
        try:
            self._server.bulk(lines)
        except RefusedError as error:
            self._server.refresh()
            self._delete({"term": {"generation": generation}}, lambda _: True)
            raise RefusedError(f"{recording.path}: cannot be indexed; {error}.") from error
        self._server.refresh()
        self._check_written(recording, generation, len(passages))
        replaced = self._replace(recording.id, lambda _: document)
        self._sweep(recording.id, replaced - {generation}, generation)
        self._server.refresh()

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies."""

        def moved(document: dict[str, Any] | None) -> dict[str, Any]:
            if document is None:
                raise StoreError(f"{self._shown} holds no recording {recording_id}")
            return {**document, "locations": documents.locations_field(locations)}

        self._replace(recording_id, moved)
        self._server.refresh()

    def remove(self, recording_id: str) -> None:
        """Forget a recording."""
        self._sweep(recording_id, self._replace(recording_id, lambda _: None), None)
        self._server.refresh()

    def _replace(self, recording_id: str, change: Callable[[dict[str, Any] | None], dict[str, Any] | None]) -> set[str]:
        """Put what ``change`` makes of a recording's document in its place, with nobody's change in between.

        Returns:
            generations that the document named before, more than one where somebody else was at it too.
        """
        before = set()
        name = documents.recording_id(recording_id)
        while True:
            old, state = self._server.get(name) or (None, None)
            if old is not None:
                before.add(old["generation"])
            if self._server.replace(name, change(old), state):
                return before

    def _check_written(self, recording: Recording, generation: str, passages: int) -> None:
        count = self._server.count({"term": {"generation": generation}})
        if count != passages:
            raise StoreError(f"{self._shown} lost {passages - count} passages of {recording.path}: index it again")

    def _sweep(self, recording_id: str, replaced: set[str], current: str | None) -> None:
        """Delete passages of a recording that were replaced, or that a killed writer left long ago."""
        query = {
            "bool": {
                "filter": [{"term": {"kind": "passage"}}, {"term": {"recording": recording_id}}],
                "must_not": [{"term": {"generation": current}}] if current else [],
            }
        }
        old = _generation_before(WRITING_SECONDS)
        self._delete(query, lambda generation: generation in replaced or generation < old)

    def _delete(self, query: dict[str, Any], doomed: Callable[[str], bool]) -> None:
        """Delete passages that a query finds, of the generations that are doomed."""
        pages = self._server.pages(query, ["generation", "passage"], ["generation"])
        ids = [hit["_id"] for page in pages for hit in page if doomed(hit["_source"]["generation"])]
        self._server.bulk({"delete": {"_id": one}} for one in ids)

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        pages = self._server.pages({"term": {"kind": "recording"}}, ["recording"], True)
        recordings = [documents.recording_of(hit["_source"]) for page in pages for hit in page]
        return sorted(recordings, key=lambda recording: (recording.path, recording.id))

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording."""
        while True:
            generation, length = self._generation(recording_id)
            ids = [documents.passage_id(recording_id, generation, number) for number in range(-(-length // STRIDE))]
            passages = [documents.passage_of(one) for one in self._server.documents(ids)]
            if len(passages) == len(ids):
                return tuple(word for passage in passages for word in passage.own_words())
            if self._generation(recording_id)[0] == generation:
                raise StoreError(f"{self._shown} lost words of the recording {recording_id}: index it again")

    def _generation(self, recording_id: str) -> tuple[str, int]:
        """The named generation of a recording and the number of its words."""
        known = self._server.documents([documents.recording_id(recording_id)])
        if not known:
            raise StoreError(f"{self._shown} holds no recording {recording_id}")
        return known[0]["generation"], known[0]["words"]

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        return self._search(query).page(limit, after)

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many."""
        return self._search(query).counts()

    def _search(self, query: Query) -> Search:
        return Search(self._server, query, _generation_before(WRITING_SECONDS), self._named)

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelt nearly so, nearest first."""
        edits = near.allowed(word)
        if not edits:
            return []
        term = {
            "field": "text",
            "analyzer": "whitespace",
            "suggest_mode": "always",
            "max_edits": edits,
            "prefix_length": 0,
            "min_word_length": 1,
            "accuracy": 0.0,
            "max_term_freq": 2**31 - 1,
            "size": elastic_client.PAGE,
        }
        suggest = {"near": {"text": word, "term": term}}
        answer = self._server.search(size=0, suggest=suggest)
        candidates = [option["text"] for entry in answer["suggest"]["near"] for option in entry["options"]]
        # The server suggests words of deleted passages, too.
        filters = {other: {"term": {"text": other}} for other in near.nearest(word, candidates, elastic_client.PAGE)}
        if not filters:
            return []
        counts = {"near": {"filters": {"filters": filters}}}
        answer = self._server.search(size=0, aggs=counts)
        buckets = answer["aggregations"]["near"]["buckets"]
        return [other for other in filters if buckets[other]["doc_count"]][: max(limit, 0)]

    def statistics(self) -> Statistics:
        """How much the index holds."""
        sums = {name: {"sum": {"field": name}} for name in ("words", "duration_ms")}
        query = {"term": {"kind": "recording"}}
        answer = self._server.search(size=0, query=query, aggs=sums, track_total_hits=True)
        return Statistics(
            recordings=answer["hits"]["total"]["value"],
            words=int(answer["aggregations"]["words"]["value"]),
            seconds=int(answer["aggregations"]["duration_ms"]["value"]) / 1000,
            bytes=self._server.bytes(),
        )


def _generation_before(seconds: float) -> str:
    """What every generation begun later is greater than."""
    return f"{time.time_ns() // 1_000_000 - round(1000 * seconds):012x}"
