"""Words as tokens of FTS5, and phrases as what it is asked for.

Each position of a recording holds two tokens, of the word and of the word with the one after it. Each ends in a mark of
its grade of confidence (``match.py``), that of the less sure word for two; tokens of two words begin with a space:

    the            cat            sat
    "the⁴"         "cat³"         "sat⁴"
    " the cat³"    " cat sat³"

So two words are found by one token, however often each of them is said, and the sure hits without the others. Prefixes
end before the mark. FTS5 gets the tokens of a recording, or of a phrase, as one text, in which PLACE divides positions
and TOGETHER the tokens at one of them; in a phrase, these are alternatives. No word holds any of these characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from indexer import match
from indexer.match import Span
from indexer.types import Phrase, Term

PLACE, TOGETHER = "\n", "\t"

MARKS = "\x01\x02\x03\x04\x05"
"""Of the grades from 0 on."""

EVERY_GRADE = range(len(MARKS))


def document(texts: Sequence[str], confidences: Iterable[int]) -> str:
    """The words of a recording, with confidences in thousandths, as FTS5 gets them."""
    marks = [_MARK_OF[confidence] for confidence in confidences]
    places = [
        f"{one}{mark}\t {one} {other}{mark if mark < following else following}"
        for (one, other), (mark, following) in zip(pairwise(texts), pairwise(marks), strict=True)
    ]
    places += [text + mark for text, mark in zip(texts[-1:], marks[-1:], strict=True)]
    return PLACE.join(places)


def split(text: str) -> list[tuple[str, ...]]:
    """The tokens at each position."""
    return [tuple(place.split(TOGETHER)) for place in text.split(PLACE)]


def asked(phrase: Phrase, grades: Iterable[int] = EVERY_GRADE) -> tuple[str, int]:
    """The query of FTS5 for recordings in which a phrase may match, and how many phrases of FTS5 it has.

    Args:
        grades: those of the tokens; fewer only where ``is_graded``.
    """
    if is_adjacent(phrase):
        *texts, last = _texts(phrase.terms)
        places = [_alternatives(text, grades) for text in texts]
        prefix = phrase.terms[-1].prefix
        return _string([*places, last if prefix else _alternatives(last, grades)], prefix), 1
    distinct = list(dict.fromkeys(phrase.terms))
    strings = [
        _string([term.text if term.prefix else _alternatives(term.text, grades)], term.prefix) for term in distinct
    ]
    # FTS5 counts the words between the first and the last, and keeps of the positions those that are near enough.
    return f"NEAR({' '.join(strings)}, {phrase.slop + len(phrase.terms) - 2})", len(distinct)


def chosen(phrase: Phrase, positions: Sequence[Sequence[int]]) -> list[Span]:
    """The matches of a phrase in a recording, from where the phrases of FTS5 that were asked for begin."""
    if is_adjacent(phrase):
        return match.adjacent(positions[0], len(phrase.terms))
    by_term = dict(zip(dict.fromkeys(phrase.terms), positions, strict=True))
    return match.spans([by_term[term] for term in phrase.terms], phrase.slop)


def is_adjacent(phrase: Phrase) -> bool:
    """Whether FTS5 finds a phrase by itself: terms without slop, of which only the last may be a prefix."""
    alone = len(phrase.terms) == 1
    return alone or (not phrase.slop and not any(term.prefix for term in phrase.terms[:-1]))


def is_graded(phrase: Phrase) -> bool:
    """Whether FTS5 finds the matches of a phrase of some grades: exact words that cannot overlap themselves.

    Of matches that overlap the first is chosen, of whatever grade.
    """
    if not is_adjacent(phrase) or phrase.terms[-1].prefix:
        return False
    return not any(phrase.terms[shift:] == phrase.terms[:-shift] for shift in range(1, len(phrase.terms)))


def is_one_token(phrase: Phrase) -> bool:
    """Whether a token stands for the whole phrase, so that its grade is that of the match."""
    return is_graded(phrase) and len(phrase.terms) <= 2


def _texts(terms: Sequence[Term]) -> list[str]:
    """Of the tokens of a phrase, without mark."""
    if len(terms) == 1:
        return [terms[0].text]
    return [f" {one.text} {other.text}" for one, other in pairwise(terms)]


def _alternatives(text: str, grades: Iterable[int]) -> str:
    return TOGETHER.join(text + MARKS[grade] for grade in grades)


def _string(places: Iterable[str], prefix: bool) -> str:
    """A string of FTS5, in which nothing has a meaning."""
    return '"' + PLACE.join(places).replace('"', '""') + ('" *' if prefix else '"')


_MARK_OF = [MARKS[match.grade(confidence)] for confidence in range(1001)]
