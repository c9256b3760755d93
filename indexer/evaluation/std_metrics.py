"""How good a search is: every measure, defined once. Standard library only.

The measures of NIST's evaluations of spoken term detection: Fiscus, Ajot, Garofolo and Doddington, "Results of the 2006
spoken term detection evaluation" (SIGIR workshop on searching spontaneous conversational speech, 2007); NIST, "OpenKWS
evaluation plan" (2013 and after). A *term* is a query, its *occurrences* are the places where the reference says it;
``detection.py`` says which hits are correct.

Over all terms together, of the hits that a search shows: precision = correct hits / hits; recall = correct hits /
occurrences; F1 = 2 · correct / (hits + occurrences). At a threshold θ a hit counts if its confidence is θ or more.

*Average precision*: with hits in the order of confidence, the sum over thresholds of (gain in recall) · (precision
there); hits of equal confidence are one step, and what is never found adds nothing.

*Term-weighted value*, every term that occurs weighing the same::

    TWV(θ) = 1 − mean over terms of [ P_miss(θ) + β · P_fa(θ) ]
    P_miss = 1 − correct / occurrences        P_fa = false alarms / (seconds of speech − occurrences)

with one trial a second and β = (C/V) · (1/Pr − 1) = 0.1 · (10⁴ − 1) = 999.9. 1 is a perfect search, 0 one that shows
nothing, and a false alarm costs its term 999.9 divided by the seconds. Terms that occur nowhere are left out. *ATWV* is
the value of what is shown, *MTWV* the greatest at one threshold for all terms, *OTWV* the greatest when each
term has its own threshold; both look at hits that are not shown too.

*Recall ceiling* (NIST's supremum TWV; of a lattice, its recall): the mean over terms of the part of the occurrences
that is among the hits at all, at no cost for false alarms.

*Calibration* of the hits' confidences is measured by ``audiosearch/evaluation/reliability.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from audiosearch.types import Seconds
from indexer.evaluation.scoring import Judged

BETA = 999.9
"""What a false alarm costs against a miss: NIST's, for one occurrence in ten thousand seconds."""


@dataclass(frozen=True, slots=True)
class Term:
    """How often a term is said, and what a search made of it."""

    occurrences: int
    hits: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts over all terms; a rate of nothing is None."""

    hits: int
    correct: int
    occurrences: int

    @property
    def precision(self) -> float | None:
        """Part of the hits that is correct."""
        return self.correct / self.hits if self.hits else None

    @property
    def recall(self) -> float | None:
        """Part of the occurrences that is found."""
        return self.correct / self.occurrences if self.occurrences else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return 2 * self.correct / (self.hits + self.occurrences) if self.hits + self.occurrences else None


def rates(terms: Sequence[Term], threshold: float = 0.0) -> Rates:
    """Counts of what is shown of a confidence or more."""
    shown = [hit.correct for term in terms for hit in term.hits if hit.shown and hit.confidence >= threshold]
    return Rates(len(shown), sum(shown), sum(term.occurrences for term in terms))


def average_precision(terms: Sequence[Term]) -> float | None:
    """Over all hits of all terms; None where nothing is said."""
    total = sum(term.occurrences for term in terms)
    if not total:
        return None
    area, before = 0.0, 0
    for _, hits, correct in _steps(terms):
        area += (correct - before) / total * correct / hits
        before = correct
    return area


def recall_at(terms: Sequence[Term], precision: float) -> float | None:
    """The greatest recall at any threshold with at least such a precision, 0 if there is none."""
    total = sum(term.occurrences for term in terms)
    if not total:
        return None
    return max((correct / total for _, hits, correct in _steps(terms) if correct >= precision * hits), default=0.0)


def term_weighted_value(terms: Sequence[Term], seconds: Seconds, threshold: float = 0.0) -> float | None:
    """TWV of what is shown of a confidence or more; None where no term occurs.

    There is at least one trial that is no target, however short the speech.
    """
    values = [
        sum(_worth(term, hit, seconds) for hit in term.hits if hit.shown and hit.confidence >= threshold)
        for term in terms
        if term.occurrences
    ]
    return math.fsum(values) / len(values) if values else None


def maximum_value(terms: Sequence[Term], seconds: Seconds) -> tuple[float, float] | None:
    """MTWV and the threshold that gives it, infinite where nothing shown is best."""
    said = [term for term in terms if term.occurrences]
    if not said:
        return None
    best, threshold = _greatest([(hit.confidence, _worth(term, hit, seconds)) for term in said for hit in term.hits])
    return best / len(said), threshold


def optimum_value(terms: Sequence[Term], seconds: Seconds) -> float | None:
    """OTWV: each term at its own best threshold."""
    values = [
        _greatest([(hit.confidence, _worth(term, hit, seconds)) for hit in term.hits])[0]
        for term in terms
        if term.occurrences
    ]
    return math.fsum(values) / len(values) if values else None


def recall_ceiling(terms: Sequence[Term]) -> float | None:
    """The mean over terms of the part of their occurrences that is among the hits."""
    parts = [sum(hit.correct for hit in term.hits) / term.occurrences for term in terms if term.occurrences]
    return math.fsum(parts) / len(parts) if parts else None


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value below which that part of the values lies, between two of them in proportion; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def _worth(term: Term, hit: Judged, seconds: Seconds) -> float:
    """What a hit adds to the value of its term."""
    return 1 / term.occurrences if hit.correct else -BETA / max(seconds - term.occurrences, 1.0)


def _greatest(hits: list[tuple[float, float]]) -> tuple[float, float]:
    """The greatest sum of the worth of hits with at least a confidence, and that confidence."""
    best, threshold, total = 0.0, math.inf, 0.0
    for confidence, group in groupby(sorted(hits, reverse=True), key=lambda hit: hit[0]):
        total += math.fsum(worth for _, worth in group)
        if total > best:
            best, threshold = total, confidence
    return best, threshold


def _steps(terms: Sequence[Term]) -> Iterator[tuple[float, int, int]]:
    """Each confidence of a hit, falling; how many hits have it or more, and how many of these are correct."""
    shown = sorted(((hit.confidence, hit.correct) for term in terms for hit in term.hits), reverse=True)
    hits = correct = 0
    for confidence, group in groupby(shown, key=lambda hit: hit[0]):
        outcomes = [right for _, right in group]
        hits += len(outcomes)
        correct += sum(outcomes)
        yield confidence, hits, correct
