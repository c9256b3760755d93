"""Which hits of a search are right, held against where the reference says a term. Standard library only.

A hit and an occurrence of its term in one recording may be paired if their midpoints are at most TOLERANCE apart, each
with one other. Of all pairings those with the most pairs are taken, of these those of hits that are shown and sure, of
these the nearest: what NIST's evaluations of spoken term detection do with the Hungarian algorithm (OpenKWS evaluation
plan, 2013 and after). A hit in a pair is correct, any other is a false alarm; an occurrence in none is missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audiosearch.types import Seconds

TOLERANCE: Seconds = 0.5
"""Between the midpoints of a hit and an occurrence, at most; NIST's."""

ROUNDING: Seconds = 1e-6
"""That a distance may be above TOLERANCE, since times in binary are not exact."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where a term is said."""

    recording: str
    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class Detection:
    """A place where a search says that a term is said.

    Args:
        shown: whether the search shows it; of others it is only asked what showing them would bring.
    """

    recording: str
    start: Seconds
    end: Seconds
    confidence: float
    way: str = "words"
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A hit that has been held against the reference.

    Args:
        late: by how much it starts after the occurrence it is paired with; None: it is a false alarm.
        shown: whether the search shows it.
    """

    confidence: float
    late: Seconds | None
    way: str = "words"
    shown: bool = True

    @property
    def correct(self) -> bool:
        """Whether it is paired with an occurrence."""
        return self.late is not None


def judge(detections: Sequence[Detection], occurrences: Sequence[Occurrence]) -> tuple[Judged, ...]:
    """The hits of one term, in their order, held against its occurrences."""
    said: dict[str, list[Occurrence]] = defaultdict(list)
    for occurrence in sorted(occurrences, key=_middle):
        said[occurrence.recording].append(occurrence)
    found: dict[str, list[int]] = defaultdict(list)
    for number in sorted(range(len(detections)), key=lambda number: _middle(detections[number])):
        found[detections[number].recording].append(number)
    late: dict[int, Seconds] = {}
    for recording, numbers in found.items():
        here = said[recording]
        for hit, place in _pairs([detections[number] for number in numbers], here):
            late[numbers[hit]] = detections[numbers[hit]].start - here[place].start
    return tuple(Judged(one.confidence, late.get(number), one.way, one.shown) for number, one in enumerate(detections))


def _middle(span: Occurrence | Detection) -> Seconds:
    return (span.start + span.end) / 2


Gain = tuple[int, float, float]
"""What a pairing is compared by: pairs, confidence of their hits, and the distances as a negative number."""


def _pairs(found: Sequence[Detection], said: Sequence[Occurrence]) -> list[tuple[int, int]]:
    """The best pairing, as places in both lists, which are in the order of midpoints.

    Some best pairing does not cross: where two pairs do, their hits may exchange partners, and nothing gets worse.
    So the best of the first i hits and j occurrences is that of (i − 1, j), of (i, j − 1), or of (i − 1, j − 1) with
    the last two as a pair.
    """
    rows: list[list[Gain]] = [[(0, 0.0, 0.0)] * (len(said) + 1)]
    for hit in found:
        above, row = rows[-1], [(0, 0.0, 0.0)]
        for j, occurrence in enumerate(said):
            best = max(above[j + 1], row[j])
            distance = abs(_middle(hit) - _middle(occurrence))
            if distance <= TOLERANCE + ROUNDING:
                pairs, confidence, nearness = above[j]
                best = max(best, (pairs + 1, confidence + hit.shown + hit.confidence, nearness - distance))
            row.append(best)
        rows.append(row)
    chosen = []
    i, j = len(found), len(said)
    while i and j:
        if rows[i][j] == rows[i - 1][j]:
            i -= 1
        elif rows[i][j] == rows[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            chosen.append((i, j))
    return chosen[::-1]
