"""Matches: known answers, and the definition applied by brute force to small examples."""

from __future__ import annotations

import random
from itertools import combinations, product

import pytest

from audiosearch.types import Alternative, Word
from indexer.matching.grades import grade_of
from indexer.matching.match import (
    Match,
    build_hit,
    confidence,
    contiguous_spans,
    deduplicate,
    find,
    positions,
    proximity_filter,
    spans,
)
from indexer.types import Hit, Location, Phrase, Query, Recording, Term


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


def words(text: str) -> list[Word]:
    """Of ``"the/then.3 cat"``: "the" or, with probability 0.3, "then"; after it "cat". Words have confidence 0.9."""
    spoken = []
    for position, word in enumerate(text.split()):
        best, *alternatives_text = word.split("/")
        readings = (reading.split(".") for reading in alternatives_text)
        alternatives = tuple(Alternative(reading, float(f"0.{digits}")) for reading, digits in readings)
        spoken.append(Word(best, float(position), position + 1.0, 0.9, alternatives))
    return spoken


def defined(matching: list[list[int]], slop: int) -> list[tuple[int, int]]:
    """First and last positions of the chosen spans, word for word as match.py defines them."""
    everything = sorted({position for candidates in matching for position in candidates})
    within_slop = {
        (chosen[0], chosen[-1])
        for chosen in combinations(everything, len(matching))
        if all(position in candidates for position, candidates in zip(chosen, matching, strict=True))
        and chosen[-1] - chosen[0] + 1 - len(matching) <= slop
    }
    minimal = [
        outer
        for outer in within_slop
        if not any(outer != inner and outer[0] <= inner[0] <= inner[1] <= outer[1] for inner in within_slop)
    ]
    taken: list[tuple[int, int]] = []
    for ends in sorted(minimal):
        if not taken or ends[0] > taken[-1][1]:
            taken.append(ends)
    return taken


def test_spans_are_those_of_the_definition() -> None:
    terms = [Term("a"), Term("b"), Term("ab"), Term("ab", prefix=True)]
    chance = random.Random(3)
    multiple = 0
    for _ in range(6000):
        text = chance.choices(["a", "b", "ab", "abc"], k=chance.randint(0, 11))
        wanted = chance.choices(terms, k=chance.choice([1, 2, 2, 3, 3]))
        slop = chance.choice([0, 0, 1, 2, 3])
        matching = positions(text, wanted)
        expected = defined(matching, slop)
        assert [(span[0], span[-1]) for span in spans(matching, slop)] == expected, (text, wanted, slop)
        multiple += len(expected) > 1
    assert multiple > 800


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("the the the", phrase("the the"), [(0, 1)]),
        ("the the the the", phrase("the the"), [(0, 1), (2, 3)]),
        ("a b a b a", phrase("a b a"), [(0, 1, 2)]),
        ("a a b", phrase("a b", slop=1), [(1, 2)]),  # minimal: the later a
        ("a x b b", phrase("a b", slop=2), [(0, 2)]),  # minimal: the earlier b
        ("a x x b", phrase("a x b", slop=1), [(0, 1, 3)]),  # inside, as early as can be
        ("a b x b c", phrase("a b c", slop=2), [(0, 1, 4)]),
        ("a x y z b", phrase("a b", slop=2), []),
        ("a x b y c", phrase("a b c", slop=1), []),  # slop counts in all
        ("b a", phrase("a b", slop=5), []),  # in this order
        ("the then they", phrase("the* then the*"), [(0, 1, 2)]),
        ("then", phrase("the* then"), []),  # one word stands for one term
        ("human humans humane", phrase("human*"), [(0,), (1,), (2,)]),
        ("", phrase("a"), []),
    ],
)
def test_known_spans(text: str, wanted: Phrase, expected: list[tuple[int, ...]]) -> None:
    assert find(words(text), wanted) == expected


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("the/then.3 cat", phrase("then cat"), [(0, 1, 300)]),
        ("the/then.3 cat", phrase("the cat"), [(0, 1, 900)]),
        ("the/then.3 cat/cats.2/hat.1 sat", phrase("then hat sat"), [(0, 2, 100)]),
        ("the/then.3/they.95 cat", phrase("the*"), [(0, 0, 950)]),  # the most confident reading that matches, …
        ("a/then.3/they.2 cat", phrase("the*"), [(0, 0, 300)]),
        ("the/then.9 cat", phrase("the*"), [(0, 0, 900)]),  # … the first of those
        ("a/b.5 b/a.4", phrase("a b"), [(0, 1, 900)]),
        ("a/b.5 b/a.4", phrase("b a"), [(0, 1, 400)]),
        ("a/b.5", phrase("a b"), []),  # one position stands for one term
        ("a/b.5 a/b.5 a/b.5", phrase("a b"), [(0, 1, 500)]),
        ("a/b.5 c b", phrase("a b", slop=1), [(0, 2, 900)]),
        ("a b/a.5 c b", phrase("a b", slop=2), [(0, 1, 900)]),
    ],
)
def test_alternatives(text: str, wanted: Phrase, expected: list[tuple[int, int, int]]) -> None:
    transcript = words(text)
    spans = find(transcript, wanted)
    assert [(span[0], span[-1], confidence(transcript, wanted, span)) for span in spans] == expected


