"""An index in Elasticsearch: how it is written, see ``elastic_writing.py``; what lies there, ``documents.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from audiosearch.errors import StoreError, UnknownRecordingError
from audiosearch.spotting.scoring import KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.elastic import (
    client as elastic_client,
)
from indexer.elastic import (
    documents,
)
from indexer.elastic import (
    emissions as elastic_sound,
)
from indexer.elastic import (
    mapping as elastic_mapping,
)
from indexer.elastic.client import Server
from indexer.elastic.connection import address
from indexer.elastic.passages import STRIDE
from indexer.elastic.recording_cache import Known
from indexer.elastic.search import Search
from indexer.elastic.writer import Writer
from indexer.matching import spelling as near
from indexer.types import Count, Heard, Location, Page, Query, Recording, Statistics


class ElasticIndex:
    """An ``Index`` on a server."""

    def __init__(self, url: str, *, create: bool) -> None:
        """Connect to the index at a URL (see ``elastic_address.py``), and make it with ``create``."""
        self._known = Known()
        self._server = Server(address(url))
        self._shown = self._server.shown
        try:
            elastic_mapping.prepare(self._server, create=create)
            self._writer = Writer(self._server)
            if create:
                self._writer.sweep()
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

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        """Keep a recording, in the place of one with its id."""
        self._writer.add(recording, words, emissions)

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies."""
        self._writer.relocate(recording_id, locations)

    def remove(self, recording_id: str) -> None:
        """Forget a recording."""
        self._writer.remove(recording_id)

    def keep_sounding(self, model: str, sounding: str) -> None:
        """Keep what is known of the emissions of a recognizer."""
        elastic_sound.keep_sounding(self._server, model, sounding)

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        pages = self._server.pages({"term": {"kind": "recording"}}, ["recording"], True)
        recordings = [documents.recording_of(hit["_source"]) for page in pages for hit in page]
        return sorted(recordings, key=lambda recording: (recording.path, recording.id))

    def recording(self, recording_id: str) -> Recording | None:
        """A recording, if it is known."""
        known = self._server.documents([documents.recording_id(recording_id)])
        return documents.recording_of(known[0]) if known else None

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording."""
        return self.words_between(recording_id, 0, sys.maxsize)

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        """Those at the positions from ``first`` to before ``end``, as far as there are any."""

        def ids(known: Mapping[str, Any]) -> list[str]:
            last = min(end, known["words"])
            numbers = range(first // STRIDE, -(-last // STRIDE))
            return [documents.passage_id(recording_id, known["generation"], number) for number in numbers]

        words = []
        for passage in map(documents.passage_of, self._parts(recording_id, ids)):
            own = passage.number * STRIDE
            words += passage.words(max(own, first), min(own + STRIDE, end))
        return tuple(words)

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        """The emissions that were kept of a recording."""

        def ids(known: Mapping[str, Any]) -> list[str]:
            pieces = range(known["pieces"])
            return [elastic_sound.piece_id(recording_id, known["generation"], number) for number in pieces]

        return tuple(map(elastic_sound.emissions_of, self._parts(recording_id, ids)))

    def _parts(self, recording_id: str, ids: Callable[[Mapping[str, Any]], list[str]]) -> list[dict[str, Any]]:
        """Documents of the generation that a recording names; ``ids`` are theirs for the recording's document."""
        while True:
            known = self._known_as(recording_id)
            wanted = ids(known)
            found = self._server.documents(wanted)
            if len(found) == len(wanted):
                return found
            if self._known_as(recording_id)["generation"] == known["generation"]:
                raise StoreError(f"{self._shown} lost words of the recording {recording_id}: index it again")

    def _known_as(self, recording_id: str) -> dict[str, Any]:
        """The document of a recording."""
        known = self._server.documents([documents.recording_id(recording_id)])
        if not known:
            raise UnknownRecordingError(f"{self._shown} holds no recording {recording_id}")
        return known[0]

    def soundings(self) -> dict[str, str]:
        """What is known of the emissions of each recognizer."""
        return elastic_sound.soundings(self._server)

    def heard_seconds(self) -> Seconds:
        """How long the recordings are, all together, of which emissions were kept."""
        return elastic_sound.seconds(self._server)

    def heard(self, recordings: Iterable[str] | None = None) -> Iterator[Heard]:
        """All packed stretches, or those of these recordings as far as they are known."""
        return elastic_sound.heard(self._server, self._known, recordings)

    def candidates(self, asked: KeywordQuery, most: int, recordings: Collection[str] | None = None) -> Iterator[Heard]:
        """The packed stretches that go best with the keys of a text, at most so many."""
        return elastic_sound.candidates(self._server, self._known, asked, most, recordings)

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        return self._search(query).page(limit, after)

    def count(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many."""
        return self._search(query).counts()

    def _search(self, query: Query) -> Search:
        return Search(self._server, query, self._known)

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelled nearly so, nearest first."""
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
