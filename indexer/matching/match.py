"""The definition of a hit, and of the order of hits, for every store.

The words of a recording have positions 0, 1, 2, … in the order of time. Pauses and ends of sentences take none. A
position has one or more readings: the recognized word, with its confidence, and its alternatives, with their
probabilities. A term matches a reading that is equal to it, or that begins with it if the term is a prefix.

*Match.* Terms t₁…tₙ with slop s match at positions p₁ < … < pₙ when each tᵢ matches a reading at pᵢ and no more than s
words lie between them: pₙ − p₁ + 1 − n ≤ s. The span is p₁…pₙ.

*Choice.* Of the spans of a phrase only the minimal ones count, those that contain no other. They are taken from left to
right, each that begins after the end of the last one taken, so that hits do not overlap ("the the the" holds one hit of
"the the"). Inside a span each term stands at the first position that it can have after the one before it.

*Several phrases.* A hit of any of them counts; a span that several phrases match counts once, with the highest
confidence.

*Variants* of the phrases are phrases too, whose hits come after those of the phrases, except in the order of time. A
span that a phrase and a variant match is a hit of the phrase.

*Confidence* of a hit is the lowest at p₁…pₙ, and at each of them that of the reading that the term matches: of several,
which only a prefix can match, of the most confident, and of equally confident ones the first. Words between the
terms do not matter.

*Words* of a hit are those of its span, at p₁…pₙ in the readings that matched. Where several phrases match the span with
the same confidence, the readings are those of the first. Everything else shows the recognized words.

*Conditions.* With groups of phrases ``together`` a hit counts only where a phrase of each group has a match too, and
with phrases ``without`` only where none has: anywhere in the recording, or with ``within`` where the gap between the
times of the two spans is at most that long. The gap is 0 where they overlap, and otherwise goes from the end of one to
the start of the other, in whole milliseconds. A hit may itself be the match of a condition. A recording that does not
pass the filter (``filters.py``) has no hits. With ``voices`` a hit counts only if all words of its span have one of
them.

*Order.* "confidence": greater confidence first, in whole thousandths; then by path, id of the recording, first and last
position. "time": by time of modification of the recording's first location, oldest first; then as above from path on.
"newest": the same, newest first. "name": as above from path on.

*Many hits.* Of more than MAX_RANKED hits (or ``limit``, if that is more) only that many are put in the order of
confidence, and then that many more: a first block of them, a second, and so on. A block takes from the remaining hits
first those of the best grade of confidence (``grades.py``), of these those of the recordings that were added last, of
these the first by position. A store may therefore read the best hits and stop. A page ends with its block. The other
orders have no blocks.

*Pages.* A page begins after the last hit of the page before, within the limits of the block that this hit was in
(``cursor.py``), not after a number of hits: recordings added and removed meanwhile shift nothing else.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from audiosearch.types import Alternative, Word
from indexer.matching.filters import folded_voice
from indexer.matching.grades import VARIANT
from indexer.types import CONTEXT_WORDS, Hit, Order, Phrase, Query, Recording, Term

MAX_RANKED = 1000
"""Hits of a block, which are put in the order of confidence together."""

Key = TypeVar("Key", int, str)
"""Type of a store's keys of recordings."""

Span = tuple[int, ...]

Alternatives = Mapping[int, Sequence[Alternative]]
"""Alternatives by position, for positions that have any."""


@dataclass(frozen=True, slots=True)
class Match(Generic[Key]):
    """Span that matches a phrase, with its confidence; its words are not read yet.

    Args:
        recording: key in the store; of two recordings, the one added later has the greater key.
        first: position of the first word.
        last: position of the last word.
        confidence: in thousandths; of a match of a variant lower by ``grades.VARIANT``.
    """

    recording: Key
    first: int
    last: int
    confidence: int


def positions(
    words: Sequence[str], terms: Sequence[Term], alternatives: Alternatives = MappingProxyType({})
) -> list[list[int]]:
    """Positions at which each term matches, ascending."""
    by_term = {term: _word_positions(words, term) for term in dict.fromkeys(terms)}
    for term, recognized in by_term.items():
        alternative = [
            position
            for position, candidates in alternatives.items()
            if any(matches(term, candidate.text) for candidate in candidates)
        ]
        if alternative:
            recognized[:] = sorted({*recognized, *alternative})
    return [by_term[term] for term in terms]


def matches(term: Term, text: str) -> bool:
    """Return whether a term matches a reading."""
    return text.startswith(term.text) if term.prefix else text == term.text


