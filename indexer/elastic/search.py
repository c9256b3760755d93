"""Queries over passages in Elasticsearch: the server finds candidates, and ``matching/match.py`` decides on the client.

Few passages match most queries, and one request returns them. If there are more, a query without conditions is read
best first until the page is full, and then the times of its hits. With conditions, or recording by recording, all
passages are read that may contain a match of any phrase. For a query with conditions, a first request counts the
recordings that may have a hit, and if these are few, only their passages are read.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from indexer import word_codec
from indexer.elastic import documents
from indexer.elastic.client import Server, Snapshot
from indexer.elastic.passages import STRIDE, Passage, find
from indexer.elastic.reader import Group, PassageReader
from indexer.elastic.recording_cache import RecordingCache
from indexer.matching import filters, match
from indexer.matching.grades import ALL_GRADES, BEST_GRADE, grade_of
from indexer.matching.match import Match
from indexer.matching.ranking import Ranking, best_first, merge_best_first
from indexer.types import CONTEXT_WORDS, Count, Filter, Hit, Page, Phrase, Query

MAX_FIRST_PASSAGES = 40
"""Maximum number of passages that are read with their times before hits are ranked: 300 kB."""

MAX_NAMED = 1000
"""Maximum number of recordings to which a request is restricted by name."""

Owners = dict[tuple[str, int], Passage]
"""Passages by generation and number."""


class _ReplacedError(Exception):
    """A recording was replaced after the search, before its hits were read."""


class PassageQuery:
    """One query over the passages of an index."""

    def __init__(self, server: Server, query: Query, cache: RecordingCache) -> None:
        self._server = server
        self._query = query
        self._cache = cache
        self._passes = filters.passes(query.filter)
        self._conditional = bool(query.together or query.without or query.voices)
        needs_times = bool(query.voices) or (self._conditional and query.within is not None)
        self._fields = documents.WITHOUT_TIMES + (("times",) if needs_times else ())

    def page(self, limit: int, after: str | None) -> Page:
        """First ``limit`` hits, or the first after those of another page."""
        while True:
            try:
                return self._page(limit, after)
            except _ReplacedError:
                continue

    def _page(self, limit: int, after: str | None) -> Page:
        reader, owners = PassageReader(self._server, self._cache), Owners()
        ranking = Ranking(self._query.order, limit, after, reader.recordings.__getitem__, str)
        names = self._candidate_recordings()
        clauses = [] if names is None else [{"terms": {"recording": names}}]
        groups = [] if names == [] else reader.first(self._wanted(clauses), MAX_FIRST_PASSAGES)
        if groups is None and self._query.order == "confidence" and not self._conditional:
            with self._server.snapshot() as snapshot:
                of_phrases, of_variants = (
                    [self._iter_best_first(reader, phrase, clauses, snapshot) for phrase in phrases]
                    for phrases in (self._query.phrases, self._query.variants)
                )
                for candidate in merge_best_first([*of_phrases, *map(match.lowered, of_variants)]):
                    ranking.add(candidate)
                    if ranking.is_complete:
                        break
        elif groups is None:
            self._rank(reader.newest(self._wanted(clauses), self._fields, None), ranking)
        else:
            owners |= {
                (group.generation, number): passage for group in groups for number, passage in group.passages.items()
            }
            self._rank(groups, ranking)
        while reader.late:
            again = PassageReader(self._server, self._cache, reader.recordings)
            late = [{"terms": {"generation": list(reader.late)}}]
            self._rank(again.newest(self._wanted(late), self._fields, None), ranking)
            reader.late = again.late
        matches, following = ranking.page()
        return Page(tuple(self._hits(matches, reader, owners)), following)

    def counts(self) -> list[Count]:
        """Recordings with hits, and the number of their hits, most hits first."""
        names = self._candidate_recordings()
        clauses = [] if names is None else [{"terms": {"recording": names}}]
        counts = []
        while names is None or names:
            reader = PassageReader(self._server, self._cache)
            for group in reader.newest(self._wanted(clauses), self._fields, None):
                if number := len(self._matches(group)):
                    counts.append(Count(group.recording, number))
            if not reader.late:
                break
            clauses = [{"terms": {"generation": list(reader.late)}}]
        return sorted(counts, key=lambda count: (-count.hits, count.recording.path, count.recording.id))

    # Passages that are read

    def _wanted(self, clauses: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Query for the passages that may contain a match of any phrase."""
        query = self._query
        return {"bool": {"filter": [*clauses, self._any((*query.sought, *query.required, *query.without))]}}

    def _any(self, phrases: Iterable[Phrase]) -> dict[str, Any]:
        queries = [documents.candidates(phrase) for phrase in dict.fromkeys(phrases)]
        return queries[0] if len(queries) == 1 else {"bool": {"should": queries}}

    def _candidate_recordings(self) -> list[str] | None:
        """Ids of the recordings that may have hits; None if there are many, or the query has no conditions."""
        parts = []
        if self._conditional:
            parts = [self._any(self._query.sought), *map(self._any, self._query.together)]
        if self._query.filter != Filter():
            parts.append(documents.filtered(self._query.filter))
        if not parts:
            return None
        recordings = {"recordings": {"terms": {"field": "recording", "size": MAX_NAMED}}}
        aggregations = {str(number): {"filter": part, "aggs": recordings} for number, part in enumerate(parts)}
        response = self._server.search(size=0, aggs=aggregations, track_total_hits=False)
        result: set[str] | None = None
        for number in aggregations:
            counts = response["aggregations"][number]["recordings"]
            if not counts["sum_other_doc_count"]:
                names = {bucket["key"] for bucket in counts["buckets"]}
                result = names if result is None else result & names
        return None if result is None else sorted(result)

    # Matches in them

    def _iter_best_first(
        self, reader: PassageReader, phrase: Phrase, clauses: Sequence[dict[str, Any]], snapshot: Snapshot
    ) -> Iterator[Match[str]]:
        """All matches of a phrase in the order of blocks (``matching/match.py``), read lazily."""

        def read(grades: Sequence[int]) -> Iterator[Match[str]]:
            query = {"bool": {"filter": [*clauses, documents.candidates(phrase, grades)]}}
            for group in reader.newest(query, self._fields, snapshot):
                if self._passes(group.recording):
                    yield from find(group.generation, group.passages, [phrase])

        if phrase.is_exact:
            for grade in reversed(ALL_GRADES):
                yield from (candidate for candidate in read([grade]) if grade_of(candidate.confidence) == grade)
            return
        rest = []
        for candidate in read(ALL_GRADES):
            if grade_of(candidate.confidence) == BEST_GRADE:
                yield candidate
            else:
                rest.append(candidate)
        yield from best_first(rest, len(rest))

    def _rank(self, groups: Iterable[Group], ranking: Ranking[str]) -> None:
        for group in groups:
            for candidate in self._matches(group):
                ranking.add(candidate)

    def _matches(self, group: Group) -> list[Match[str]]:
        """Matches in a recording that meet the conditions, each span once."""
        if not self._passes(group.recording):
            return []
        found = find(group.generation, group.passages, self._query.phrases)
        if self._query.variants:
            variants = find(group.generation, group.passages, self._query.variants)
            found = chain(found, match.lowered(variants))
        matches = match.deduplicate(found)
        if not matches or not self._conditional:
            return matches
        context = {phrase: _spans(group, phrase) for phrase in (*self._query.required, *self._query.without)}
        holds = match.hit_filter(self._query, context, *_times_and_voices(group))
        return [candidate for candidate in matches if holds(candidate.first, candidate.last)]

    # Words of hits

    def _hits(self, matches: Sequence[Match[str]], reader: PassageReader, owners: Owners) -> Iterator[Hit]:
        """Hits with their words; missing passages are read."""
        keys = [(match_.recording, match_.first // STRIDE) for match_ in matches]
        if missing := {key: None for key in keys if key not in owners}:
            ids = (documents.passage_id(reader.recordings[name].id, name, number) for name, number in missing)
            for source in self._server.documents(ids):
                owners[source["generation"], source["passage"]] = documents.passage_of(source)
        for match_, key in zip(matches, keys, strict=True):
            if key not in owners:
                raise _ReplacedError
            first = max(match_.first - CONTEXT_WORDS, 0)
            words = owners[key].words(first, match_.last + CONTEXT_WORDS + 1)
            yield match.build_hit(reader.recordings[match_.recording], match_, words, self._query, first)


def _spans(group: Group, phrase: Phrase) -> list[match.Span]:
    return [(span.first, span.last) for span in find(group.generation, group.passages, [phrase])]


def _times_and_voices(group: Group) -> tuple[match.Times, match.Voices]:
    """Times and voices of spans of a recording; each passage is unpacked once."""

    @functools.cache
    def times(number: int) -> list[tuple[int, int]]:
        return word_codec.unpack_times(group.passages[number].times)

    @functools.cache
    def voices(number: int) -> list[str | None]:
        passage = group.passages[number]
        return list(islice(word_codec.unpack_voices(passage.times), len(passage.text)))

    def times_of(first: int, last: int) -> tuple[int, int]:
        number = first // STRIDE
        offset = group.passages[number].offset
        return match.span_times(times(number)[first - offset], times(number)[last - offset])

    def voices_of(first: int, last: int) -> list[str | None]:
        number = first // STRIDE
        offset = group.passages[number].offset
        return voices(number)[first - offset : last + 1 - offset]

    return times_of, voices_of
