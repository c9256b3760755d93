"""Queries over a store that gives the spans of phrases recording by recording, as FTS5 does.

Phrases alone are read in the order of choice, best first, until the page is full. With conditions or a filter, or in
the order of time, all recordings that hold what must be said together are read side by side, without confidences:

    phrase AND together               1   4   7 …   spans of hits and of what they must have with them
    phrase AND together AND unwanted      4     …   spans of what they may not have with them
"""

from __future__ import annotations

import functools
import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from audiosearch.types import Word
from indexer.matching import filters, match
from indexer.matching.match import Found, Span
from indexer.matching.ranking import Ranking, merged
from indexer.types import CONTEXT_WORDS, Count, Filter, Page, Phrase, Query, Recording

STRETCH = 128
"""Words that are read at once where the times of spans are asked for."""

MANY = 20_000
"""Hits beyond which their confidences are not all read to find the best."""

Matching = tuple[int, dict[Phrase, list[Span]], dict[Phrase, list[Span]]]
"""Number of a recording, spans of hits by phrase, spans of all that is said, where they matter."""

Matched = tuple[Phrase, Span]

Matches = tuple[int, Sequence[Span]]
"""Number of a recording, spans in it."""


class Search(ABC):
    """Answers queries; a store says what it finds."""

    @abstractmethod
    def _spans(self, *phrases: Phrase, said: Sequence[Phrase] = ()) -> Iterator[tuple[int, list[list[Span]]]]:
        """Recordings in which all of the phrases match, by number, with the matches of each phrase.

        Args:
            said: phrases that match there too, and whose matches do not come.
        """

    @abstractmethod
    def _confident(self, phrase: Phrase, matches: Iterable[Matches]) -> Iterator[Found[int]]:
        """Matches of a phrase with their confidences."""

    @abstractmethod
    def _descending(self, phrase: Phrase) -> Iterator[Found[int]]:
        """All matches of a phrase in the order of choice (``match.py``), read as they are asked for."""

    @abstractmethod
    def _words(self, number: int, first: int, end: int) -> list[Word]:
        """The words of a recording at the positions from ``first`` to before ``end``, as far as there are any."""

    @abstractmethod
    def _recording(self, number: int) -> Recording:
        """What is known of a recording."""

    def _page(self, query: Query, limit: int, after: str | None) -> Page:
        """The first ``limit`` hits, or the first after those of another page."""
        recording = functools.cache(self._recording)
        ranking = Ranking(query.order, limit, after, recording, int)
        if query.order == "confidence" and not query.together and not query.without and query.filter == Filter():
            for one in merged(map(self._descending, query.phrases)):
                ranking.add(one)
                if ranking.enough:
                    break
        else:
            self._rank(self._hits(query, recording), query, ranking)
        found, following = ranking.page()
        hits = []
        for one in found:
            first = max(one.first - CONTEXT_WORDS, 0)
            words = self._words(one.recording, first, one.last + CONTEXT_WORDS + 1)
            hits.append(match.hit(recording(one.recording), one, words, query.phrases, first))
        return Page(tuple(hits), following)

    def _rank(self, hits: Iterable[tuple[int, list[Matched]]], query: Query, ranking: Ranking[int]) -> None:
        """Give hits to a ranking. Of many only so many are read as it needs, in the order of choice."""
        some: dict[int, list[Matched]] = {}
        total = 0
        for number, matches in hits:
            if not ranking.wants(number):
                continue
            total += len(matches)
            if query.order == "time":
                self._add({number: matches}, ranking)
            elif total <= MANY or query.within is not None:
                some[number] = matches
            else:
                some[number] = []  # all of its matches are hits
        if total <= MANY or query.order == "time":
            self._add(some, ranking)
            return
        ends = {number: {(span[0], span[-1]) for _, span in matches} for number, matches in some.items()}
        for one in merged(map(self._descending, query.phrases)):
            if one.recording in some and (query.within is None or (one.first, one.last) in ends[one.recording]):
                ranking.add(one)
                if ranking.enough:
                    return

    def _add(self, matched: Mapping[int, Sequence[Matched]], ranking: Ranking[int]) -> None:
        """Give all hits of recordings to a ranking."""
        spans: dict[Phrase, dict[int, list[Span]]] = {}
        for number, matches in matched.items():
            for phrase, span in matches:
                spans.setdefault(phrase, {}).setdefault(number, []).append(span)
        found = (one for phrase, matches in spans.items() for one in self._confident(phrase, matches.items()))
        for one in match.once(found):
            ranking.add(one)

    def _counts(self, query: Query) -> list[Count]:
        """Recordings with hits, and how many; most hits first."""
        recording = functools.cache(self._recording)
        counts = [
            Count(recording(number), len({(span[0], span[-1]) for _, span in matches}))
            for number, matches in self._hits(query, recording)
        ]
        return sorted(counts, key=lambda count: (-count.hits, count.recording.path, count.recording.id))

    def _hits(self, query: Query, recording: Callable[[int], Recording]) -> Iterator[tuple[int, list[Matched]]]:
        """Recordings with hits, by number, and these; one may be there by several phrases."""
        passes = filters.passes(query.filter)
        streams = [self._matching(query, phrase, query.together, True) for phrase in query.phrases]
        streams += [
            self._matching(query, phrase, (*query.together, unwanted), False)
            for phrase in query.phrases
            for unwanted in query.without
        ]
        by_number = itemgetter(0)
        for number, group in groupby(heapq.merge(*streams, key=by_number), by_number):
            hits: dict[Phrase, list[Span]] = {}
            others: dict[Phrase, list[Span]] = {}
            for _, some, said in group:
                hits |= some
                others |= said
            if passes(recording(number)):
                holds = match.condition(query, others, self._times(number))
                kept = [(one, span) for one, spans in hits.items() for span in spans if holds(span[0], span[-1])]
                if kept:
                    yield number, kept

    def _matching(self, query: Query, phrase: Phrase, others: tuple[Phrase, ...], wanted: bool) -> Iterator[Matching]:
        """Recordings in which a phrase and others match; with ``wanted`` the matches of the phrase are hits."""
        near = query.within is not None
        shown = [*([phrase] if wanted else []), *(others if near else [])]
        said = [*([] if wanted else [phrase]), *([] if near else others)]
        somewhere: dict[Phrase, list[Span]] = {} if near else {other: [()] for other in others}
        for number, spans in self._spans(*shown, said=said):
            matches = dict(zip(shown, spans, strict=True))
            yield number, {phrase: matches[phrase]} if wanted else {}, matches | somewhere

    def _times(self, number: int) -> match.Times:
        """Times of spans of a recording, of which every stretch is read once."""

        @functools.cache
        def stretch(place: int) -> list[Word]:
            return self._words(number, place * STRETCH, (place + 1) * STRETCH)

        def times(first: int, last: int) -> tuple[int, int]:
            start = stretch(first // STRETCH)[first % STRETCH].start
            end = stretch(last // STRETCH)[last % STRETCH].end
            return round(1000 * start), round(1000 * end)

        return times
