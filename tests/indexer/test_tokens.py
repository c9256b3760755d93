"""Words as tokens of FTS5, and phrases as its queries."""

from __future__ import annotations

import pytest

from indexer import match, tokens
from indexer.types import Phrase, Term


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


def shown(text: str) -> str:
    """With readable marks."""
    for grade, mark in enumerate(tokens.MARKS):
        text = text.replace(mark, f"[{grade}]")
    return text.replace("\n", "|").replace("\t", "/")


def test_tokens_of_a_recording() -> None:
    document = tokens.document(["the", "cat", "sat"], [1000, 850, 499])
    assert shown(document) == "the[4]/ the cat[3]|cat[3]/ cat sat[0]|sat[0]"
    assert tokens.split(document)[1] == ("cat\x04", " cat sat\x01")
    assert shown(tokens.document(["alone"], [700])) == "alone[2]"
    assert tokens.document([], []) == ""
    assert len(tokens.MARKS) == len(match.GRADES) + 1


@pytest.mark.parametrize(
    ("text", "slop", "query", "parts"),
    [
        ("cat", 0, '"cat[3]/cat[4]"', 1),
        ("cat", 5, '"cat[3]/cat[4]"', 1),
        ("the cat", 0, '" the cat[3]/ the cat[4]"', 1),
        ("the cat sat", 0, '" the cat[3]/ the cat[4]| cat sat[3]/ cat sat[4]"', 1),
        ("ca*", 0, '"ca" *', 1),
        ("the ca*", 0, '" the ca" *', 1),
        ("the ca* sat", 0, 'NEAR("the[3]/the[4]" "ca" * "sat[3]/sat[4]", 1)', 3),
        ("the cat", 2, 'NEAR("the[3]/the[4]" "cat[3]/cat[4]", 2)', 2),
        ("the the", 2, 'NEAR("the[3]/the[4]", 2)', 1),
        ('"', 0, '"""[3]/""[4]"', 1),
    ],
)
def test_queries(text: str, slop: int, query: str, parts: int) -> None:
    asked, count = tokens.asked(phrase(text, slop), [3, 4])
    assert (shown(asked), count) == (query, parts)


def test_only_phrases_that_cannot_overlap_themselves_are_graded() -> None:
    for text in ("a", "a b", "a b c", "a a b"):
        assert tokens.is_graded(phrase(text))
    for text in ("a a", "a b a", "a b a b", "ab*", "a ab*"):
        assert not tokens.is_graded(phrase(text))
    assert not tokens.is_graded(phrase("a b", slop=1))
    assert [tokens.is_one_token(phrase(text)) for text in ("a", "a b", "a b c")] == [True, True, False]
