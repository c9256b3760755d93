"""What matches: known answers, and the definition itself tried on small examples."""

from __future__ import annotations

import random
from itertools import combinations, product

import pytest

from indexer.match import Found, adjacent, best, find, positions, spans
from indexer.types import Phrase, Term


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


def defined(matching: list[list[int]], slop: int) -> list[tuple[int, int]]:
    """First and last positions of the chosen spans, word for word as match.py defines them."""
    everything = sorted({position for places in matching for position in places})
    found = {
        (chosen[0], chosen[-1])
        for chosen in combinations(everything, len(matching))
        if all(position in places for position, places in zip(chosen, matching, strict=True))
        and chosen[-1] - chosen[0] + 1 - len(matching) <= slop
    }
    minimal = [
        one for one in found if not any(one != other and one[0] <= other[0] <= other[1] <= one[1] for other in found)
    ]
    taken: list[tuple[int, int]] = []
    for one in sorted(minimal):
        if not taken or one[0] > taken[-1][1]:
            taken.append(one)
    return taken


def test_spans_are_those_of_the_definition() -> None:
    terms = [Term("a"), Term("b"), Term("ab"), Term("ab", prefix=True)]
    chance = random.Random(3)
    some = 0
    for _ in range(6000):
        text = chance.choices(["a", "b", "ab", "abc"], k=chance.randint(0, 11))
        wanted = chance.choices(terms, k=chance.choice([1, 2, 2, 3, 3]))
        slop = chance.choice([0, 0, 1, 2, 3])
        matching = positions(text, wanted)
        expected = defined(matching, slop)
        assert [(span[0], span[-1]) for span in spans(matching, slop)] == expected, (text, wanted, slop)
        some += len(expected) > 1
    assert some > 800


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
    assert find(text.split(), wanted) == expected


def test_adjacent_is_spans_without_slop() -> None:
    for text in product("ab", repeat=8):
        for wanted in (phrase("a"), phrase("a a"), phrase("a b a"), phrase("a a a")):
            words = [term.text for term in wanted.terms]
            starts = [at for at in range(8) if list(text[at : at + len(words)]) == words]
            assert adjacent(starts, len(words)) == find(text, wanted)


def test_order_and_repetitions() -> None:
    names = {1: ("/b", "x"), 2: ("/a", "y"), 3: ("/a", "z")}
    found = [
        Found(1, 4, 5, 900),
        Found(3, 0, 0, 900),
        Found(2, 7, 9, 900),
        Found(2, 7, 8, 900),
        Found(1, 4, 5, 950),  # the same span, found by another phrase
        Found(2, 0, 1, 100),
        Found(1, 0, 0, 999),
    ]
    ordered = [
        Found(1, 0, 0, 999),
        Found(1, 4, 5, 950),
        Found(2, 7, 8, 900),
        Found(2, 7, 9, 900),
        Found(3, 0, 0, 900),
        Found(2, 0, 1, 100),
    ]
    for limit in range(8):
        assert best(found, limit, names.__getitem__) == ordered[:limit]
        assert best(found[::-1], limit, names.__getitem__) == ordered[:limit]