def best_reading(term: Term, word: Word) -> Word:
    """Word with the text and confidence of the most confident of its readings that a term matches."""
    if not word.alternatives:
        return word
    readings = Alternative(word.text, word.confidence), *word.alternatives
    best = max(
        (reading for reading in readings if matches(term, reading.text)), key=lambda reading: reading.probability
    )
    return replace(word, text=best.text, confidence=best.probability)


def _word_positions(words: Sequence[str], term: Term) -> list[int]:
    if term.prefix:
        return [position for position, word in enumerate(words) if word.startswith(term.text)]
    result = []
    position = -1
    with contextlib.suppress(ValueError):
        while True:  # words.index is many times faster than a loop in Python
            position = words.index(term.text, position + 1)
            result.append(position)
    return result


def spans(positions: Sequence[Sequence[int]], slop: int) -> list[Span]:
    """Chosen matches of a phrase, as the positions p₁…pₙ of its terms.

    Taking p₂…pₙ as early as possible gives the shortest span from each p₁. Their ends never move left while p₁
    moves right, so one pass over all positions is enough; of spans with the same end the last is the minimal one.

    Args:
        positions: at which each term matches, ascending.
    """
    chosen: list[Span] = []
    minimal: Span = ()
    cursors = [0] * len(positions)
    for first in positions[0]:
        matched = [first]
        for term in range(1, len(positions)):
            candidates = positions[term]
            while cursors[term] < len(candidates) and candidates[cursors[term]] <= matched[-1]:
                cursors[term] += 1
            if cursors[term] == len(candidates):
                break
            matched.append(candidates[cursors[term]])
        if len(matched) < len(positions):
            break
        if matched[-1] - first + 1 - len(positions) > slop:
            continue
        if minimal and matched[-1] > minimal[-1] and (not chosen or minimal[0] > chosen[-1][-1]):
            chosen.append(minimal)
        minimal = tuple(matched)
    if minimal and (not chosen or minimal[0] > chosen[-1][-1]):
        chosen.append(minimal)
    return chosen


def contiguous_spans(starts: Iterable[int], terms: int) -> list[Span]:
    """Spans that ``spans`` chooses without slop, from the positions at which the whole phrase begins."""
    chosen: list[Span] = []
    free = 0
    for start in starts:
        if start >= free:
            free = start + terms
            chosen.append(tuple(range(start, free)))
    return chosen


def consecutive_spans(starts: Iterable[int], terms: int) -> list[Span]:
    """Spans of ``terms`` consecutive words, which may overlap."""
    if terms == 1:
        return [(start,) for start in starts]
    return [tuple(range(start, start + terms)) for start in starts]


def find(words: Sequence[Word], phrase: Phrase) -> list[Span]:
    """Chosen matches of a phrase in the words of a recording."""
    alternatives = {position: word.alternatives for position, word in enumerate(words) if word.alternatives}
    return spans(positions([word.text for word in words], phrase.terms, alternatives), phrase.slop)


def confidence(words: Sequence[Word], phrase: Phrase, span: Span) -> int:
    """Confidence of the match of a phrase at a span, in thousandths."""
    readings = (best_reading(term, words[position]) for term, position in zip(phrase.terms, span, strict=True))
    return min(round(1000 * reading.confidence) for reading in readings)


def lowered(matches: Iterable[Match[Key]]) -> Iterator[Match[Key]]:
    """Matches of a phrase as those of a variant."""
    for found in matches:
        yield Match(found.recording, found.first, found.last, found.confidence - VARIANT)


def deduplicate(matches: Iterable[Match[Key]]) -> list[Match[Key]]:
    """Each span once, with its greatest confidence."""
    best: dict[tuple[Key, int, int], Match[Key]] = {}
    for candidate in matches:
        span = (candidate.recording, candidate.first, candidate.last)
        if span not in best or candidate.confidence > best[span].confidence:
            best[span] = candidate
    return list(best.values())


Times = Callable[[int, int], tuple[int, int]]
"""Function from first and last position of a span to its start and end in milliseconds."""

Voices = Callable[[int, int], Iterable[str | None]]
"""Function from first and last position of a span to the voices of its words."""


def span_times(first: tuple[int, int], last: tuple[int, int]) -> tuple[int, int]:
    """Start and end of a span, from those of its first and its last word; turns of voices may overlap."""
    return min(first[0], last[1]), max(first[0], last[1])


def recording_rank(order: Order, recording: Recording) -> int:
    """Rank of a recording in an order of recordings; those of one rank are in the order of their paths."""
    modified = recording.locations[0].modified_ns
    return {"time": modified, "newest": -modified}.get(order, 0)


def have_voice(voices: Iterable[str | None], wanted: Collection[str]) -> bool:
    """True if there are words, and the voices of all are among the folded ones; True if none is wanted."""
    if not wanted:
        return True
    different = set(voices)
    return bool(different) and all(voice is not None and folded_voice(voice) in wanted for voice in different)


