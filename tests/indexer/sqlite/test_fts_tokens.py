"""Words as tokens of FTS5, and phrases as queries of FTS5."""

from __future__ import annotations

import pytest

from audiosearch.types import Alternative, Word
from indexer.matching import grades
from indexer.sqlite import fts_tokens
from indexer.types import Phrase, Term


def phrase(text: str, slop: int = 0) -> Phrase:
    return Phrase(tuple(Term(word.rstrip("*"), word.endswith("*")) for word in text.split()), slop)


def word(text: str, confidence: float, *alternatives: Alternative) -> Word:
    return Word(text, 0.0, 1.0, confidence, alternatives)


def shown(text: str) -> str:
    """With readable marks."""
    for grade, mark in enumerate(grades.MARKS):
        text = text.replace(mark, f"[{grade}]")
    return text.replace("\n", "|").replace("\t", "/")


def test_tokens_of_a_recording() -> None:
    words = [word("the", 1.0), word("cat", 0.85), word("sat", 0.499), word("the", 0.7)]
    assert shown(fts_tokens.document(words, ())) == "the|cat|sat|the"
    document = fts_tokens.document(words, {"the", "cat"})
    assert shown(document) == "the/[3]the cat/[2]the/[3]cat/[4]the|cat|sat|the"
    assert fts_tokens.split(document)[:2] == [("the", "\x04the cat", "\x03the", "\x04cat", "\x05the"), ("cat",)]
    words = [word("the", 1.0, Alternative("a", 0.5)), word("cat", 0.6, Alternative("hat", 0.96))]
    assert shown(fts_tokens.document(words, ())) == "the/a|cat/hat"
    assert shown(fts_tokens.document(words, {"a", "hat"})) == "the/a/[1]a hat/[1]a/[4]hat|cat/hat"
    assert fts_tokens.document([], ()) == ""
    assert fts_tokens.split("") == []
    assert len(grades.MARKS) == len(grades.THRESHOLDS) + 1


@pytest.mark.parametrize(
    ("text", "slop", "query", "parts"),
    [
        ("cat", 0, '"cat"', 1),
        ("cat", 5, '"cat"', 1),
        ("old cat", 0, '"old|cat"', 1),
        ("the cat", 0, '"[3]the cat/[4]the cat"', 1),
        ("the cat sat", 0, '"[3]the cat/[4]the cat|cat|sat"', 1),
        ("the cat the", 0, '"[3]the cat/[4]the cat|[3]cat the/[4]cat the"', 1),
        ("sat the cat", 0, '"sat|[3]the cat/[4]the cat"', 1),
        ("the old cat", 0, '"the|old|cat"', 1),
        ("the the", 0, '"[3]the the/[4]the the"', 1),
        ("ca*", 0, '"ca" *', 1),
        ("the ca*", 0, '"the|ca" *', 1),
        ("the cat*", 0, '"the|cat" *', 1),
        ("the ca* sat", 0, 'NEAR("the" "ca" * "sat", 1)', 3),
        ("the cat", 2, 'NEAR("the" "cat", 2)', 2),
        ("the the", 2, 'NEAR("the", 2)', 1),
        ('"', 0, '""""', 1),
    ],
)
def test_queries(text: str, slop: int, query: str, parts: int) -> None:
    expression, count = fts_tokens.fts_query(phrase(text, slop), {"the", "cat"}, [3, 4])
    assert (shown(expression), count) == (query, parts)


def test_queries_for_a_grade() -> None:
    assert shown(fts_tokens.fts_query_for_grade(phrase("cat"), 3)) == '"cat" AND "[3]cat"'
    assert shown(fts_tokens.fts_query_for_grade(phrase("the cat"), 3)) == '"[3]the cat"'
    assert (
        shown(fts_tokens.fts_query_for_grade(phrase("the cat sat"), 3))
        == '"[3]the cat/[4]the cat|[3]cat sat/[4]cat sat"'
    )


def test_only_phrases_of_whole_words_have_grades() -> None:
    for text in ("a", "a b", "a b c", "a a", "a b a"):
        assert phrase(text).is_exact
    for text in ("ab*", "a ab*", "ab* a"):
        assert not phrase(text).is_exact
    assert not phrase("a b", slop=1).is_exact
