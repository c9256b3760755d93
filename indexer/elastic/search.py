"""Queries over passages in Elasticsearch: the server finds candidates, ``match.py`` decides here.

Most queries find few passages: these come at once. Where there are more, phrases alone are read in the order of choice,
best first, until the page is full, and the times of its hits at the end. With conditions, or in the order of time, all
passages are read that may hold a match of any phrase; before, one request asks which recordings could have a hit at
all, and where these are few, the others' passages stay on the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from audiosearch.types import Word
from indexer.elastic import documents
from indexer.elastic.client import Server, Snapshot
from indexer.elastic.passages import GRADES, STRIDE, Passage, find
from indexer.elastic.reader import Group, Reading
from indexer.elastic.recording_cache import Known
from indexer.matching import filters, match
from indexer.matching.match import Found
from indexer.matching.ranking import Ranking, chosen, merged
from indexer.sqlite.fts_tokens import is_exact
from indexer.types import CONTEXT_WORDS, Count, Filter, Hit, Page, Phrase, Query
from indexer.word_codec import milliseconds

AT_ONCE = 40
"""Passages that come with their times, before it is known which hits are the first: 300 kB at most."""

FEW = 1000
"""Recordings that are named in a request, so that only their passages come."""

Owners = dict[tuple[str, int], Passage]
"""Passages by generation and number."""


class _ReplacedError(Exception):
    """A recording was replaced between the search and the reading of its hits."""


class Search:
    """Answers one query."""

    def __init__(self, server: Server, query: Query, known: Known) -> None:
        self._server = server
        self._query = query
        self._known = known
        self._passes = filters.passes(query.filter)
        self._conditional = bool(query.together or query.without)
        self._fields = documents.WITHOUT_TIMES + (("times",) if self._conditional and query.within is not None else ())

    def page(self, limit: int, after: str | None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        while True:
            try:
                return self._page(limit, after)
            except _ReplacedError:
                continue

    def _page(self, limit: int, after: str | None) -> Page:
        reading, owners = Reading(self._server, self._known), Owners()
        ranking = Ranking(self._query.order, limit, after, reading.recordings.__getitem__, str)
        few = self._few()
        clauses = [] if few is None else [{"terms": {"recording": few}}]
        group = [] if few == [] else reading.first(self._wanted(clauses), AT_ONCE)
        if group is None and self._query.order == "confidence" and not self._conditional:
            with self._server.snapshot() as snapshot:
                for one in merged(
                    self._descending(reading, phrase, clauses, snapshot) for phrase in self._query.phrases
                ):
                    ranking.add(one)
                    if ranking.enough:
                        break
        elif group is None:
            self._rank(reading.newest(self._wanted(clauses), self._fields, None), ranking)
        else:
            owners |= {(one.generation, number): passage for one in group for number, passage in one.passages.items()}
            self._rank(group, ranking)
        while reading.late:
            again = Reading(self._server, self._known, reading.recordings)
            late = [{"terms": {"generation": list(reading.late)}}]
            self._rank(again.newest(self._wanted(late), self._fields, None), ranking)
            reading.late = again.late
        found, following = ranking.page()
        return Page(tuple(self._hits(found, reading, owners)), following)

    def counts(self) -> list[Count]:
        """Recordings with hits, and how many; most hits first."""
        few = self._few()
        clauses = [] if few is None else [{"terms": {"recording": few}}]
        counts = []
        while few is None or few:
            reading = Reading(self._server, self._known)
            for group in reading.newest(self._wanted(clauses), self._fields, None):
                if number := len(self._matches(group)):
                    counts.append(Count(group.recording, number))
            if not reading.late:
                break
            clauses = [{"terms": {"generation": list(reading.late)}}]
        return sorted(counts, key=lambda count: (-count.hits, count.recording.path, count.recording.id))

    # Which passages

    def _wanted(self, clauses: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The query for the passages that hold a match of any phrase."""
        query = self._query
        return {"bool": {"filter": [*clauses, self._any((*query.phrases, *query.together, *query.without))]}}

    def _any(self, phrases: Iterable[Phrase]) -> dict[str, Any]:
        some = [documents.candidates(phrase) for phrase in dict.fromkeys(phrases)]
        return some[0] if len(some) == 1 else {"bool": {"should": some}}

    def _few(self) -> list[str] | None:
        """Ids of the recordings that alone may have hits; None where there are many, or it was not worth asking."""
        parts = []
        if self._conditional:
            parts = [self._any(self._query.phrases), *(self._any([phrase]) for phrase in self._query.together)]
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

    # Which matches

    def _descending(
        self, reading: Reading, phrase: Phrase, clauses: Sequence[dict[str, Any]], snapshot: Snapshot
    ) -> Iterator[Found[str]]:
        """All matches of a phrase in the order of choice (``match.py``), read as they are asked for."""

        def found(grades: Sequence[int]) -> Iterator[Found[str]]:
            query = {"bool": {"filter": [*clauses, documents.candidates(phrase, grades)]}}
            for group in reading.newest(query, self._fields, snapshot):
                if self._passes(group.recording):
                    yield from find(group.generation, group.passages, [phrase])

        if is_exact(phrase):
            for grade in reversed(GRADES):
                yield from (one for one in found([grade]) if match.grade(one.confidence) == grade)
            return
        rest = []
        for one in found(GRADES):
            if match.grade(one.confidence) == GRADES[-1]:
                yield one
            else:
                rest.append(one)
        yield from chosen(rest, len(rest))

    def _rank(self, some: Iterable[Group], ranking: Ranking[str]) -> None:
        for group in some:
            for one in self._matches(group):
                ranking.add(one)

    def _matches(self, group: Group) -> list[Found[str]]:
        """The hits in a recording, each span once."""
        if not self._passes(group.recording):
            return []
        found = match.once(find(group.generation, group.passages, self._query.phrases))
        if not found or not self._conditional:
            return found
        others = {phrase: _spans(group, phrase) for phrase in (*self._query.together, *self._query.without)}
        holds = match.condition(self._query, others, _times(group))
        return [one for one in found if holds(one.first, one.last)]

    # Which words

    def _hits(self, found: Sequence[Found[str]], reading: Reading, owners: Owners) -> Iterator[Hit]:
        """Hits with their words, which are read where they did not come along."""
        keys = [(one.recording, one.first // STRIDE) for one in found]
        if missing := {key: None for key in keys if key not in owners}:
            ids = (documents.passage_id(reading.recordings[name].id, name, number) for name, number in missing)
            for source in self._server.documents(ids):
                owners[source["generation"], source["passage"]] = documents.passage_of(source)
        for one, key in zip(found, keys, strict=True):
            if key not in owners:
                raise _ReplacedError
            first = max(one.first - CONTEXT_WORDS, 0)
            words = owners[key].words(first, one.last + CONTEXT_WORDS + 1)
            yield match.hit(reading.recordings[one.recording], one, words, self._query.phrases, first)


def _spans(group: Group, phrase: Phrase) -> list[match.Span]:
    return [(one.first, one.last) for one in find(group.generation, group.passages, [phrase])]


def _times(group: Group) -> match.Times:
    """Start and end of spans of a recording, of which every passage is unpacked once."""
    unpacked: dict[int, list[Word]] = {}

    def times(first: int, last: int) -> tuple[int, int]:
        owner = group.passages[first // STRIDE]
        if owner.number not in unpacked:
            unpacked[owner.number] = owner.words(owner.offset, owner.offset + len(owner.text))
        words = unpacked[owner.number]
        return milliseconds(words[first - owner.offset].start), milliseconds(words[last - owner.offset].end)

    return times
