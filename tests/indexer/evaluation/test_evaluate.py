"""Sampled queries, their occurrences and classes, and the measures of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audiosearch.types import Word
from indexer.evaluation.evaluate import ALL_QUERIES, Quality, exhaustive_search, run_queries, summarize
from indexer.evaluation.queries import (
    HARD,
    IN_VOCABULARY,
    MISSPELLED,
    OUT_OF_VOCABULARY,
    EvaluationQuery,
    prepare_queries,
    sample_queries,
)
from indexer.index import open_index
from indexer.search.engine import MIN_CONFIDENCE, is_shown
from indexer.types import Hit, Location, Query, Recording

VOCABULARY = frozenset(["the", "keeper", "of", "light", "house", "went", "out", "to", "sea"])


def spoken(text: str, confidence: float = 1.0) -> tuple[Word, ...]:
    """Words of half a second, one per second."""
    return tuple(Word(word, float(second), second + 0.5, confidence) for second, word in enumerate(text.split()))


REFERENCES = {
    "one": spoken("the keeper of the lighthouse went out"),
    "two": spoken("keeper kierkegaard went to sea"),
}
TRANSCRIPTS = {
    "one": spoken("the keeper of the light house out", 0.8),
    "two": spoken("keep her care went to see", 0.4),
}


def prepare(*texts: str) -> dict[str, EvaluationQuery]:
    return {query.text: query for query in prepare_queries(texts, REFERENCES, TRANSCRIPTS, VOCABULARY)}


def test_occurrences_in_the_references_and_hits_in_the_transcripts() -> None:
    query = prepare("the keeper")["the keeper"]
    assert [(occurrence.recording, occurrence.start, occurrence.end) for occurrence in query.occurrences] == [
        ("one", 0.0, 1.5)
    ]
    assert [(hit.recording, hit.confidence) for hit in query.exact] == [("one", 0.8)]
    assert prepare("keep*")["keep*"].occurrences[1].recording == "two"
    assert prepare("Keeper!", "keeper").keys() == {"Keeper!"}


def test_classes_of_queries() -> None:
    queries = prepare("keeper", "kierkegaard", "went", "the keeper of the", "sea", "light house")
    classes = {text: query.classes for text, query in queries.items()}
    assert classes == {
        "keeper": ("1 word", "said 2 to 9 times", IN_VOCABULARY),  # one of two occurrences is recognized
        "kierkegaard": ("1 word", "said once", OUT_OF_VOCABULARY, HARD),
        # one "went" is missing, one a second too late
        "went": ("1 word", "said 2 to 9 times", IN_VOCABULARY, MISSPELLED, HARD),
        "the keeper of the": ("4 words", "said once", IN_VOCABULARY),
        "sea": ("1 word", "said once", IN_VOCABULARY, MISSPELLED, HARD),
        "light house": ("2 words", IN_VOCABULARY),
    }


def test_sampled_queries_occur_and_are_always_the_same() -> None:
    sample = sample_queries(REFERENCES, VOCABULARY, 2)
    assert sample == sample_queries(dict(reversed(REFERENCES.items())), VOCABULARY, 2)
    assert len(set(sample)) == len(sample)
    unknown = {text for text in sample if not set(text.split()) <= VOCABULARY}
    assert unknown == {"kierkegaard", "lighthouse"}
    assert all(max(map(len, text.split())) >= 4 and len(text.split()) <= 4 for text in sample)
    for query in prepare_queries(sample, REFERENCES, TRANSCRIPTS, VOCABULARY):
        assert query.occurrences, query.text
    everything = sample_queries(REFERENCES, None, 1000)
    assert {"went", "keeper kierkegaard", "keeper of the lighthouse"} <= set(everything)


def hit(name: str, start: float, confidence: float) -> Hit:
    recording = Recording(name, (Location(f"/{name}", 1, 1),), 100.0, "m", "2024-05-01T00:00:00Z")
    return Hit(recording, start, start + 0.5, confidence, (), (), ())


def evaluate(hits: dict[str, list[Hit]], shown: Callable[[Hit], bool] = lambda hit: True) -> Quality:
    def search(query: Query) -> list[Hit]:
        return hits.get(" ".join(term.text for term in query.phrases[0].terms), [])

    outcomes = run_queries(search, prepare("keeper", "kierkegaard", "out of").values(), frozenset(REFERENCES), shown)
    return summarize(outcomes, 1002.0)


def test_quality_by_hand() -> None:
    quality = evaluate(
        {
            "keeper": [hit("one", 1.1, 0.9), hit("two", 3.0, 0.5), hit("elsewhere", 0.0, 0.9)],
            "kierkegaard": [hit("two", 1.2, 0.7)],
            "out of": [hit("one", 6.0, 0.2)],
        }
    )
    everything = quality.classes[ALL_QUERIES]
    assert (everything.queries, everything.occurring) == (3, 2)
    assert (everything.rates.hits, everything.rates.correct, everything.rates.occurrences) == (4, 2, 3)
    assert everything.atwv == pytest.approx((0.5 - 999.9 / 1000 + 1) / 2)
    assert (everything.mtwv, everything.threshold) == pytest.approx((0.75, 0.7))
    assert everything.recall_at == pytest.approx(2 / 3)
    assert quality.classes[OUT_OF_VOCABULARY].otwv == 1
    assert quality.classes[OUT_OF_VOCABULARY].rates.precision == 1
    assert quality.start_errors == pytest.approx((0.15, 0.195))
    assert quality.ways["words"].hits == 4
    assert [row.count for row in quality.table] == [1, 1, 1, 1]
    exact = quality.exact[ALL_QUERIES]
    assert (exact.rates.hits, exact.rates.correct, exact.mtwv) == pytest.approx((1, 1, 0.25))
    assert list(quality.classes) == [
        ALL_QUERIES,
        "1 word",
        "2 words",
        "said once",
        "said 2 to 9 times",
        IN_VOCABULARY,
        OUT_OF_VOCABULARY,
        HARD,
    ]


def test_uncertain_hits_by_sound_are_not_shown() -> None:
    uncertain, certain = (
        replace(hit("two", 1.2, confidence), way="sound") for confidence in (MIN_CONFIDENCE - 0.1, 0.7)
    )
    hits = {"keeper": [hit("one", 1.1, 0.2), replace(uncertain, start=9.0, end=9.5)], "kierkegaard": [uncertain]}
    everything = evaluate(hits, is_shown).classes[ALL_QUERIES]
    assert (everything.rates.hits, everything.rates.correct, everything.atwv) == pytest.approx((1, 1, 0.25))
    assert everything.recall_ceiling == pytest.approx(0.75)
    assert everything.otwv == pytest.approx(0.5)  # kierkegaard at its own threshold; 0 of keeper
    quality = evaluate({**hits, "kierkegaard": [certain]}, is_shown)
    assert {way: (rates.hits, rates.correct) for way, rates in quality.ways.items()} == {
        "words": (1, 1),
        "sound": (1, 1),
    }
    assert quality.calibration_error == pytest.approx((0.8 + 0.3) / 2)


def test_an_exhaustive_search_reads_all_pages(tmp_path: Path, recording: Callable[..., Recording]) -> None:
    with open_index(str(tmp_path / "store.db"), create=True) as index:
        index.add(recording(1), spoken("sea " * 8, 0.5))
        index.add(recording(2), spoken("sea the sea", 0.9))
        search = exhaustive_search(index, "words", page_size=3)
        (query,) = prepare_queries(["sea"], REFERENCES, TRANSCRIPTS, VOCABULARY)
        hits = list(search(Query((query.phrase,))))
    assert [(match.recording.id, match.start) for match in hits] == [
        ("id002", 0.0),
        ("id002", 2.0),
        *(("id001", float(second)) for second in range(8)),
    ]
