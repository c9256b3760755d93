"""Correct hits and false alarms of a search, by comparison with a reference. Standard library only.

A hit and an occurrence of its term in one recording may be paired if their midpoints are at most TOLERANCE apart; each
is in at most one pair. The chosen pairing has the most pairs; among these, the most shown and confident hits; among
these, the smallest distances. NIST's evaluations of spoken term detection do the same with the Hungarian algorithm
(OpenKWS evaluation plan, 2013 and later). A paired hit is correct, any other is a false alarm; an unpaired occurrence
is a miss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audiosearch.types import Seconds

TOLERANCE: Seconds = 0.5
"""Maximum distance of the midpoints of a hit and an occurrence, as in NIST's evaluations."""

ROUNDING: Seconds = 1e-6
"""Allowance above TOLERANCE, as binary times are not exact."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence of a term in the reference."""

    recording: str
    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class Detection:
    """A hit of a search.

    Args:
        shown: True if the search shows it by default; the others count only in measures over all thresholds.
    """

    recording: str
    start: Seconds
    end: Seconds
    confidence: float
    way: str = "words"
    shown: bool = True


@dataclass(frozen=True, slots=True)
class ScoredHit:
    """A hit compared with the reference.

    Args:
        start_error: its start minus that of the paired occurrence; None: it is a false alarm.
        shown: True if the search shows it by default.
    """

    confidence: float
    start_error: Seconds | None
    way: str = "words"
    shown: bool = True

    @property
    def correct(self) -> bool:
        """True if it is paired with an occurrence."""
        return self.start_error is not None


def score_hits(detections: Sequence[Detection], occurrences: Sequence[Occurrence]) -> tuple[ScoredHit, ...]:
    """Compare the hits of one term with its occurrences; returns them in the order of ``detections``."""
    occurrences_in: dict[str, list[Occurrence]] = defaultdict(list)
    for occurrence in sorted(occurrences, key=_midpoint):
        occurrences_in[occurrence.recording].append(occurrence)
    detections_in: dict[str, list[int]] = defaultdict(list)
    for number in sorted(range(len(detections)), key=lambda number: _midpoint(detections[number])):
        detections_in[detections[number].recording].append(number)
    errors: dict[int, Seconds] = {}
    for recording, numbers in detections_in.items():
        candidates = occurrences_in[recording]
        for i, j in _pairs([detections[number] for number in numbers], candidates):
            errors[numbers[i]] = detections[numbers[i]].start - candidates[j].start
    return tuple(
        ScoredHit(detection.confidence, errors.get(number), detection.way, detection.shown)
        for number, detection in enumerate(detections)
    )


def _midpoint(span: Occurrence | Detection) -> Seconds:
    return (span.start + span.end) / 2


PairingScore = tuple[int, float, float]
"""Value of a pairing: number of pairs, confidence of their hits, negative sum of the distances."""


def _pairs(detections: Sequence[Detection], occurrences: Sequence[Occurrence]) -> list[tuple[int, int]]:
    """Best pairing, as positions in both lists, which are sorted by midpoint.

    There is a best pairing without crossings: two crossing pairs can exchange partners without loss. Hence the best
    pairing of the first i hits and j occurrences is that of (i − 1, j), of (i, j − 1), or of (i − 1, j − 1) with the
    last two as a pair.
    """
    rows: list[list[PairingScore]] = [[(0, 0.0, 0.0)] * (len(occurrences) + 1)]
    for detection in detections:
        above, row = rows[-1], [(0, 0.0, 0.0)]
        for j, occurrence in enumerate(occurrences):
            best = max(above[j + 1], row[j])
            distance = abs(_midpoint(detection) - _midpoint(occurrence))
            if distance <= TOLERANCE + ROUNDING:
                pairs, confidence, nearness = above[j]
                best = max(best, (pairs + 1, confidence + detection.shown + detection.confidence, nearness - distance))
            row.append(best)
        rows.append(row)
    pairing = []
    i, j = len(detections), len(occurrences)
    while i and j:
        if rows[i][j] == rows[i - 1][j]:
            i -= 1
        elif rows[i][j] == rows[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairing.append((i, j))
    return pairing[::-1]
