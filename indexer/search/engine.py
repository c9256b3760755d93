"""Search by words, by sound, or both.

*auto*: if the words alone give MIN_HITS_BY_WORDS hits, they are the result. Otherwise hits by sound are merged in, in
the same order; where two hits overlap, the one by words is kept, with the greater of both confidences. Uncertain hits
(by sound, or by an alternative of a word) are shown only from MIN_CONFIDENCE on.

Other spellings (``variants.py``) are looked for as soon as the hits of the query itself do not fill the page, and
always where they may change its first hits: in orders of recordings, and in conditions. They are searched in the words
only.

Queries with slop or with a * inside a phrase are searched by words only.

The cursor of a page of hits by sound is the sort key of its last hit. All hits are computed again for each page, and
so additions and removals shift nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from audiosearch.errors import QueryError
from indexer.index import Index
from indexer.matching.cursor import SoundCursor, SoundPosition, cursor_kind, read_sound_cursor
from indexer.matching.grades import grade_of
from indexer.matching.match import recording_rank
from indexer.search import spoken_terms
from indexer.search.variants import added, with_variants
from indexer.types import Count, Hit, Order, Page, Query

Mode = Literal["words", "sound", "auto"]
"""Search the recognized words, the emissions, or the emissions too if the words give few hits."""

MIN_HITS_BY_WORDS = 100
"""Number of hits by words from which *auto* does not search by sound."""

MIN_CONFIDENCE = 0.6
"""Default confidence of uncertain hits in *auto*: their precision then equals that of an exact search in the best
transcripts (``audiosearch evaluate --search``).
"""

MAX_PAGES_READ = 20
"""Result pages scanned to fill one page when filtering by confidence."""


def search(
    index: Index,
    query: Query,
    mode: Mode = "auto",
    limit: int = 20,
    after: str | None = None,
    *,
    min_confidence: float | None = None,
) -> Page:
    """The first ``limit`` hits after the cursor ``after``, those of variants last.

    Args:
        min_confidence: of uncertain hits in *auto* (default MIN_CONFIDENCE), of all hits by sound (default
            ``spoken_terms.MIN_PROBABILITY``).

    Raises:
        QueryError: the query cannot be searched in this mode, or the cursor is of another mode or order.
        StoreError: the store fails.
    """
    kind = None if after is None else cursor_kind(after)
    if mode == "words":
        if kind == "sound":
            raise QueryError("the cursor is of hits by sound: use --mode auto or sound, or start again")
        return _page_by_words(index, query, limit, after)
    if mode == "sound":
        if kind == "words":
            raise QueryError("the cursor is of hits by words: use --mode auto or words, or start again")
        _check_emissions(index)
        min_probability = spoken_terms.MIN_PROBABILITY if min_confidence is None else min_confidence
        return _page(spoken_terms.find(index, query, min_probability), query.order, limit, after)
    threshold = MIN_CONFIDENCE if min_confidence is None else min_confidence
    merged = None if kind == "words" else _merged_hits(index, query)
    if merged is None:
        return _page_by_words(index, query, limit, after, threshold)
    hits, extended = merged
    page = _page([hit for hit in hits if is_shown(hit, threshold)], query.order, limit, after)
    return replace(page, variants=added(query, extended))


def search_above_confidence(
    index: Index, query: Query, mode: Mode, limit: int, after: str | None, confidence: float | None
) -> Page:
    """The next page of ``search`` with hits of at least ``confidence``, uncertain ones included; None: no filter.

    A page may be empty and have a cursor, if MAX_PAGES_READ pages held no such hit.
    """
    if confidence is None:
        return search(index, query, mode, limit, after)
    min_confidence = max(confidence, spoken_terms.MIN_PROBABILITY)
    for _ in range(MAX_PAGES_READ):
        page = search(index, query, mode, limit, after, min_confidence=min_confidence)
        hits = tuple(hit for hit in page.hits if hit.confidence >= confidence)
        after = page.after
        if query.order == "confidence" and page.hits:
            last, wanted = (grade_of(round(1000 * value)) for value in (page.hits[-1].confidence, confidence))
            if last < wanted and (page.hits[-1].variant or not with_variants(index, query).variants):
                return Page(hits, None, page.variants)  # the following pages are of no better grade
        if hits or after is None:
            break
    return Page(hits, after, page.variants)


def can_be_spoken(index: Index, query: Query) -> bool:
    """True if the query can be searched by sound."""
    try:
        list(spoken_terms.spoken_texts(query.phrases))
    except QueryError:
        return False
    return bool(index.acoustic_profiles())


def sound_notes(index: Index, query: Query, mode: Mode) -> tuple[str, ...]:
    """Notes on hits by sound that the query leaves out."""
    if query.voices and mode != "words" and index.acoustic_profiles():
        return ("hits by sound without words of this voice are left out",)
    return ()


def is_shown(hit: Hit, min_confidence: float = MIN_CONFIDENCE) -> bool:
    """True if *auto* shows a hit: certain, or of at least this confidence."""
    return hit.confidence >= min_confidence or not is_uncertain(hit)


def is_uncertain(hit: Hit) -> bool:
    """True if the best transcript has other words there: a hit by sound, or by an alternative of a word."""
    return hit.way == "sound" or any(word.text in {rival.text for rival in word.alternatives} for word in hit.words)


def count(index: Index, query: Query, mode: Mode) -> list[Count]:
    """Number of hits per recording; most hits first, then by path and id. Variants count if the query has them.

    If words alone give MIN_HITS_BY_WORDS, uncertain hits that are not shown are counted too.
    """
    if mode == "sound":
        _check_emissions(index)
        hits = spoken_terms.find(index, query)
    else:
        merged = None if mode == "words" else _merged_hits(index, query)
        if merged is None:
            return index.count(query)
        hits, _ = merged
    shown = [hit for hit in hits if mode == "sound" or is_shown(hit)]
    recordings = {hit.recording.id: hit.recording for hit in shown}
    numbers = Counter(hit.recording.id for hit in shown)
    counts = [Count(recordings[identity], number) for identity, number in numbers.items()]
    return sorted(counts, key=lambda entry: (-entry.hits, entry.recording.path, entry.recording.id))


def _check_emissions(index: Index) -> None:
    if not index.acoustic_profiles():
        raise QueryError("the index holds no emissions: index the recordings again, without --no-sound")


def _page_by_words(
    index: Index, query: Query, limit: int, after: str | None, min_confidence: float | None = None
) -> Page:
    """The next page of hits by words, with ``min_confidence`` one that holds at least one shown hit."""
    is_last = after is not None or _depends_on_variants(query)
    extended = with_variants(index, query) if is_last else query
    while True:
        page = index.search(extended, limit, after)
        if page.after is None and not is_last:
            extended, is_last = with_variants(index, query), True
            page = index.search(extended, limit, after) if extended != query else page
        hits = tuple(_distinct(hit for hit in page.hits if min_confidence is None or is_shown(hit, min_confidence)))
        if hits or page.after is None or min_confidence is None:
            return Page(hits, page.after, added(query, extended))
        after = page.after


def _depends_on_variants(query: Query) -> bool:
    """Return whether variants may change the first hits of a query."""
    return query.order != "confidence" or bool(query.together or query.without)


def _merged_hits(index: Index, query: Query) -> tuple[list[Hit], Query] | None:
    """All hits by words and by sound, and the query with variants.

    None if the words suffice or the query cannot be searched by sound.
    """
    if not can_be_spoken(index, query):
        return None
    page = None if _depends_on_variants(query) else index.search(query, MIN_HITS_BY_WORDS)
    if page is None or page.after is None:
        extended = with_variants(index, query)
        if page is None or extended != query:
            page = index.search(extended, MIN_HITS_BY_WORDS)
    if page.after is not None:
        return None
    return _distinct(merge(page.hits, spoken_terms.find(index, extended))), extended


def _distinct(hits: Iterable[Hit]) -> list[Hit]:
    """Hits without those of variants that overlap one of the query itself: "five million" in "five million dollars"."""
    hits = list(hits)
    typed: dict[str, list[Hit]] = {}
    for hit in hits:
        if not hit.variant:
            typed.setdefault(hit.recording.id, []).append(hit)
    return [
        hit
        for hit in hits
        if not hit.variant or not any(_overlap(hit, other) for other in typed.get(hit.recording.id, ()))
    ]


def _overlap(hit: Hit, other: Hit) -> bool:
    """Return whether two hits of one recording overlap in time."""
    return hit.start < other.end and other.start < hit.end


def merge(hits_by_words: Iterable[Hit], hits_by_sound: Iterable[Hit]) -> list[Hit]:
    """Hits by words and by sound, without overlaps between the two."""
    hits = list(hits_by_words)
    positions: dict[str, list[int]] = {}
    for position, hit in enumerate(hits):
        positions.setdefault(hit.recording.id, []).append(position)
    for hit in hits_by_sound:
        overlapping = [position for position in positions.get(hit.recording.id, []) if _overlap(hits[position], hit)]
        for position in overlapping:
            hits[position] = replace(hits[position], confidence=max(hits[position].confidence, hit.confidence))
        if not overlapping:
            hits.append(hit)
    return hits


def _page(hits: Iterable[Hit], order: Order, limit: int, after: str | None) -> Page:
    last = None if after is None else read_sound_cursor(after, order).last
    keyed = [(_position(hit, order), hit) for hit in hits]
    remaining = sorted((pair for pair in keyed if last is None or pair[0] > last), key=lambda pair: pair[0])
    page = remaining[: max(limit, 0)]
    following = SoundCursor(order, page[-1][0]).text() if page and len(remaining) > len(page) else None
    return Page(tuple(hit for _, hit in page), following)


def _position(hit: Hit, order: Order) -> SoundPosition:
    by_confidence = order == "confidence"
    first = 2 * hit.variant - hit.confidence if by_confidence else float(recording_rank(order, hit.recording))
    return first, hit.recording.path, hit.recording.id, hit.start, hit.end