def test_hits_carry_the_readings_that_matched() -> None:
    """Readings replace words only at the positions of terms of the phrase that gave the confidence."""
    transcript = words("x/y.5 the/then.3 old/cold.2 cat/cap.1/cats.6 z/q.5")
    recording = Recording("id", (Location("/a", 1, 1),), 9.0, "model", "now")

    def shown(confidence: int, *phrases: Phrase) -> list[tuple[str, float]]:
        hit = build_hit(recording, Match(1, 1, 3, confidence), transcript, Query(phrases))
        assert isinstance(hit, Hit)
        assert (hit.before, hit.after, hit.way) == ((transcript[0],), (transcript[4],), "words")
        assert (hit.start, hit.end, hit.confidence) == (1.0, 4.0, confidence / 1000)
        assert [word.alternatives for word in hit.words] == [word.alternatives for word in transcript[1:4]]
        return [(word.text, word.confidence) for word in hit.words]

    slack = phrase("then cats", slop=1)
    assert shown(300, slack) == [("then", 0.3), ("old", 0.9), ("cats", 0.6)]
    assert shown(300, phrase("q"), slack, phrase("the old cat")) == [("then", 0.3), ("old", 0.9), ("cats", 0.6)]
    assert shown(900, slack, phrase("the old cat")) == [("the", 0.9), ("old", 0.9), ("cat", 0.9)]
    assert shown(600, phrase("the old ca*"), phrase("the ol* cats")) == [("the", 0.9), ("old", 0.9), ("cats", 0.6)]
    assert shown(100, phrase("the old cap"), phrase("the* old cap")) == [("the", 0.9), ("old", 0.9), ("cap", 0.1)]


def test_contiguous_spans_equal_spans_without_slop() -> None:
    for text in product("ab", repeat=8):
        for wanted in (phrase("a"), phrase("a a"), phrase("a b a"), phrase("a a a")):
            pattern = [term.text for term in wanted.terms]
            starts = [at for at in range(8) if list(text[at : at + len(pattern)]) == pattern]
            assert contiguous_spans(starts, len(pattern)) == find(
                [Word(letter, 0.0, 1.0, 1.0) for letter in text], wanted
            )


def test_grades() -> None:
    edges = {0: 0, 499: 0, 500: 1, 699: 1, 700: 2, 849: 2, 850: 3, 949: 3, 950: 4, 1000: 4}
    assert {confidence: grade_of(confidence) for confidence in edges} == edges


def test_duplicate_spans_keep_the_highest_confidence() -> None:
    matches = [Match(1, 4, 5, 900), Match(1, 4, 5, 950), Match(1, 4, 6, 100), Match(1, 4, 5, 0), Match(2, 4, 5, 1)]
    assert deduplicate(matches) == [Match(1, 4, 5, 950), Match(1, 4, 6, 100), Match(2, 4, 5, 1)]
    assert deduplicate(iter(())) == []


def test_proximity_filter_equals_brute_force_over_gaps() -> None:
    """Only the two nearest matches are examined; times are in order, and may overlap."""
    chance = random.Random(4)
    a, b = phrase("a"), phrase("b")
    for _ in range(300):
        starts, ends = (sorted(chance.randrange(60) for _ in range(12)) for _ in range(2))
        times = [(start, max(start, end)) for start, end in zip(starts, ends, strict=True)]
        spans, position = [], chance.randrange(4)
        while position < 12:
            spans.append((position, min(position + chance.randrange(3), 11)))
            position = spans[-1][1] + chance.randrange(1, 6)
        gap = chance.randrange(9)

        def of(first: int, last: int, times: list[tuple[int, int]] = times) -> tuple[int, int]:
            return times[first][0], times[last][1]

        near = proximity_filter(Query((a,), ((b,),), (), gap / 1000), {b: spans}, of)
        far = proximity_filter(Query((a,), (), (b,), gap / 1000), {b: spans}, of)
        for first in range(11):
            for last in (first, first + 1):
                start, end = of(first, last)
                gaps = [max(of(*span)[0] - end, start - of(*span)[1], 0) for span in spans]
                assert near(first, last) == (min(gaps, default=99) <= gap)
                assert far(first, last) != near(first, last)
