"""Measures of the quality of a search. Standard library only.

They are those of NIST's evaluations of spoken term detection: Fiscus, Ajot, Garofolo and Doddington, "Results of the
2006 spoken term detection evaluation" (SIGIR workshop on searching spontaneous conversational speech, 2007); NIST,
"OpenKWS evaluation plan" (2013 and later). A *term* is a query; its *occurrences* are those in the reference;
``scoring.py`` tells correct hits from false alarms.

Over all terms together, of the shown hits: precision = correct hits / hits; recall = correct hits / occurrences;
F1 = 2 · correct / (hits + occurrences). At a threshold θ the hits of confidence ≥ θ count.

*Average precision*: the sum over decreasing thresholds of (gain in recall) · (precision there); hits of equal
confidence are one step, and occurrences that are never found add nothing.

*Term-weighted value*, with equal weight of all terms that occur::

    TWV(θ) = 1 − mean over terms of [ P_miss(θ) + β · P_fa(θ) ]
    P_miss = 1 − correct / occurrences        P_fa = false alarms / (seconds of speech − occurrences)

with one trial per second and β = (C/V) · (1/Pr − 1) = 0.1 · (10⁴ − 1) = 999.9. A perfect search has 1, a search that
shows nothing 0; a false alarm costs its term 999.9 divided by the seconds. Terms without occurrences are left out.
*ATWV* is the value of the shown hits, *MTWV* the maximum over one threshold for all terms, *OTWV* the maximum with an
own threshold for each term; MTWV and OTWV include hits that are not shown.

*Recall ceiling* (NIST's supremum TWV; the recall of a lattice): the mean over terms of the fraction of occurrences
among all hits, without any cost of false alarms.

``audiosearch/evaluation/reliability.py`` measures the *calibration* of the confidences.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from audiosearch.types import Seconds
from indexer.evaluation.scoring import ScoredHit

BETA = 999.9
"""Cost of a false alarm relative to a miss: NIST's value, for one occurrence in ten thousand seconds."""


@dataclass(frozen=True, slots=True)
class Term:
    """Number of occurrences of a term, and the hits of a search for it."""

    occurrences: int
    hits: tuple[ScoredHit, ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts over all terms; a rate is None where its denominator is zero."""

    hits: int
    correct: int
    occurrences: int

    @property
    def precision(self) -> float | None:
        """Fraction of the hits that are correct."""
        return self.correct / self.hits if self.hits else None

    @property
    def recall(self) -> float | None:
        """Fraction of the occurrences that are found."""
        return self.correct / self.occurrences if self.occurrences else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return 2 * self.correct / (self.hits + self.occurrences) if self.hits + self.occurrences else None


def rates(terms: Sequence[Term], threshold: float = 0.0) -> Rates:
    """Count the shown hits of confidence ``threshold`` or more."""
    shown = [hit.correct for term in terms for hit in term.hits if hit.shown and hit.confidence >= threshold]
    return Rates(len(shown), sum(shown), sum(term.occurrences for term in terms))


def average_precision(terms: Sequence[Term]) -> float | None:
    """Average precision over all hits of all terms; None without occurrences."""
    total = sum(term.occurrences for term in terms)
    if not total:
        return None
    area, previous = 0.0, 0
    for _, hits, correct in _steps(terms):
        area += (correct - previous) / total * correct / hits
        previous = correct
    return area


def recall_at(terms: Sequence[Term], precision: float) -> float | None:
    """Greatest recall over the thresholds with at least this precision; 0 if there are none."""
    total = sum(term.occurrences for term in terms)
    if not total:
        return None
    return max((correct / total for _, hits, correct in _steps(terms) if correct >= precision * hits), default=0.0)


def term_weighted_value(terms: Sequence[Term], seconds: Seconds, threshold: float = 0.0) -> float | None:
    """TWV of the shown hits of confidence ``threshold`` or more; None if no term occurs.

    Even the shortest speech counts as one trial that is not a target.
    """
    values = [
        sum(_value(term, hit, seconds) for hit in term.hits if hit.shown and hit.confidence >= threshold)
        for term in terms
        if term.occurrences
    ]
    return math.fsum(values) / len(values) if values else None


def maximum_value(terms: Sequence[Term], seconds: Seconds) -> tuple[float, float] | None:
    """MTWV and its threshold, which is infinite if showing no hits is best."""
    occurring = [term for term in terms if term.occurrences]
    if not occurring:
        return None
    best, threshold = _maximum_sum(
        [(hit.confidence, _value(term, hit, seconds)) for term in occurring for hit in term.hits]
    )
    return best / len(occurring), threshold


def optimum_value(terms: Sequence[Term], seconds: Seconds) -> float | None:
    """OTWV: the mean over terms of the value at the best threshold of each."""
    values = [
        _maximum_sum([(hit.confidence, _value(term, hit, seconds)) for hit in term.hits])[0]
        for term in terms
        if term.occurrences
    ]
    return math.fsum(values) / len(values) if values else None


def recall_ceiling(terms: Sequence[Term]) -> float | None:
    """Mean over terms of the fraction of occurrences among the hits."""
    fractions = [sum(hit.correct for hit in term.hits) / term.occurrences for term in terms if term.occurrences]
    return math.fsum(fractions) / len(fractions) if fractions else None


def percentile(values: Sequence[float], fraction: float) -> float | None:
    """Value below which this fraction of the values lies, linearly interpolated; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


def _value(term: Term, hit: ScoredHit, seconds: Seconds) -> float:
    """Contribution of a hit to the value of its term."""
    return 1 / term.occurrences if hit.correct else -BETA / max(seconds - term.occurrences, 1.0)


def _maximum_sum(hits: list[tuple[float, float]]) -> tuple[float, float]:
    """Maximum over thresholds of the sum of the values of hits (confidence, value), and its threshold."""
    best, threshold, total = 0.0, math.inf, 0.0
    for confidence, group in groupby(sorted(hits, reverse=True), key=lambda hit: hit[0]):
        total += math.fsum(value for _, value in group)
        if total > best:
            best, threshold = total, confidence
    return best, threshold


def _steps(terms: Sequence[Term]) -> Iterator[tuple[float, int, int]]:
    """Yield each confidence in decreasing order, with the numbers of hits and of correct hits from there up."""
    ordered = sorted(((hit.confidence, hit.correct) for term in terms for hit in term.hits), reverse=True)
    hits = correct = 0
    for confidence, group in groupby(ordered, key=lambda hit: hit[0]):
        outcomes = [is_correct for _, is_correct in group]
        hits += len(outcomes)
        correct += sum(outcomes)
        yield confidence, hits, correct
