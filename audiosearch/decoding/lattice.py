"""Word lattice of the beam search, and posterior probabilities of its words.

When two beams share a language-model state, the worse one is pruned but kept as a ``rival`` of the better. Prefixes
with their rivals form a word lattice; forward and backward sums over it give the posterior probability of every word
(Wessel et al. 2001), and words that overlap in time compete for one position (Mangu, Brill and Stolcke 2000).

Legend: T' emission frames.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audiosearch.decoding.beam_search import FinalBeam
from audiosearch.decoding.prefix_tree import WordHistory

SCALE = 0.3
"""Factor of all scores, since letters of neighboring frames are far from independent."""

MIN_OVERLAP = 0.3
"""Smallest ratio of shared to united time at which an arc competes for a position."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A word of the lattice: frames ``[start, end)``, and the posterior probability of the paths through it."""

    text: str
    start: int
    end: int
    probability: float


def word_posteriors(text: str, beams: Sequence[FinalBeam], frames: int, scale: float = SCALE) -> list[dict[str, float]]:
    """For each word of a text the posteriors of all words at its position, itself included.

    Args:
        text: the text of at least one of the beams.
        beams: the beams after the last frame.
        frames: T', at which incomplete words end.
    """
    best = max((beam for beam in beams if beam.text == text), key=lambda beam: beam.score)
    return assign_arcs(_spans(best, frames), lattice_arcs(beams, frames, scale))


def lattice_arcs(beams: Sequence[FinalBeam], frames: int, scale: float) -> list[Arc]:
    """All words that the search followed to the end or pruned in favor of a better beam."""
    order = _topological_order(beam.history for beam in beams)
    # Forward: probability of all paths to a word, relative to that of the best path.
    totals: dict[WordHistory, float] = {}
    previous_totals: dict[WordHistory, float] = {}
    ratios: dict[WordHistory, list[tuple[WordHistory, float]]] = {}
    for history in order:
        # Two prefixes may have pruned each other in different frames, and a prefix its own continuation where words
        # are repeated: edges that would close a cycle are left out.
        previous_totals[history] = 1.0 if history.previous is None else totals.get(history.previous, 1.0)
        ratios[history] = [
            (rival, math.exp(scale * difference) * totals[rival])
            for rival, difference in history.rivals.items()
            if rival in totals
        ]
        totals[history] = previous_totals[history] + sum(ratio for _, ratio in ratios[history])
    # Backward: posterior probability of the paths through a word.
    best_score = max(beam.score for beam in beams)
    weights = [math.exp(scale * (beam.score - best_score)) * totals[beam.history] for beam in beams]
    masses: dict[WordHistory, float] = defaultdict(float)
    arcs = []
    for beam, weight in zip(beams, weights, strict=True):
        mass = weight / sum(weights)
        masses[beam.history] += mass
        if beam.part:
            arcs.append(Arc(beam.part, beam.history.end_frame, frames, mass))
    for history in reversed(order):
        if history.previous is None:
            continue
        mass = masses[history] / totals[history]
        for rival, ratio in ratios[history]:
            masses[rival] += mass * ratio
        own_mass = mass * previous_totals[history]
        masses[history.previous] += own_mass
        arcs.append(Arc(history.word, history.previous.end_frame, history.end_frame, own_mass))
    return arcs


def assign_arcs(positions: Sequence[tuple[int, int]], arcs: Iterable[Arc]) -> list[dict[str, float]]:
    """Words by the position ``[start, end)`` that they overlap most; posteriors of equal words are added."""
    posteriors: list[dict[str, float]] = [defaultdict(float) for _ in positions]
    first = 0
    for arc in sorted(arcs, key=lambda arc: arc.start):
        while first + 1 < len(positions) and positions[first][1] <= arc.start:
            first += 1
        nearest, max_overlap = -1, MIN_OVERLAP
        for number in range(first, len(positions)):
            start, end = positions[number]
            if start >= arc.end:
                break
            overlap = (min(end, arc.end) - max(start, arc.start)) / (max(end, arc.end) - min(start, arc.start))
            if overlap > max_overlap:
                nearest, max_overlap = number, overlap
        if nearest >= 0:
            posteriors[nearest][arc.text] += arc.probability
    return posteriors


def _spans(best: FinalBeam, frames: int) -> list[tuple[int, int]]:
    """Frames ``[start, end)`` of the words of a path, in order."""
    spans = [(best.history.end_frame, frames)] if best.part else []
    history = best.history
    while history.previous is not None:
        spans.append((history.previous.end_frame, history.end_frame))
        history = history.previous
    return spans[::-1]


def _topological_order(ends: Iterable[WordHistory]) -> list[WordHistory]:
    """All histories that can be reached, each after its previous word and its rivals."""
    order: list[WordHistory] = []
    visited: set[WordHistory] = set()
    stack = [(history, False) for history in ends]
    while stack:
        history, done = stack.pop()
        if done:
            order.append(history)
        elif history not in visited:
            visited.add(history)
            stack.append((history, True))
            stack += ((rival, False) for rival in history.rivals)
            if history.previous is not None:
                stack.append((history.previous, False))
    return order
