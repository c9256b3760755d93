"""Queries over passages in Elasticsearch: the server finds candidates, ``match.py`` decides here.

A recording is judged by its passages that may hold a match of any phrase of the query, those of conditions too. Before
they are read, one request asks which recordings could have a hit at all; where these are few, the others' passages stay
on the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audiosearch.types import Word
from indexer import documents, elastic_client, filters, match
from indexer.elastic_client import Server
from indexer.match import Found
from indexer.packing import milliseconds
from indexer.passages import STRIDE, Passage, find
from indexer.ranking import Ranking
from indexer.types import CONTEXT_WORDS, Count, Filter, Page, Phrase, Query, Recording

FEW = 1000
"""Recordings that are named in a request, so that only their passages come."""

KEPT = 2000
"""Passages beyond which those that hold none of the best hits are dropped."""

Generations = dict[str, dict[int, Passage]]
"""Passages of a recording by generation and number."""


@dataclass(frozen=True)
class Heard:
    """A recording with those of its passages that may hold a match; hits know it by its generation."""

    recording: Recording
    generation: str
    passages: Mapping[int, Passage]

    @cached_property
    def _words(self) -> dict[int, list[Word]]:
        return {}

    def owner(self, first: int) -> Passage:
        """The passage that holds every span that begins at a position, with its context."""
        return self.passages[first // STRIDE]

    def times(self, first: int, last: int) -> tuple[int, int]:
        """Start and end of a span, in milliseconds."""
        owner = self.owner(first)
        if owner.number not in self._words:
            self._words[owner.number] = owner.words(owner.offset, owner.offset + len(owner.text))
        words = self._words[owner.number]
        return milliseconds(words[first - owner.offset].start), milliseconds(words[last - owner.offset].end)

    def hits(self, query: Query) -> list[Found[str]]:
        """Its hits, each span once."""
        found = match.once(find(self.generation, self.passages, query.phrases))
        if not found or not (query.together or query.without):
            return found
        others = {phrase: self._spans(phrase) for phrase in (*query.together, *query.without)}
        holds = match.condition(query, others, self.times)
        return [one for one in found if holds(one.first, one.last)]

    def _spans(self, phrase: Phrase) -> list[tuple[int, ...]]:
        return [(one.first, one.last) for one in find(self.generation, self.passages, [phrase])]


class Search:
    """Answers one query."""

    def __init__(self, server: Server, query: Query, written: str, named: dict[str, str]) -> None:
        """Prepare to ask.

        Args:
            written: generations less than this one are no longer being written.
            named: the generation that a recording was last seen to name, as far as known; what is seen is added.
        """
        self._server = server
        self._query = query
        self._written = written
        self._named = named

    def page(self, limit: int, after: str | None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        recordings: dict[str, Recording] = {}
        owners: dict[tuple[str, int], Passage] = {}
        ranking = Ranking(self._query.order, limit, after, recordings.__getitem__, str)
        for heard in self._heard():
            recordings[heard.generation] = heard.recording
            for one in heard.hits(self._query):
                ranking.add(one)
                owners[one.recording, one.first // STRIDE] = heard.owner(one.first)
            if len(owners) > KEPT + limit:
                kept = {(one.recording, one.first // STRIDE) for one in ranking.held()}
                owners = {key: passage for key, passage in owners.items() if key in kept}
        found, following = ranking.page()
        hits = []
        for one in found:
            first = max(one.first - CONTEXT_WORDS, 0)
            words = owners[one.recording, one.first // STRIDE].words(first, one.last + CONTEXT_WORDS + 1)
            hits.append(match.hit(recordings[one.recording], one, words, first))
        return Page(tuple(hits), following)

    def counts(self) -> list[Count]:
        """Recordings with hits, and how many; most hits first."""
        counts = [Count(heard.recording, number) for heard in self._heard() if (number := len(heard.hits(self._query)))]
        return sorted(counts, key=lambda count: (-count.hits, count.recording.path, count.recording.id))

    def _heard(self) -> Iterator[Heard]:
        """Recordings that the filter lets pass and that may have hits, each once."""
        passes = filters.passes(self._query.filter)
        few = self._few()
        wanted = _any((*self._query.phrases, *self._query.together, *self._query.without))
        clauses = [] if few is None else [{"terms": {"recording": few}}]
        while few is None or few:
            again = []
            for batch in self._batches({"bool": {"must": [wanted], "filter": clauses}}):
                for document in self._server.documents(documents.recording_id(one) for one in batch):
                    name, generation = document["recording"], document["generation"]
                    passages = batch[name].get(generation)
                    # All passages of a generation can be found once it is named, which it may not yet have been when
                    # these were looked up: then some of them may be missing here, or all.
                    if passages is None or not (generation < self._written or self._named.get(name) == generation):
                        self._named[name] = generation
                        again.append(generation)
                        continue
                    recording = documents.recording_of(document)
                    if passes(recording):
                        yield Heard(recording, generation, passages)
            if not again:
                return
            clauses = [{"terms": {"generation": again}}]

    def _few(self) -> list[str] | None:
        """Ids of the recordings that alone may have hits; None where there are many, or it was not worth asking."""
        parts = []
        if self._query.together or self._query.without:
            parts = [_any(self._query.phrases), *map(documents.candidates, self._query.together)]
        if self._query.filter != Filter():
            parts.append(documents.filtered(self._query.filter))
        if not parts:
            return None
        recordings = {"recordings": {"terms": {"field": "recording", "size": FEW}}}
        asked = {str(number): {"filter": part, "aggs": recordings} for number, part in enumerate(parts)}
        answer = self._server.search(size=0, aggs=asked, track_total_hits=False)
        few: set[str] | None = None
        for number in asked:
            found = answer["aggregations"][number]["recordings"]
            if not found["sum_other_doc_count"]:
                names = {bucket["key"] for bucket in found["buckets"]}
                few = names if few is None else few & names
        return None if few is None else sorted(few)

    def _batches(self, query: Mapping[str, Any]) -> Iterator[dict[str, Generations]]:
        """Passages that a query finds, by recording; each recording whole in one batch."""
        held: dict[str, Generations] = {}
        last = None
        for page in self._server.pages(query, ["recording", "generation", "passage"], True):
            for hit in page:
                source = hit["_source"]
                last = source["recording"]
                generations = held.setdefault(last, {})
                generations.setdefault(source["generation"], {})[source["passage"]] = documents.passage_of(source)
            rest = {last: held.pop(last)} if last in held and len(page) == elastic_client.PAGE else {}
            if held:
                yield held
            held = rest
        if held:
            yield held


def _any(phrases: Sequence[Phrase]) -> dict[str, Any]:
    """The query for the passages that hold a match of one of the phrases."""
    return {"bool": {"should": [documents.candidates(phrase) for phrase in dict.fromkeys(phrases)]}}
