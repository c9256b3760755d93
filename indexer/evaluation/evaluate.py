"""How good a search is at finding what is said in recordings of which one knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from audiosearch.evaluation.reliability import ReliabilityBin, expected_calibration_error, reliability_table
from audiosearch.types import Seconds
from indexer.evaluation.queries import FREQUENCIES, HARD, IN, MISSPELLED, OUT, Asked
from indexer.evaluation.scoring import Detection, Judged, judge
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

EVERY = "all"
PAGE_SIZE = 1000

PRECISION = 0.8
"""At which a recall is told that one can compare searches by."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Of the queries of a class; what is of nothing is None. ``measures.py`` says what each is.

    Args:
        queries: their number.
        said: how many of them are said anywhere.
        rates: of what is shown.
        recall_at: greatest recall with a precision of PRECISION.
        atwv: of what is shown.
        threshold: that gives ``mtwv``.
    """

    queries: int
    said: int
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
    """What a search found of a query, and what the best transcripts alone hold of it."""

    asked: Asked
    hits: tuple[Judged, ...]
    exact: tuple[Judged, ...]

    @property
    def found(self) -> Term:
        """The search."""
        return Term(len(self.asked.occurrences), self.hits)

    @property
    def baseline(self) -> Term:
        """The best transcripts."""
        return Term(len(self.asked.occurrences), self.exact)


@dataclass(frozen=True)
class Quality:
    """How good a search was.

    Args:
        classes: measures by class of query, of all queries first.
        exact: the same of an exact search in the best transcripts alone, to compare with.
        ways: of the hits that are shown, by the way that they were found.
        late: the size of the errors of the start times of correct hits that are shown, median and 95th percentile.
        table: reliability of the confidences of hits that are shown.
        calibration_error: expected, of the same.
    """

    classes: Mapping[str, Measures]
    exact: Mapping[str, Measures]
    ways: Mapping[str, Rates]
    late: tuple[Seconds, Seconds] | None
    table: tuple[ReliabilityBin, ...]
    calibration_error: float | None
    outcomes: tuple[Outcome, ...] = field(repr=False)


Search = Callable[[Query], Iterable[Hit]]
"""All hits of a query."""


def every_hit(index: Index, mode: Mode) -> Search:
    """A search of an index that goes through all pages, and shows what it would not show otherwise."""

    def search(query: Query) -> Iterator[Hit]:
        after: str | None = None
        while True:
            page = engine.search(index, query, mode, PAGE_SIZE, after, min_confidence=spoken_terms.MIN_PROBABILITY)
            yield from page.hits
            if (after := page.after) is None:
                return

    return search


def ask(
    search: Search, asked: Iterable[Asked], recordings: Set[str], shown: Callable[[Hit], bool] = lambda hit: True
) -> Iterator[Outcome]:
    """The outcome of each query; hits in other recordings than these do not count.

    Args:
        shown: which hits one gets to see who does not ask for more.
    """
    for one in asked:
        hits = [
            Detection(*_place(hit), hit.confidence, hit.way, shown(hit))
            for hit in search(Query((one.phrase,)))
            if hit.recording.id in recordings
        ]
        yield Outcome(one, judge(hits, one.occurrences), judge(one.exact, one.occurrences))


def assess(outcomes: Iterable[Outcome], seconds: Seconds) -> Quality:
    """All measures of the outcomes of searching so many seconds of speech."""
    outcomes = tuple(outcomes)
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.asked.classes)
    groups = {EVERY: outcomes} | {
        name: tuple(one for one in outcomes if name in one.asked.classes) for name in sorted(names, key=_rank)
    }
    shown = [hit for one in outcomes for hit in one.hits if hit.shown]
    table = reliability_table([hit.confidence for hit in shown], [hit.correct for hit in shown])
    said = sum(len(one.asked.occurrences) for one in outcomes)
    ways = {
        way: Rates(len(found), sum(hit.correct for hit in found), said)
        for way in sorted({hit.way for hit in shown}, reverse=True)
        if (found := [hit for hit in shown if hit.way == way])
    }
    return Quality(
        {name: _measures([one.found for one in group], seconds) for name, group in groups.items()},
        {name: _measures([one.baseline for one in group], seconds) for name, group in groups.items()},
        ways,
        _late(shown),
        table,
        expected_calibration_error(table),
        outcomes,
    )


def _measures(terms: Sequence[Term], seconds: Seconds) -> Measures:
    best = maximum_value(terms, seconds)
    return Measures(
        queries=len(terms),
        said=sum(term.occurrences > 0 for term in terms),
        rates=rates(terms),
        average_precision=average_precision(terms),
        recall_at=recall_at(terms, PRECISION),
        atwv=term_weighted_value(terms, seconds),
        mtwv=None if best is None else best[0],
        threshold=None if best is None else best[1],
        otwv=optimum_value(terms, seconds),
        recall_ceiling=recall_ceiling(terms),
    )


def _late(hits: Sequence[Judged]) -> tuple[Seconds, Seconds] | None:
    errors = [abs(hit.late) for hit in hits if hit.late is not None]
    middle, most = percentile(errors, 0.5), percentile(errors, 0.95)
    return None if middle is None or most is None else (middle, most)


def _place(hit: Hit) -> tuple[str, Seconds, Seconds]:
    return hit.recording.id, hit.start, hit.end


def _rank(name: str) -> tuple[bool, int]:
    """Lengths come first, then the other classes in the order in which they are named."""
    others = (*FREQUENCIES, IN, OUT, MISSPELLED, HARD)
    return (True, others.index(name)) if name in others else (False, int(name.split()[0]))