def hit_filter(
    query: Query, matches: Mapping[Phrase, Sequence[Span]], times: Times, voices: Voices
) -> Callable[[int, int], bool]:
    """Predicate on first and last position of a hit in a recording: conditions and voices allow it.

    Args:
        matches: as for ``proximity_filter``.
    """
    is_allowed = proximity_filter(query, matches, times)
    if not query.voices:
        return is_allowed
    return lambda first, last: have_voice(voices(first, last), query.voices) and is_allowed(first, last)


def proximity_filter(
    query: Query, matches: Mapping[Phrase, Sequence[Span]], times: Times
) -> Callable[[int, int], bool]:
    """Predicate on first and last position of a hit in a recording: ``together`` and ``without`` allow it.

    Args:
        matches: spans of these phrases in the recording, by position; phrases without matches have no entry.
    """
    together = [[phrase for phrase in group if matches.get(phrase)] for group in query.together]
    if query.within is None:
        allowed = all(together) and not any(map(matches.get, query.without))
        return lambda first, last: allowed
    if not all(together):
        return lambda first, last: False
    gap = round(1000 * query.within)
    wanted = [[_near_any(matches[phrase], gap, times) for phrase in group] for group in together]
    unwanted = [_near_any(matches[phrase], gap, times) for phrase in query.without if phrase in matches]

    return lambda first, last: (
        all(any(is_near(first, last) for is_near in group) for group in wanted)
        and not any(is_near(first, last) for is_near in unwanted)
    )


def matched_readings(words: Sequence[Word], phrases: Sequence[Phrase], wanted: int) -> tuple[Word, ...]:
    """Words of a span in the readings of the first phrase that matches the whole span with the wanted confidence."""
    if any(word.alternatives for word in words):
        readings = _readings_of_exact(words, phrases[0])
        if readings and min(round(1000 * word.confidence) for word in readings) == wanted:
            return readings  # as below, in a tenth of the time
        for phrase in phrases:
            for span in find(words, phrase):
                ends = span[0], span[-1]
                if ends == (0, len(words) - 1) and confidence(words, phrase, span) == wanted:
                    terms = dict(zip(span, phrase.terms, strict=True))
                    return tuple(
                        best_reading(terms[position], word) if position in terms else word
                        for position, word in enumerate(words)
                    )
    return tuple(words)


def _readings_of_exact(words: Sequence[Word], phrase: Phrase) -> tuple[Word, ...]:
    """Words in the readings that the terms of a phrase match, one each; empty if a term is a prefix or does not match.

    It is also empty if the numbers of words and terms differ.
    """
    if len(words) != len(phrase.terms):
        return ()
    readings = []
    for word, term in zip(words, phrase.terms, strict=True):
        if term.prefix:
            return ()
        if word.text == term.text:
            readings.append(word)
            continue
        match = next((alternative for alternative in word.alternatives if alternative.text == term.text), None)
        if match is None:
            return ()
        readings.append(Word(match.text, word.start, word.end, match.probability, word.alternatives, word.voice))
    return tuple(readings)


def _near_any(spans: Sequence[Span], gap: int, times: Times) -> Callable[[int, int], bool]:
    """Predicate on first and last position: any span of a phrase is no further than ``gap`` milliseconds away.

    Words are in the order of time: no span is nearer than the last that begins before and the first that does not.
    """
    firsts = [span[0] for span in spans]

    def is_near(first: int, last: int) -> bool:
        start, end = times(first, last)
        following = bisect_left(firsts, first)
        for span in spans[max(following - 1, 0) : following + 1]:
            span_start, span_end = times(span[0], span[-1])
            if span_start - end <= gap and start - span_end <= gap:
                return True
        return False

    return is_near


def build_hit(recording: Recording, matched: Match[Key], words: Sequence[Word], query: Query, offset: int = 0) -> Hit:
    """Hit with its words and their context.

    Args:
        words: part of the recording that contains the span and its context.
        offset: position of the first of ``words``.
    """
    variant = matched.confidence < 0
    confidence = matched.confidence + VARIANT * variant
    first, last = matched.first - offset, matched.last - offset + 1
    inside = matched_readings(words[first:last], query.variants if variant else query.phrases, confidence)
    return Hit(
        recording=recording,
        start=min(word.start for word in inside),  # turns of voices may overlap
        end=max(word.end for word in inside),
        confidence=confidence / 1000,
        words=inside,
        before=tuple(words[max(first - CONTEXT_WORDS, 0) : first]),
        after=tuple(words[last : last + CONTEXT_WORDS]),
        variant=variant,
    )
