"""Words as tokens of FTS5, and phrases as queries of FTS5.

Each position of a recording has a token for each reading (``matching/match.py``): the word itself. That is enough for
rare words. Words that are common when the recording is added (``lexicon.py``) have further tokens, which begin with
the mark of a grade of confidence (``matching/grades.py``): two adjacent common words are one token, of the lower of
their grades, and all occurrences of a common word of one grade in the recording are one token, at its first position:

    the            cat            sat                      the and cat are common
    "the"          "cat"          "sat"
    "³the cat"
    "⁴the"
    "³cat"

A frequent phrase is found by reading one posting list, confident matches apart from the others. FTS5 gets the tokens of
a recording, or of a phrase, as one text, in which POSITION_SEPARATOR divides positions and TOKEN_SEPARATOR the tokens
at one of them; in a phrase, these are alternatives. No word contains any of these characters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise, zip_longest

from audiosearch.types import Word
from indexer.matching import match
from indexer.matching.grades import ALL_GRADES, MARKS, marked_readings
from indexer.matching.match import Span
from indexer.types import Phrase, Term

POSITION_SEPARATOR, TOKEN_SEPARATOR = "\n", "\t"


def document(words: Iterable[Word], common: Collection[str]) -> str:
    """Words of a recording, in stored precision, as text for FTS5."""
    readings = [marked_readings(word) for word in words]
    positions = []
    for current, following in zip_longest(readings, readings[1:], fillvalue=()):
        tokens = [text for text, _ in current]
        for text, mark in current:
            if text in common:
                tokens += [f"{min(mark, mark_)}{text} {text_}" for text_, mark_ in following if text_ in common]
        positions.append(tokens)
    if positions:
        positions[0] += sorted({mark + text for current in readings for text, mark in current if text in common})
    return POSITION_SEPARATOR.join(map(TOKEN_SEPARATOR.join, positions))


def split(text: str) -> list[tuple[str, ...]]:
    """Tokens at each position of a text for FTS5."""
    return [tuple(tokens.split(TOKEN_SEPARATOR)) for tokens in text.split(POSITION_SEPARATOR)] if text else []


def fts_query(phrase: Phrase, common: Collection[str] = (), grades: Iterable[int] = ALL_GRADES) -> tuple[str, int]:
    """FTS5 query for recordings in which a phrase may match, and the number of FTS5 phrases in it.

    Args:
        common: words that are common in all recordings searched.
        grades: of tokens of two words.
    """
    if phrase.is_contiguous:
        *terms, last = phrase.terms
        tokens = [term.text for term in terms]
        ending = [last.text]
        for index, (first, second) in enumerate(adjacent_words(phrase)):
            if first in common and second in common:
                tokens[index] = TOKEN_SEPARATOR.join(f"{MARKS[grade]}{first} {second}" for grade in grades)
                ending = [] if index == len(terms) - 1 else ending
        return _fts_string([*tokens, *ending], last.prefix), 1
    distinct = list(dict.fromkeys(phrase.terms))
    strings = [_fts_string([term.text], term.prefix) for term in distinct]
    # FTS5 counts the words between the first and the last, and returns those positions that are near enough.
    return f"NEAR({' '.join(strings)}, {phrase.slop + len(phrase.terms) - 2})", len(distinct)


def adjacent_words(phrase: Phrase) -> list[tuple[str, str]]:
    """Pairs of words of a phrase that are one token if both are common."""
    if not phrase.is_contiguous:
        return []
    return [(first.text, second.text) for first, second in pairwise(phrase.terms) if not second.prefix]


def fts_query_for_grade(phrase: Phrase, grade: int) -> str:
    """FTS5 query for recordings in which a phrase of common words may match with a grade.

    At the positions that the first phrase of the query has, a phrase of one word matches with any grade, one of two
    words with this grade, and a longer one with this grade or a better one.
    """
    if len(phrase.terms) > 1:
        common = {term.text for term in phrase.terms}
        return fts_query(phrase, common, [grade] if len(phrase.terms) == 2 else ALL_GRADES[grade:])[0]
    (term,) = phrase.terms
    return f"{_fts_string([term.text], False)} AND {_fts_string([MARKS[grade] + term.text], False)}"


def spans_from_positions(phrase: Phrase, positions: Sequence[Sequence[int]]) -> list[Span]:
    """Matches of a phrase in a recording, from the start positions of the phrases of ``fts_query``."""
    if phrase.is_contiguous:
        return match.contiguous_spans(_distinct(phrase.terms[-1], positions[0]), len(phrase.terms))
    distinct = dict.fromkeys(phrase.terms)
    by_term = {term: _distinct(term, starts) for term, starts in zip(distinct, positions, strict=True)}
    return match.spans([by_term[term] for term in phrase.terms], phrase.slop)


def _distinct(term: Term, positions: Sequence[int]) -> Sequence[int]:
    """Each position once: several readings of one position may begin with a prefix."""
    return list(dict.fromkeys(positions)) if term.prefix else positions


def _fts_string(positions: Iterable[str], prefix: bool) -> str:
    """FTS5 string literal, in which no character is syntax."""
    return '"' + POSITION_SEPARATOR.join(positions).replace('"', '""') + ('" *' if prefix else '"')
