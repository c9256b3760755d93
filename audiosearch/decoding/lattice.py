"""Probabilities of all words that the beam search followed: a word lattice.

A beam that the search gives up for a better one, as both go on alike, stays reachable as a rival of it. Prefixes with
their rivals are a word lattice; forward and backward sums over it give every word the probability that a path through
it is right (Wessel et al. 2001), and words at about the same time compete for one place (Mangu, Brill & Stolcke 2000).

Legend: T' emission frames.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audiosearch.decoding.beam_search import End
from audiosearch.decoding.prefix_tree import Words

SCALE = 0.3
"""Scores are taken times this: letters of neighboring frames are far from independent."""

OVERLAP = 0.3
"""A word competes for the place that it shares most time with, if it is so much of the time of both."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A word of the lattice: frames ``[start, end)``, and the probability that a path through it is right."""

    text: str
    start: int
    end: int
    probability: float


def posteriors(text: str, ends: Sequence[End], frames: int, scale: float = SCALE) -> list[dict[str, float]]:
    """For each word of a text the probabilities of the words at its place, itself among them.

    Args:
        text: of one of the ends, or more.
        ends: what the search is left with.
        frames: T', where unfinished words end.
    """
    best = max((end for end in ends if end.text == text), key=lambda end: end.score)
    return compete(_spans(best, frames), lattice(ends, frames, scale))


def lattice(ends: Sequence[End], frames: int, scale: float) -> list[Arc]:
    """All words that the search followed to the end or gave up for a better one."""
    order = _ordered(end.words for end in ends)
    # Forward: how many times more probable all paths to a word are than the best one.
    totals: dict[Words, float] = {}
    befores: dict[Words, float] = {}
    ratios: dict[Words, list[tuple[Words, float]]] = {}
    for words in order:
        # Two prefixes may have beaten each other, in different frames, and one may have beaten its own continuation,
        # where words are said over and over: what would go round in a circle is left out.
        befores[words] = 1.0 if words.before is None else totals.get(words.before, 1.0)
        ratios[words] = [(r, math.exp(scale * d) * totals[r]) for r, d in words.rivals.items() if r in totals]
        totals[words] = befores[words] + sum(ratio for _, ratio in ratios[words])
    # Backward: the probability of the paths that come through a word.
    most = max(end.score for end in ends)
    weights = [math.exp(scale * (end.score - most)) * totals[end.words] for end in ends]
    masses: dict[Words, float] = defaultdict(float)
    arcs = []
    for end, weight in zip(ends, weights, strict=True):
        mass = weight / sum(weights)
        masses[end.words] += mass
        if end.part:
            arcs.append(Arc(end.part, end.words.end, frames, mass))
    for words in reversed(order):
        if words.before is None:
            continue
        mass = masses[words] / totals[words]
        for rival, ratio in ratios[words]:
            masses[rival] += mass * ratio
        own = mass * befores[words]
        masses[words.before] += own
        arcs.append(Arc(words.word, words.before.end, words.end, own))
    return arcs


def compete(places: Sequence[tuple[int, int]], arcs: Iterable[Arc]) -> list[dict[str, float]]:
    """For each place (frames) the words that share most of its time; probabilities of equal words are added."""
    found: list[dict[str, float]] = [defaultdict(float) for _ in places]
    first = 0
    for arc in sorted(arcs, key=lambda arc: arc.start):
        while first + 1 < len(places) and places[first][1] <= arc.start:
            first += 1
        nearest, most = -1, OVERLAP
        for number in range(first, len(places)):
            start, end = places[number]
            if start >= arc.end:
                break
            shared = (min(end, arc.end) - max(start, arc.start)) / (max(end, arc.end) - min(start, arc.start))
            if shared > most:
                nearest, most = number, shared
        if nearest >= 0:
            found[nearest][arc.text] += arc.probability
    return found


def _spans(best: End, frames: int) -> list[tuple[int, int]]:
    """Frames of the words of a path, in order."""
    places = [(best.words.end, frames)] if best.part else []
    words = best.words
    while words.before is not None:
        places.append((words.before.end, words.end))
        words = words.before
    return places[::-1]


def _ordered(ends: Iterable[Words]) -> list[Words]:
    """The words before each and its rivals, then itself; all that can be reached."""
    order: list[Words] = []
    seen: set[Words] = set()
    stack = [(words, False) for words in ends]
    while stack:
        words, done = stack.pop()
        if done:
            order.append(words)
        elif words not in seen:
            seen.add(words)
            stack.append((words, True))
            stack += ((rival, False) for rival in words.rivals)
            if words.before is not None:
                stack.append((words.before, False))
    return order
