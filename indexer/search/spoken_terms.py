"""Spoken term detection: hits of a text in the stored emissions, independent of the recognized words.

Several threads score the pieces of the emissions (``audiosearch/spotting/keyword_spotter.py``). Of overlapping
candidates the most probable becomes a hit. Its words are those of the best transcript that its span overlaps, and its
final probability takes them into account.
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
from audiosearch.transcripts.turns import in_turns
from audiosearch.types import Seconds, Word
from indexer.index import Index
from indexer.matching import filters, match
from indexer.types import CONTEXT_WORDS, Filter, Hit, Phrase, Query, Recording, StoredEmissions

if TYPE_CHECKING:
    from audiosearch.spotting.keyword_spotter import KeywordSpotter

MIN_PROBABILITY = 0.05
"""Minimum probability of a hit."""

MAX_HITS = 1000
"""Hits per query, the most probable; a text with more is too short to be found by sound."""

LEAD: Seconds = 0.04
"""Time by which hits begin before the first spotted character; without it they are 38 ms late at the median."""

BATCH_BYTES = 1 << 20
"""Bytes of emissions per batch of a thread: two hours."""

MAX_EXHAUSTIVE: Seconds = 150 * 3600
"""Total duration of the recordings up to which all pieces are scored; beyond it, only MAX_CANDIDATES pieces are."""

MAX_CANDIDATES = 50_000
"""Pieces chosen by their n-gram keys: 70 hours."""

Span = tuple[Seconds, Seconds]
"""Start and end."""


@dataclass(frozen=True, slots=True)
class SpokenCandidate:
    """A spotted span in a piece, before the words of its recording are read."""

    piece: StoredEmissions
    start: Seconds
    end: Seconds
    probability: float
    features: tuple[float, ...]
    text: str


def spoken_texts(phrases: Iterable[Phrase]) -> Iterator[tuple[str, bool]]:
    """The text of each phrase, and True if its last word is a prefix.

    Raises:
        QueryError: a phrase has slop, or a * inside.
    """
    for phrase in phrases:
        text = " ".join(term.text for term in phrase.terms)
        if phrase.slop:
            raise QueryError("a search by sound does not support slop: leave out --slop, or use --mode words")
        if any(term.prefix for term in phrase.terms[:-1]):
            raise QueryError(f'a search by sound supports a * only at the end of a phrase, not inside "{text}"')
        yield text, phrase.terms[-1].prefix


def find(
    index: Index,
    query: Query,
    min_probability: float = MIN_PROBABILITY,
    *,
    max_exhaustive: Seconds = MAX_EXHAUSTIVE,
) -> list[Hit]:
    """The hits of a query by sound, most probable first.

    ``together`` and ``without`` are searched in the words. With ``voices`` a hit counts only if it overlaps words, and
    all of these have one of the voices.

    Args:
        max_exhaustive: total duration of recordings up to which all emissions are scored, not only candidates.

    Raises:
        QueryError: the query cannot be searched by sound.
    """
    texts = list(spoken_texts(query.phrases))
    profiles = index.acoustic_profiles()
    if not profiles:
        return []
    recordings = _Recordings(index, query.filter)
    candidates = nlargest(
        MAX_HITS,
        _candidates(index, texts, profiles, recordings, min_probability / 2, max_exhaustive),
        key=_probability,
    )
    hits = _hits(index, query, candidates, recordings, profiles)
    return sorted((hit for hit in hits if hit.confidence >= min_probability), key=lambda hit: -hit.confidence)


def _probability(candidate: SpokenCandidate) -> tuple[float, str, Seconds]:
    return candidate.probability, candidate.piece.recording, candidate.start


def _candidates(
    index: Index,
    texts: Sequence[tuple[str, bool]],
    profiles: Mapping[str, AcousticProfile],
    recordings: _Recordings,
    min_probability: float,
    max_exhaustive: Seconds,
) -> Iterator[SpokenCandidate]:
    """Candidates of all texts, unordered."""
    from audiosearch.spotting.keyword_spotter import KeywordSpotter  # half a second to import

    spotters: dict[KeywordQuery, dict[str, KeywordSpotter]] = {}  # by spelling and model
    for model, profile in profiles.items():
        for text, is_prefix in texts:
            if set(text) <= set(profile.alphabet.labels):
                spelling = KeywordQuery(text, profile.alphabet, is_prefix)
                spotters.setdefault(spelling, {})[model] = KeywordSpotter(spelling, profile.calibration)
    selected = recordings.selected_ids()
    if recordings.total_duration() <= max_exhaustive:
        by_model = {
            model: [by_model[model] for by_model in spotters.values() if model in by_model] for model in profiles
        }
        yield from _score_pieces(index.stored_emissions(selected), by_model, min_probability)
        return
    for spelling, of_spelling in spotters.items():
        pieces = index.candidate_emissions(spelling, MAX_CANDIDATES, selected)
        yield from _score_pieces(pieces, {model: [of_spelling[model]] for model in of_spelling}, min_probability)


def _score_pieces(
    pieces: Iterable[StoredEmissions], spotters: Mapping[str, Sequence[KeywordSpotter]], min_probability: float
) -> Iterator[SpokenCandidate]:
    """Candidates in pieces, scored in threads by the spotters of their model."""

    def score(batch: Sequence[StoredEmissions]) -> list[SpokenCandidate]:
        packed = [piece.emissions for piece in batch]
        recordings = [piece.recording for piece in batch]
        return [
            SpokenCandidate(batch[spot.piece], spot.start, spot.end, spot.probability, spot.features, spotter.text)
            for spotter in spotters[batch[0].model]
            for spot in spotter.find(packed, recordings, min_probability)
        ]

    workers = os.cpu_count() or 1
    waiting: deque[Future[list[SpokenCandidate]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for batch in _batches(piece for piece in pieces if piece.model in spotters):
            waiting.append(pool.submit(score, batch))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def _batches(pieces: Iterable[StoredEmissions]) -> Iterator[list[StoredEmissions]]:
    """Consecutive pieces of one model, in batches of about BATCH_BYTES."""
    batch: list[StoredEmissions] = []
    size = 0
    for piece in pieces:
        if batch and (size >= BATCH_BYTES or piece.model != batch[0].model):
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += len(piece.emissions.data)
    if batch:
        yield batch


class _Recordings:
    """Recordings by id, each read once; None for filtered or removed ones."""

    def __init__(self, index: Index, wanted: Filter) -> None:
        self._index = index
        self._filter = wanted
        self._passes = filters.passes(wanted)
        self._by_id: dict[str, Recording | None] = {}

    def selected_ids(self) -> list[str] | None:
        """Ids of the recordings that pass the filter; None: all."""
        if self._filter == Filter():
            return None
        self._by_id = {recording.id: recording for recording in self._index.recordings() if self._passes(recording)}
        return list(self._by_id)

    def total_duration(self) -> Seconds:
        """Total duration of the recordings that pass the filter."""
        if self._filter == Filter():
            return self._index.emissions_duration()
        return sum(recording.duration for recording in self._by_id.values() if recording is not None)

    def __call__(self, recording_id: str) -> Recording | None:
        if recording_id not in self._by_id:
            recording = self._index.recording(recording_id)
            self._by_id[recording_id] = recording if recording is not None and self._passes(recording) else None
        return self._by_id[recording_id]


def _hits(
    index: Index,
    query: Query,
    candidates: Sequence[SpokenCandidate],
    get_recording: Callable[[str], Recording | None],
    profiles: Mapping[str, AcousticProfile],
) -> list[Hit]:
    """Hits of candidates, which come most probable first; overlapping later ones are dropped."""
    accepted: dict[str, list[SpokenCandidate]] = {}
    satisfies = _Conditions(index, query)
    hits = []
    for candidate in candidates:
        neighbors = accepted.setdefault(candidate.piece.recording, [])
        if any(candidate.start < neighbor.end and neighbor.start < candidate.end for neighbor in neighbors):
            continue
        recording = get_recording(candidate.piece.recording)
        if recording is None:
            continue
        try:
            if satisfies(recording, candidate.start, candidate.end):
                neighbors.append(candidate)
                hit = build_hit(index, recording, candidate, profiles[candidate.piece.model].calibration)
                if match.have_voice((word.voice for word in hit.words), query.voices):
                    hits.append(hit)
        except StoreError:
            if index.recording(recording.id) is not None:
                raise  # otherwise it was removed in the meantime
    return hits


def build_hit(index: Index, recording: Recording, candidate: SpokenCandidate, calibration: SpottingCalibration) -> Hit:
    """The hit of a candidate, with the surrounding words."""
    piece = candidate.piece
    first = max(piece.word - CONTEXT_WORDS - 1, 0)
    end_of_context = piece.word + CONTEXT_WORDS + 1
    seconds = piece.emissions.frames * piece.emissions.frame_duration
    # Speech rarely exceeds five words per second for long; a faster piece is shown with less context after the hit.
    words = index.words_between(recording.id, first, end_of_context + round(5 * seconds))
    start, end = max(candidate.start, 0.0), min(candidate.end, recording.duration)
    inside = overlapping_words(start, end, words)
    before = words.index(inside[0]) if inside else bisect_left([word.start for word in words], start)
    after = before + len(inside)
    features = (*candidate.features, *evidence(candidate.text, start, end, words))
    return Hit(
        recording=recording,
        start=round(max(start - LEAD, 0.0), 3),
        end=round(end, 3),
        confidence=round(calibration.probability(features), 3),
        words=words[before:after],
        before=words[max(before - CONTEXT_WORDS, 0) : before],
        after=words[after : after + CONTEXT_WORDS],
        way="sound",
    )


class _Conditions:
    """Checks ``together`` and ``without`` of a query against the words of a recording."""

    def __init__(self, index: Index, query: Query) -> None:
        self._index = index
        self._query = query
        self._spans: dict[str, tuple[list[list[Span]], list[list[Span]]]] = {}

    def __call__(self, recording: Recording, start: Seconds, end: Seconds) -> bool:
        """Return whether the conditions hold for a span of a recording."""
        if not (self._query.together or self._query.without):
            return True
        if recording.id not in self._spans:
            words = in_turns(self._index.words(recording.id))
            self._spans[recording.id] = (
                [[span for phrase in group for span in _match_times(words, phrase)] for group in self._query.together],
                [_match_times(words, phrase) for phrase in self._query.without],
            )
        required, excluded = self._spans[recording.id]
        distance = self._query.within

        def is_near(spans: Sequence[Span]) -> bool:
            return any(
                distance is None or (match_start - end <= distance and start - match_end <= distance)
                for match_start, match_end in spans
            )

        return all(map(is_near, required)) and not any(map(is_near, excluded))


def _match_times(words: Sequence[Word], phrase: Phrase) -> list[Span]:
    """Start and end of each match of a phrase."""
    return [(words[span[0]].start, words[span[-1]].end) for span in match.find(words, phrase)]
