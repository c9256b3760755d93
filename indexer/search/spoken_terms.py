"""Hits by sound: places where the kept emissions may hold what is asked for, whatever the transcripts say.

The emissions are scored piece by piece (``audiosearch/spotting/keyword_spotter.py``) by several threads. Of places
that overlap the likeliest is a hit; its words are those of the best reading that its span overlaps, and tell how
probable it is in the end.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from audiosearch.errors import QueryError, StoreError
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery, SpottingCalibration, evidence, overlapping_words
from audiosearch.types import Seconds, Word
from indexer.index import Index
from indexer.matching import filters, match
from indexer.types import CONTEXT_WORDS, Filter, Heard, Hit, Phrase, Query, Recording

if TYPE_CHECKING:
    from audiosearch.spotting.keyword_spotter import KeywordSpotter

LEAST = 0.05
"""Probability from which on a place is a hit."""

MOST = 1000
"""Hits of a query, the likeliest; a text that is said in more places is too short to be found by sound."""

LEAD: Seconds = 0.04
"""Hits begin so much before the first character is heard; else they would be 38 ms late at the median."""

BATCH = 1 << 20
"""Bytes of emissions that a thread scores at once: two hours."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a piece, before anything is read of its recording."""

    heard: Heard
    start: Seconds
    end: Seconds
    probability: float
    features: tuple[float, ...]
    text: str


EXHAUSTIVE: Seconds = 150 * 3600
"""Of recordings, up to which every piece is scored; of more only CANDIDATES are."""

CANDIDATES = 50_000
"""Pieces of which keys say that they may hold a text: 70 hours."""


def texts(phrases: Iterable[Phrase]) -> Iterator[tuple[str, bool]]:
    """What is looked for of each phrase, and whether words may go on after it.

    Raises:
        QueryError: a phrase wants what only words have.
    """
    for phrase in phrases:
        text = " ".join(term.text for term in phrase.terms)
        if phrase.slop:
            raise QueryError("a search by sound lets no other words lie between: leave out --slop, or use --mode words")
        if any(term.prefix for term in phrase.terms[:-1]):
            raise QueryError(f'a search by sound takes a * only at the end of a phrase, not within "{text}"')
        yield text, phrase.terms[-1].prefix


def find(index: Index, query: Query, least: float = LEAST) -> list[Hit]:
    """The hits of a query by sound, likeliest first.

    ``together`` and ``without`` are looked for among the words.

    Raises:
        QueryError: it cannot be looked for by sound.
    """
    asked = list(texts(query.phrases))
    soundings = {model: AcousticProfile.from_json(text) for model, text in index.soundings().items()}
    if not soundings:
        return []
    recording = _Recordings(index, query.filter)
    spots = nlargest(MOST, _spots(index, asked, soundings, recording, least / 2), key=_likelihood)
    hits = _hits(index, query, spots, recording, soundings)
    return sorted((one for one in hits if one.confidence >= least), key=lambda one: -one.confidence)


def _likelihood(spot: Spot) -> tuple[float, str, Seconds]:
    return spot.probability, spot.heard.recording, spot.start


def _spots(
    index: Index,
    asked: Sequence[tuple[str, bool]],
    soundings: Mapping[str, AcousticProfile],
    recordings: _Recordings,
    least: float,
) -> Iterator[Spot]:
    """Places of any of the texts, in no order."""
    from audiosearch.spotting.keyword_spotter import KeywordSpotter  # half a second to import

    spellings: dict[KeywordQuery, dict[str, KeywordSpotter]] = {}  # by model
    for model, sounding in soundings.items():
        for text, unfinished in asked:
            if set(text) <= set(sounding.alphabet.labels):
                spelling = KeywordQuery(text, sounding.alphabet, unfinished)
                spellings.setdefault(spelling, {})[model] = KeywordSpotter(spelling, sounding.calibration)
    chosen = recordings.chosen()
    if recordings.seconds() <= EXHAUSTIVE:
        every = {model: [of[model] for of in spellings.values() if model in of] for model in soundings}
        yield from _scored(index.heard(chosen), every, least)
        return
    for spelling, of in spellings.items():
        some = {model: [spotter] for model, spotter in of.items()}
        yield from _scored(index.candidates(spelling, CANDIDATES, chosen), some, least)


