"""What a hit is, and which comes first: the one definition, for every store.

The words of a recording have positions 0, 1, 2, … in the order of time. Pauses and ends of sentences take none. A
position has one or more readings: the word that was recognized, with its confidence, and its alternatives, with their
probabilities. A term matches a reading that is equal to it, or that begins with it if the term is a prefix.

*Match.* Terms t₁…tₙ with slop s match at positions p₁ < … < pₙ when each tᵢ matches a reading at pᵢ and no more than s
words lie between them: pₙ − p₁ + 1 − n ≤ s. The span is p₁…pₙ.

*Choice.* Of the spans of a phrase only the minimal ones count, those that contain no other. They are taken from left to
right, each that begins after the end of the last one taken, so that hits do not overlap ("the the the" holds one hit of
"the the"). Inside a span each term stands at the first position that it can have after the one before it.

*Several phrases.* A hit of any of them counts; a span that several find counts once, with the greater confidence.

*Confidence* of a hit is the lowest at p₁…pₙ, and at each of them that of the reading that the term matches: of several,
which only a prefix can match, of the surest, of equally sure ones the first. Words that slop leaves out do not matter.

*Words* of a hit are those of its span, at p₁…pₙ in the readings that matched. Where several phrases find the span with
the same confidence, the readings are those of the first. Everything else shows the words that were recognized.

*Conditions.* With phrases ``together`` a hit counts only where each of them has a match too, and with phrases
``without`` only where none has: anywhere in the recording, or with ``within`` so near that the gap between the times of
the two spans is at most so long. The gap is 0 where they overlap, and else goes from the end of one to the start of the
other, in whole milliseconds. A hit may itself be the match that is asked for. A recording that the filter does not let
pass (``filters.py``) has no hits.

*Order.* "confidence": greater confidence first, in whole thousandths; then by path, id of the recording, first and last
position. "time": by time of modification of the recording's first location, oldest first; then as above from path on.

*Many hits.* Of more than MOST_RANKED (or ``limit``, if that is more) hits only so many are put in the order of
confidence, and then so many more: a first block of them, a second, and so on. A block takes from what is left first
those of the best grade of confidence, of these those of the recordings that were added last, of these the first by
position. So a store may read the best and stop. A page ends with its block. The order "time" has no blocks.

*Pages.* A page goes on after the place of the last hit in the order, inside the borders of the block that it was in
(``cursor.py``), not after a number of hits: what is added and removed meanwhile moves nothing else.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from audiosearch.types import Alternative, Word
from indexer.types import CONTEXT_WORDS, Hit, Phrase, Query, Recording, Term

MOST_RANKED = 1000
"""Hits that are put in the order of confidence together."""

GRADES = (500, 700, 850, 950)
"""Lower edges of the grades of confidence from 1 on, in thousandths; what is below has grade 0."""

Key = TypeVar("Key", int, str)
Span = tuple[int, ...]

Alternatives = Mapping[int, Sequence[Alternative]]
"""Of the positions that have any."""


@dataclass(frozen=True, slots=True)
class Found(Generic[Key]):
    """A span that matched, before anything is read of it but its confidence.

    Args:
        recording: what the store knows it by; of two, the greater was added later.
        first: position of the first word.
        last: position of the last word.
        confidence: in thousandths.
    """

    recording: Key
    first: int
    last: int
    confidence: int


def positions(
    words: Sequence[str], terms: Sequence[Term], alternatives: Alternatives = MappingProxyType({})
) -> list[list[int]]:
    """For each term the positions at which it matches, ascending."""
    found = {term: _positions(words, term) for term in dict.fromkeys(terms)}
    for term, places in found.items():
        more = [place for place, others in alternatives.items() if any(matches(term, other.text) for other in others)]
        if more:
            places[:] = sorted({*places, *more})
    return [found[term] for term in terms]


def matches(term: Term, text: str) -> bool:
    """Whether a term matches a reading."""
    return text.startswith(term.text) if term.prefix else text == term.text


def reading(term: Term, word: Word) -> Word:
    """A word as a term reads it that matches there: with text and confidence of the surest reading that it matches."""
    if not word.alternatives:
        return word
    readings = Alternative(word.text, word.confidence), *word.alternatives
    best = max((one for one in readings if matches(term, one.text)), key=lambda one: one.probability)
    return replace(word, text=best.text, confidence=best.probability)


def _positions(words: Sequence[str], term: Term) -> list[int]:
    if term.prefix:
        return [position for position, word in enumerate(words) if word.startswith(term.text)]
    found = []
    position = -1
    with contextlib.suppress(ValueError):
        while True:  # words.index compares many times as fast as a loop here
            position = words.index(term.text, position + 1)
            found.append(position)
    return found


def spans(positions: Sequence[Sequence[int]], slop: int) -> list[Span]:
    """The chosen matches of a phrase, as the positions p₁…pₙ of its terms.

    Taking p₂…pₙ as early as they can be gives the shortest span from each p₁. Their ends never move left while p₁
    moves right, so one pass over all positions is enough; of spans with one end the last is the minimal one.

    Args:
        positions: for each term where it matches, ascending.
    """
    chosen: list[Span] = []
    minimal: Span = ()
    place = [0] * len(positions)
    for first in positions[0]:
        matched = [first]
        for term in range(1, len(positions)):
            candidates = positions[term]
            while place[term] < len(candidates) and candidates[place[term]] <= matched[-1]:
                place[term] += 1
            if place[term] == len(candidates):
                break
            matched.append(candidates[place[term]])
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


def adjacent(starts: Iterable[int], terms: int) -> list[Span]:
    """What ``spans`` chooses without slop, when it is known where the whole phrase begins."""
    chosen: list[Span] = []
    free = 0
    for start in starts:
        if start >= free:
            free = start + terms
            chosen.append(tuple(range(start, free)))
    return chosen


def successive(starts: Iterable[int], terms: int) -> list[Span]:
    """Spans of so many words that follow one another."""
    if terms == 1:
        return [(start,) for start in starts]
    return [tuple(range(start, start + terms)) for start in starts]


def find(words: Sequence[Word], phrase: Phrase) -> list[Span]:
    """The chosen matches of a phrase in the words of a recording."""
    alternatives = {place: word.alternatives for place, word in enumerate(words) if word.alternatives}
    return spans(positions([word.text for word in words], phrase.terms, alternatives), phrase.slop)


def confidence(words: Sequence[Word], phrase: Phrase, span: Span) -> int:
    """Thousandths of the match of a phrase at a span."""
    readings = (reading(term, words[place]) for term, place in zip(phrase.terms, span, strict=True))
    return min(round(1000 * one.confidence) for one in readings)


def grade(confidence: int) -> int:
    """The class of a confidence in thousandths, from 0 to len(GRADES)."""
    return bisect_right(GRADES, confidence)


def once(found: Iterable[Found[Key]]) -> list[Found[Key]]:
    """Each span once, with its greatest confidence."""
    best: dict[tuple[Key, int, int], Found[Key]] = {}
    for one in found:
        span = (one.recording, one.first, one.last)
        if span not in best or one.confidence > best[span].confidence:
            best[span] = one
    return list(best.values())


Times = Callable[[int, int], tuple[int, int]]
"""Start and end, in milliseconds, of the span with these first and last positions."""


def condition(query: Query, matches: Mapping[Phrase, Sequence[Span]], times: Times) -> Callable[[int, int], bool]:
    """Whether the hit with that first and last position in a recording is as ``together`` and ``without`` demand.

    Args:
        matches: of those phrases in the recording, by position; without an entry where there are none.
    """
    if query.within is None:
        allowed = all(map(matches.get, query.together)) and not any(map(matches.get, query.without))
        return lambda first, last: allowed
    if not all(map(matches.get, query.together)):
        return lambda first, last: False
    gap = round(1000 * query.within)
    wanted = [_near(matches[phrase], gap, times) for phrase in query.together]
    unwanted = [_near(matches[phrase], gap, times) for phrase in query.without if phrase in matches]

    return lambda first, last: (
        all(near(first, last) for near in wanted) and not any(near(first, last) for near in unwanted)
    )


def read(words: Sequence[Word], phrases: Sequence[Phrase], wanted: int) -> tuple[Word, ...]:
    """The words of a span in the readings that the first phrase matches that finds it with the wanted confidence."""
    if any(word.alternatives for word in words):
        one_by_one = _read_one_by_one(words, phrases[0])
        if one_by_one and min(round(1000 * word.confidence) for word in one_by_one) == wanted:
            return one_by_one  # as below, in a tenth of the time
        for phrase in phrases:
            for span in find(words, phrase):
                ends = span[0], span[-1]
                if ends == (0, len(words) - 1) and confidence(words, phrase, span) == wanted:
                    terms = dict(zip(span, phrase.terms, strict=True))
                    return tuple(reading(terms[at], word) if at in terms else word for at, word in enumerate(words))
    return tuple(words)


def _read_one_by_one(words: Sequence[Word], phrase: Phrase) -> tuple[Word, ...]:
    """Words as the terms of a phrase read them, if they are as many; empty where one does not match, or is a prefix."""
    if len(words) != len(phrase.terms):
        return ()
    found = []
    for word, term in zip(words, phrase.terms, strict=True):
        if term.prefix:
            return ()
        if word.text == term.text:
            found.append(word)
            continue
        other = next((one for one in word.alternatives if one.text == term.text), None)
        if other is None:
            return ()
        found.append(Word(other.text, word.start, word.end, other.probability, word.alternatives))
    return tuple(found)


def _near(spans: Sequence[Span], gap: int, times: Times) -> Callable[[int, int], bool]:
    """Whether one of the spans of a phrase is no further than ``gap`` from another span.

    Words are in the order of time, so that none is nearer than the last that begins before and the first that does not.
    """
    firsts = [span[0] for span in spans]

    def near(first: int, last: int) -> bool:
        start, end = times(first, last)
        place = bisect_left(firsts, first)
        for span in spans[max(place - 1, 0) : place + 1]:
            other_start, other_end = times(span[0], span[-1])
            if other_start - end <= gap and start - other_end <= gap:
                return True
        return False

    return near


def hit(
    recording: Recording, found: Found[Key], words: Sequence[Word], phrases: Sequence[Phrase], offset: int = 0
) -> Hit:
    """The hit with its words and those around it.

    Args:
        words: a stretch of the recording that holds the span and its context.
        phrases: of the query.
        offset: position of the first of them.
    """
    first, last = found.first - offset, found.last - offset + 1
    inside = read(words[first:last], phrases, found.confidence)
    return Hit(
        recording=recording,
        start=inside[0].start,
        end=inside[-1].end,
        confidence=found.confidence / 1000,
        words=inside,
        before=tuple(words[max(first - CONTEXT_WORDS, 0) : first]),
        after=tuple(words[last : last + CONTEXT_WORDS]),
    )
