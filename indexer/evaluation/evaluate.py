"""Quality of a search on recordings whose text and word times are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from audiosearch.evaluation.reliability import ReliabilityBin, expected_calibration_error, reliability_table
from audiosearch.types import Seconds
from indexer.evaluation.queries import FREQUENCIES, HARD, IN_VOCABULARY, MISSPELLED, OUT_OF_VOCABULARY, EvaluationQuery
from indexer.evaluation.scoring import Detection, ScoredHit, score_hits
from indexer.evaluation.std_metrics import (
    Rates,
    Term,
    average_precision,
    maximum_value,
    optimum_value,
    percentile,
    rates,
    recall_at,
    recall_ceiling,
    term_weighted_value,
)
from indexer.index import Index
from indexer.search import engine, spoken_terms
from indexer.search.engine import Mode
from indexer.types import Hit, Query

ALL_QUERIES = "all"
PAGE_SIZE = 1000

PRECISION = 0.8
"""Precision at which the recall of searches is compared."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of a class of queries, as ``std_metrics.py`` defines them; None where undefined.

    Args:
        queries: number of queries.
        occurring: number of queries that occur in the references.
        rates: counts and rates of the shown hits.
        recall_at: greatest recall at a precision of at least PRECISION.
        atwv: term-weighted value of the shown hits.
        threshold: confidence threshold of ``mtwv``.
    """

    queries: int
    occurring: int
    rates: Rates
    average_precision: float | None
    recall_at: float | None
    atwv: float | None
    mtwv: float | None
    threshold: float | None
    otwv: float | None
    recall_ceiling: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Scored hits of one query.

    Args:
        query: the query with its occurrences.
        hits: hits of the search.
        exact: hits of an exact search in the best transcripts, the baseline.
    """

    query: EvaluationQuery
    hits: tuple[ScoredHit, ...]
    exact: tuple[ScoredHit, ...]

    @property
    def term(self) -> Term:
        """Result of the search, for the measures."""
        return Term(len(self.query.occurrences), self.hits)

    @property
    def exact_term(self) -> Term:
        """Result of the baseline, for the measures."""
        return Term(len(self.query.occurrences), self.exact)


@dataclass(frozen=True)
class Quality:
    """Quality of a search.

    Args:
        classes: measures by class of query; all queries come first.
        exact: the same measures of the baseline, an exact search in the best transcripts.
        ways: rates of the shown hits by the way they were found.
        start_errors: median and 95th percentile of the absolute start time errors of correct shown hits.
        table: reliability of the confidences of shown hits.
        calibration_error: expected calibration error of these confidences.
    """

    classes: Mapping[str, Measures]
    exact: Mapping[str, Measures]
    ways: Mapping[str, Rates]
    start_errors: tuple[Seconds, Seconds] | None
    table: tuple[ReliabilityBin, ...]
    calibration_error: float | None
    outcomes: tuple[Outcome, ...] = field(repr=False)


Search = Callable[[Query], Iterable[Hit]]
"""Function that returns all hits of a query."""


def exhaustive_search(index: Index, mode: Mode, page_size: int = PAGE_SIZE) -> Search:
    """Return a search of an index that reads all pages, including hits below the confidence threshold."""

    def search(query: Query) -> Iterator[Hit]:
        cursor: str | None = None
        while True:
            page = engine.search(index, query, mode, page_size, cursor, min_confidence=spoken_terms.MIN_PROBABILITY)
            yield from (hit for hit in page.hits if not hit.variant)  # the text is searched as it is spelled
            if (cursor := page.after) is None:
                return

    return search


def run_queries(
    search: Search,
    queries: Iterable[EvaluationQuery],
    recordings: Set[str],
    is_shown: Callable[[Hit], bool] = lambda hit: True,
) -> Iterator[Outcome]:
    """Search for each query and score its hits.

    Args:
        recordings: ids of the recordings with references; hits in others are ignored.
        is_shown: returns True for a hit that a search shows by default.
    """
    for query in queries:
        hits = [
            Detection(hit.recording.id, hit.start, hit.end, hit.confidence, hit.way, is_shown(hit))
            for hit in search(Query((query.phrase,)))
            if hit.recording.id in recordings
        ]
        yield Outcome(query, score_hits(hits, query.occurrences), score_hits(query.exact, query.occurrences))


def summarize(outcomes: Iterable[Outcome], seconds: Seconds) -> Quality:
    """Compute all measures of queries on recordings with a total duration of ``seconds``."""
    outcomes = tuple(outcomes)
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.query.classes)
    groups = {ALL_QUERIES: outcomes} | {
        name: tuple(outcome for outcome in outcomes if name in outcome.query.classes)
        for name in sorted(names, key=_class_order)
    }
    shown = [hit for outcome in outcomes for hit in outcome.hits if hit.shown]
    table = reliability_table([hit.confidence for hit in shown], [hit.correct for hit in shown])
    occurrences = sum(len(outcome.query.occurrences) for outcome in outcomes)
    ways = {}
    for way in sorted({hit.way for hit in shown}, reverse=True):
        hits = [hit for hit in shown if hit.way == way]
        ways[way] = Rates(len(hits), sum(hit.correct for hit in hits), occurrences)
    return Quality(
        {name: _measures([outcome.term for outcome in group], seconds) for name, group in groups.items()},
        {name: _measures([outcome.exact_term for outcome in group], seconds) for name, group in groups.items()},
        ways,
        _start_errors(shown),
        table,
        expected_calibration_error(table),
        outcomes,
    )


def _measures(terms: Sequence[Term], seconds: Seconds) -> Measures:
    maximum = maximum_value(terms, seconds)
    return Measures(
        queries=len(terms),
        occurring=sum(term.occurrences > 0 for term in terms),
        rates=rates(terms),
        average_precision=average_precision(terms),
        recall_at=recall_at(terms, PRECISION),
        atwv=term_weighted_value(terms, seconds),
        mtwv=None if maximum is None else maximum[0],
        threshold=None if maximum is None else maximum[1],
        otwv=optimum_value(terms, seconds),
        recall_ceiling=recall_ceiling(terms),
    )


def _start_errors(hits: Sequence[ScoredHit]) -> tuple[Seconds, Seconds] | None:
    errors = [abs(hit.start_error) for hit in hits if hit.start_error is not None]
    median, p95 = percentile(errors, 0.5), percentile(errors, 0.95)
    return None if median is None or p95 is None else (median, p95)


def _class_order(name: str) -> tuple[bool, int]:
    """Sort key of classes: lengths first, then the others in the order of their definition."""
    order = (*FREQUENCIES, IN_VOCABULARY, OUT_OF_VOCABULARY, MISSPELLED, HARD)
    return (True, order.index(name)) if name in order else (False, int(name.split()[0]))
