"""What a hit is, and which comes first: the one definition, for every store.

The words of a recording have positions 0, 1, 2, … Pauses and ends of sentences take none. A term matches a word that is
equal to it, or that begins with it if the term is a prefix.

*Match.* Terms t₁…tₙ with slop s match at positions p₁ < … < pₙ when each tᵢ matches the word at pᵢ and no more than s
words lie between them: pₙ − p₁ + 1 − n ≤ s. The span is p₁…pₙ.

*Choice.* Of the spans of a phrase only the minimal ones count, those that contain no other. They are taken from left to
right, each that begins after the end of the last one taken, so that hits do not overlap ("the the the" holds one hit of
"the the"). Inside a span each term stands at the first position that it can have after the one before it.

*Several phrases.* A hit of any of them counts; a span that several find counts once, with the greater confidence.

*Confidence* of a hit is the lowest of the words at p₁…pₙ; words that slop leaves out do not matter.

*Order.* Greater confidence first, in whole thousandths; then by path, id of the recording, first and last position.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from audiosearch.types import Word
from indexer.types import CONTEXT_WORDS, Hit, Phrase, Recording, Term

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Found(Generic[Key]):
    """A span that matched, before anything is read of it but its confidence.

    Args:
        recording: whatever the store knows it by.
        first: position of the first word.
        last: position of the last word.
        confidence: in thousandths.
    """

    recording: Key
    first: int
    last: int
    confidence: int


def positions(words: Iterable[str], terms: Sequence[Term]) -> list[list[int]]:
    """For each term the positions of the words that it matches, ascending."""
    found: dict[Term, list[int]] = {term: [] for term in terms}
    exact = {term.text: places for term, places in found.items() if not term.prefix}
    prefixes = [(term.text, places) for term, places in found.items() if term.prefix]
    for position, word in enumerate(words):
        if word in exact:
            exact[word].append(position)
        for beginning, places in prefixes:
            if word.startswith(beginning):
                places.append(position)
    return [found[term] for term in terms]


def spans(positions: Sequence[Sequence[int]], slop: int) -> list[tuple[int, ...]]:
    """The chosen matches of a phrase, as the positions p₁…pₙ of its terms.

    Taking p₂…pₙ as early as they can be gives the shortest span from each p₁. Their ends never move left while p₁
    moves right, so one pass over all positions is enough; of spans with one end the last is the minimal one.

    Args:
        positions: for each term where it matches, ascending.
    """
    chosen: list[tuple[int, ...]] = []
    minimal: tuple[int, ...] = ()
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


def adjacent(starts: Iterable[int], terms: int) -> list[tuple[int, ...]]:
    """What ``spans`` chooses without slop, when it is known where the whole phrase begins."""
    chosen: list[tuple[int, ...]] = []
    free = 0
    for start in starts:
        if start >= free:
            free = start + terms
            chosen.append(tuple(range(start, free)))
    return chosen


def find(words: Iterable[str], phrase: Phrase) -> list[tuple[int, ...]]:
    """The chosen matches of a phrase in the words of a recording."""
    return spans(positions(words, phrase.terms), phrase.slop)


def best(found: Iterable[Found[Key]], limit: int, name: Callable[[Key], tuple[str, str]]) -> list[Found[Key]]:
    """The first ``limit`` in the order of hits, each span once.

    Args:
        name: path and id of a recording; asked only where confidence does not decide.
    """
    if limit < 1:
        return []
    once: dict[tuple[Key, int, int], Found[Key]] = {}
    for one in found:
        span = (one.recording, one.first, one.last)
        other = once.get(span)
        if other is None or one.confidence > other.confidence:
            once[span] = one
    least = heapq.nlargest(limit, (one.confidence for one in once.values()))[-1] if once else 0
    contenders = [one for one in once.values() if one.confidence >= least]
    contenders.sort(key=lambda one: (-one.confidence, *name(one.recording), one.first, one.last))
    return contenders[:limit]


def hit(recording: Recording, found: Found[Key], words: Sequence[Word], offset: int = 0) -> Hit:
    """The hit with its words and those around it.

    Args:
        words: a stretch of the recording that holds the span and its context.
        offset: position of the first of them.
    """
    first, last = found.first - offset, found.last - offset + 1
    inside = tuple(words[first:last])
    return Hit(
        recording=recording,
        start=inside[0].start,
        end=inside[-1].end,
        confidence=found.confidence / 1000,
        words=inside,
        before=tuple(words[max(first - CONTEXT_WORDS, 0) : first]),
        after=tuple(words[last : last + CONTEXT_WORDS]),
    )
