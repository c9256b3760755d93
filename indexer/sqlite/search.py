"""Queries over an SQLite index, from the matches of single phrases.

Phrases alone are read best first until the page is full. With conditions, with a filter, or recording by recording, all
recordings that contain a phrase and the phrases required with it are merged by number, without confidences:

    phrase AND together               1   4   7 …   spans of hits, and of phrases that must be there
    phrase AND together AND unwanted      4     …   spans of phrases that must not be there

A phrase of a group of several, of which one must be there, is read as an unwanted one is.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby
from operator import itemgetter

from indexer.matching import filters, match
from indexer.matching.match import Match, Span
from indexer.matching.ranking import Ranking, merge_best_first
from indexer.sqlite.phrases import PhraseMatcher
from indexer.sqlite.word_blocks import BLOCK_WORDS, WordBlocks
from indexer.types import CONTEXT_WORDS, Count, Filter, Page, Phrase, Query, Recording

MAX_SCORED = 20_000
"""Hits beyond which not all confidences are read to find the best hits."""

PhraseSpan = tuple[Phrase, Span]

Candidates = tuple[int, dict[Phrase, list[Span]], dict[Phrase, list[Span]]]
"""Number of a recording, spans of hits by phrase, and spans of all phrases of conditions."""


class QueryRunner:
    """Pages and counts of queries.

    Args:
        matcher: finds the phrases.
        blocks: words of hits and their times.
        recording: returns the recording of a number.
    """

    def __init__(self, matcher: PhraseMatcher, blocks: WordBlocks, recording: Callable[[int], Recording]) -> None:
        self._matcher = matcher
        self._blocks = blocks
        self._recording = recording

    def page(self, query: Query, limit: int, after: str | None) -> Page:
        """First ``limit`` hits, or the first after those of another page."""
        recording = functools.cache(self._recording)
        ranking = Ranking(query.order, limit, after, recording, int)
        if query.order == "confidence" and not _is_restricted(query):
            for candidate in self._best_first(query):
                ranking.add(candidate)
                if ranking.is_complete:
                    break
        else:
            self._rank(self._hits(query, recording), query, ranking)
        matches, following = ranking.page()
        hits = []
        for matched in matches:
            first = max(matched.first - CONTEXT_WORDS, 0)
            words = self._blocks.words(matched.recording, first, matched.last + CONTEXT_WORDS + 1)
            hits.append(match.build_hit(recording(matched.recording), matched, words, query, first))
        return Page(tuple(hits), following)

    def counts(self, query: Query) -> list[Count]:
        """Recordings with hits and the number of these, most hits first."""
        recording = functools.cache(self._recording)
        counts = [
            Count(recording(number), len({(span[0], span[-1]) for _, span in matches}))
            for number, matches in self._hits(query, recording)
        ]
        return sorted(counts, key=lambda count: (-count.hits, count.recording.path, count.recording.id))

    def _best_first(self, query: Query) -> Iterator[Match[int]]:
        """All matches of phrases and variants in the order of blocks, read lazily."""
        return merge_best_first(
            [
                *map(self._matcher.iter_best_first, query.phrases),
                *(match.lowered(self._matcher.iter_best_first(variant)) for variant in query.variants),
            ]
        )

    def _rank(self, hits: Iterable[tuple[int, list[PhraseSpan]]], query: Query, ranking: Ranking[int]) -> None:
        """Add hits to a ranking. If there are many, they are scored best first until the ranking is complete."""
        kept: dict[int, list[PhraseSpan]] = {}
        selects_spans = query.within is not None or bool(query.voices)
        total = 0
        for number, matches in hits:
            if not ranking.may_contain(number):
                continue
            total += len(matches)
            if query.order != "confidence":
                self._add({number: matches}, query, ranking)
            elif total <= MAX_SCORED or selects_spans:
                kept[number] = matches
            else:
                kept[number] = []  # all of its matches are hits
        if total <= MAX_SCORED or query.order != "confidence":
            self._add(kept, query, ranking)
            return
        ends = {number: {(span[0], span[-1]) for _, span in matches} for number, matches in kept.items()}
        for candidate in self._best_first(query):
            number = candidate.recording
            if number in kept and (not selects_spans or (candidate.first, candidate.last) in ends[number]):
                ranking.add(candidate)
                if ranking.is_complete:
                    return

    def _add(self, hits: Mapping[int, list[PhraseSpan]], query: Query, ranking: Ranking[int]) -> None:
        """Score all hits of recordings, and add them to a ranking."""
        spans: dict[Phrase, dict[int, list[Span]]] = {}
        for number, matches in hits.items():
            for phrase, span in matches:
                spans.setdefault(phrase, {}).setdefault(number, []).append(span)
        variants = set(query.variants) - set(query.phrases)
        scored = ((phrase, self._matcher.score(phrase, matches.items())) for phrase, matches in spans.items())
        candidates = (match.lowered(matches) if phrase in variants else matches for phrase, matches in scored)
        for candidate in match.deduplicate(chain.from_iterable(candidates)):
            ranking.add(candidate)

    def _hits(self, query: Query, recording: Callable[[int], Recording]) -> Iterator[tuple[int, list[PhraseSpan]]]:
        """Recordings with hits, by number, and their hits; a span may come once for each phrase."""
        passes = filters.passes(query.filter)
        required = tuple(group[0] for group in query.together if len(group) == 1)
        others = [*query.without, *(phrase for group in query.together if len(group) > 1 for phrase in group)]
        streams = [self._candidates(query, phrase, required, True) for phrase in query.sought]
        streams += [
            self._candidates(query, phrase, (*required, other), False) for phrase in query.sought for other in others
        ]
        by_number = itemgetter(0)
        for number, group in groupby(heapq.merge(*streams, key=by_number), by_number):
            hits: dict[Phrase, list[Span]] = {}
            context: dict[Phrase, list[Span]] = {}
            for _, phrase_hits, phrase_context in group:
                hits |= phrase_hits
                context |= phrase_context
            if passes(recording(number)):
                holds = match.hit_filter(query, context, *self._times_and_voices(number))
                kept = [(phrase, span) for phrase, spans in hits.items() for span in spans if holds(span[0], span[-1])]
                if kept:
                    yield number, kept

    def _candidates(
        self, query: Query, phrase: Phrase, conditions: tuple[Phrase, ...], are_hits: bool
    ) -> Iterator[Candidates]:
        """Recordings in which a phrase and all conditions match.

        Args:
            are_hits: matches of the phrase are hits.
        """
        near = query.within is not None
        returned = [*([phrase] if are_hits else []), *(conditions if near else [])]
        also = [*([] if are_hits else [phrase]), *([] if near else conditions)]
        anywhere: dict[Phrase, list[Span]] = {} if near else {condition: [()] for condition in conditions}
        for number, spans in self._matcher.spans(*returned, also=also):
            matches = dict(zip(returned, spans, strict=True))
            yield number, {phrase: matches[phrase]} if are_hits else {}, matches | anywhere

    def _times_and_voices(self, number: int) -> tuple[match.Times, match.Voices]:
        """Times and voices of spans of a recording, of which every block is read once."""
        times = functools.cache(functools.partial(self._blocks.times, number))
        voices = functools.cache(functools.partial(self._blocks.voices, number))

        def voices_of(first: int, last: int) -> Iterator[str | None]:
            for block in range(first // BLOCK_WORDS, last // BLOCK_WORDS + 1):
                start = block * BLOCK_WORDS
                yield from voices(block)[max(first - start, 0) : last + 1 - start]

        return lambda first, last: match.span_times(
            times(first // BLOCK_WORDS)[first % BLOCK_WORDS], times(last // BLOCK_WORDS)[last % BLOCK_WORDS]
        ), voices_of


def _is_restricted(query: Query) -> bool:
    """True if not all matches of the phrases are hits."""
    return bool(query.together or query.without or query.voices) or query.filter != Filter()