def _scored(pieces: Iterable[Heard], spotters: Mapping[str, Sequence[KeywordSpotter]], least: float) -> Iterator[Spot]:
    """Places in pieces, as spotters by model find them, side by side."""

    def score(batch: Sequence[Heard]) -> list[Spot]:
        packed = [heard.emissions for heard in batch]
        of = [heard.recording for heard in batch]
        return [
            Spot(batch[place.piece], place.start, place.end, place.probability, place.features, spotter.text)
            for spotter in spotters[batch[0].model]
            for place in spotter.find(packed, of, least)
        ]

    workers = os.cpu_count() or 1
    waiting: deque[Future[list[Spot]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for batch in _batches(heard for heard in pieces if heard.model in spotters):
            waiting.append(pool.submit(score, batch))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def _batches(pieces: Iterable[Heard]) -> Iterator[list[Heard]]:
    """Pieces of one model, BATCH bytes or a little more at once."""
    batch: list[Heard] = []
    size = 0
    for heard in pieces:
        if batch and (size >= BATCH or heard.model != batch[0].model):
            yield batch
            batch, size = [], 0
        batch.append(heard)
        size += len(heard.emissions.data)
    if batch:
        yield batch


class _Recordings:
    """Recordings by id, each read once; None for those that do not count, or are no more."""

    def __init__(self, index: Index, wanted: Filter) -> None:
        self._index = index
        self._wanted = wanted
        self._passes = filters.passes(wanted)
        self._known: dict[str, Recording | None] = {}

    def chosen(self) -> list[str] | None:
        """Those that count; None: all."""
        if self._wanted == Filter():
            return None
        self._known = {one.id: one for one in self._index.recordings() if self._passes(one)}
        return list(self._known)

    def seconds(self) -> Seconds:
        """How long those are that count."""
        if self._wanted == Filter():
            return self._index.heard_seconds()
        return sum(one.duration for one in self._known.values() if one is not None)

    def __call__(self, recording_id: str) -> Recording | None:
        if recording_id not in self._known:
            found = self._index.recording(recording_id)
            self._known[recording_id] = found if found is not None and self._passes(found) else None
        return self._known[recording_id]


def _hits(
    index: Index,
    query: Query,
    spots: Sequence[Spot],
    recording: Callable[[str], Recording | None],
    soundings: Mapping[str, AcousticProfile],
) -> list[Hit]:
    """Hits of places; of such that overlap, the likeliest before words are looked at."""
    taken: dict[str, list[Spot]] = {}
    holds = _Condition(index, query)
    hits = []
    for spot in spots:
        others = taken.setdefault(spot.heard.recording, [])
        if any(spot.start < other.end and other.start < spot.end for other in others):
            continue
        known = recording(spot.heard.recording)
        if known is None:
            continue
        try:
            if holds(known, spot.start, spot.end):
                others.append(spot)
                hits.append(hit(index, known, spot, soundings[spot.heard.model].calibration))
        except StoreError:
            if index.recording(known.id) is not None:
                raise  # else it was removed meanwhile
    return hits


def hit(index: Index, recording: Recording, spot: Spot, calibration: SpottingCalibration) -> Hit:
    """A place with the words around it."""
    first = max(spot.heard.word - CONTEXT_WORDS - 1, 0)
    beyond = spot.heard.word + CONTEXT_WORDS + 1
    seconds = spot.heard.emissions.frames * spot.heard.emissions.frame_duration
    # Nobody says more than five words a second for long; what comes of more is shown with less behind it.
    words = index.words_between(recording.id, first, beyond + round(5 * seconds))
    start, end = max(spot.start, 0.0), min(spot.end, recording.duration)
    there = overlapping_words(start, end, words)
    before = words.index(there[0]) if there else bisect_left([word.start for word in words], start)
    after = before + len(there)
    facts = (*spot.features, *evidence(spot.text, start, end, words))
    return Hit(
        recording=recording,
        start=round(max(start - LEAD, 0.0), 3),
        end=round(end, 3),
        confidence=round(calibration.probability(facts), 3),
        words=words[before:after],
        before=words[max(before - CONTEXT_WORDS, 0) : before],
        after=words[after : after + CONTEXT_WORDS],
        way="sound",
    )


class _Condition:
    """Whether what must and must not be said at a place is so, by the words of its recording."""

    def __init__(self, index: Index, query: Query) -> None:
        self._index = index
        self._query = query
        self._spans: dict[str, tuple[list[list[tuple[Seconds, Seconds]]], list[list[tuple[Seconds, Seconds]]]]] = {}

    def __call__(self, recording: Recording, start: Seconds, end: Seconds) -> bool:
        if not (self._query.together or self._query.without):
            return True
        if recording.id not in self._spans:
            words = self._index.words(recording.id)
            self._spans[recording.id] = (
                [_times(words, phrase) for phrase in self._query.together],
                [_times(words, phrase) for phrase in self._query.without],
            )
        wanted, unwanted = self._spans[recording.id]
        near = self._query.within

        def somewhere(spans: Sequence[tuple[Seconds, Seconds]]) -> bool:
            return any(near is None or (other - end <= near and start - until <= near) for other, until in spans)

        return all(map(somewhere, wanted)) and not any(map(somewhere, unwanted))


def _times(words: Sequence[Word], phrase: Phrase) -> list[tuple[Seconds, Seconds]]:
    """Start and end of each match of a phrase."""
    return [(words[span[0]].start, words[span[-1]].end) for span in match.find(words, phrase)]
