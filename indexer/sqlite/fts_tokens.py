"""Words as tokens of FTS5, and phrases as what it is asked for.

Each position of a recording holds a token of each reading (``match.py``), which is the word. That is enough where words
are rare. Those that are common when the recording is added (``sqlite_lexicon.py``) have further tokens, which begin
with a mark of their grade of confidence: two common words that follow one another are a token, of the lower grade, and
all that the recording has of a common word in some grade is one token, at its first position:

    the            cat            sat                      the and cat are common
    "the"          "cat"          "sat"
    "³the cat"
    "⁴the"
    "³cat"

So what is said often is found by one list, the sure hits without the others. FTS5 gets the tokens of a recording, or of
a phrase, as one text, in which PLACE divides positions and TOGETHER the tokens at one of them; in a phrase, these are
alternatives. No word holds any of these characters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise, zip_longest

from audiosearch.types import Word
from indexer.matching import match
from indexer.matching.match import Span
from indexer.types import Phrase, Term

PLACE, TOGETHER = "\n", "\t"

MARKS = "\x01\x02\x03\x04\x05"
"""Of the grades from 0 on."""

EVERY_GRADE = range(len(MARKS))


def document(words: Iterable[Word], common: Collection[str]) -> str:
    """The words of a recording, as they are stored, as FTS5 gets them."""
    readings = [_readings(word) for word in words]
    places = []
    for some, following in zip_longest(readings, readings[1:], fillvalue=()):
        tokens = [text for text, _ in some]
        for one, mark in some:
            if one in common:
                tokens += [f"{min(mark, mark_)}{one} {other}" for other, mark_ in following if other in common]
        places.append(tokens)
    if places:
        places[0] += sorted({mark + text for some in readings for text, mark in some if text in common})
    return PLACE.join(map(TOGETHER.join, places))


def split(text: str) -> list[tuple[str, ...]]:
    """The tokens at each position."""
    return [tuple(place.split(TOGETHER)) for place in text.split(PLACE)] if text else []


def asked(phrase: Phrase, common: Collection[str] = (), grades: Iterable[int] = EVERY_GRADE) -> tuple[str, int]:
    """The query of FTS5 for recordings in which a phrase may match, and how many phrases of FTS5 it has.

    Args:
        common: words that are common in the recordings that are asked for.
        grades: of tokens of two words.
    """
    if is_adjacent(phrase):
        *terms, last = phrase.terms
        places = [term.text for term in terms]
        ends = [last.text]
        for place, (one, other) in enumerate(pairs(phrase)):
            if one in common and other in common:
                places[place] = TOGETHER.join(f"{MARKS[grade]}{one} {other}" for grade in grades)
                ends = [] if place == len(terms) - 1 else ends
        return _string([*places, *ends], last.prefix), 1
    distinct = list(dict.fromkeys(phrase.terms))
    strings = [_string([term.text], term.prefix) for term in distinct]
    # FTS5 counts the words between the first and the last, and keeps of the positions those that are near enough.
    return f"NEAR({' '.join(strings)}, {phrase.slop + len(phrase.terms) - 2})", len(distinct)


def pairs(phrase: Phrase) -> list[tuple[str, str]]:
    """Words of a phrase that follow one another, and are a token where both are common."""
    if not is_adjacent(phrase):
        return []
    return [(one.text, other.text) for one, other in pairwise(phrase.terms) if not other.prefix]


def asked_of_grade(phrase: Phrase, grade: int) -> str:
    """The query of FTS5 for recordings in which a phrase of common words may match with a grade.

    Where the first phrase of FTS5 begins, one of one word matches with some grade, one of two words with that grade,
    and a longer one with that grade or a better one.
    """
    if len(phrase.terms) > 1:
        common = {term.text for term in phrase.terms}
        return asked(phrase, common, [grade] if len(phrase.terms) == 2 else EVERY_GRADE[grade:])[0]
    (term,) = phrase.terms
    return f"{_string([term.text], False)} AND {_string([MARKS[grade] + term.text], False)}"


def chosen(phrase: Phrase, positions: Sequence[Sequence[int]]) -> list[Span]:
    """The matches of a phrase in a recording, from where the phrases of FTS5 that were asked for begin."""
    if is_adjacent(phrase):
        return match.adjacent(_once(phrase.terms[-1], positions[0]), len(phrase.terms))
    distinct = dict.fromkeys(phrase.terms)
    by_term = {term: _once(term, places) for term, places in zip(distinct, positions, strict=True)}
    return match.spans([by_term[term] for term in phrase.terms], phrase.slop)


def _once(term: Term, places: Sequence[int]) -> Sequence[int]:
    """Each place once: several readings there may begin as a prefix does."""
    return list(dict.fromkeys(places)) if term.prefix else places


def is_adjacent(phrase: Phrase) -> bool:
    """Whether FTS5 finds a phrase by itself: terms without slop, of which only the last may be a prefix."""
    alone = len(phrase.terms) == 1
    return alone or (not phrase.slop and not any(term.prefix for term in phrase.terms[:-1]))


def is_exact(phrase: Phrase) -> bool:
    """Whether a phrase is of whole words, without slop: if they are common, it has grades."""
    return is_adjacent(phrase) and not phrase.terms[-1].prefix


def _readings(word: Word) -> list[tuple[str, str]]:
    """Text and mark of every reading."""
    marked = [(word.text, _MARK_OF[round(1000 * word.confidence)])]
    return marked + [(other.text, _MARK_OF[round(1000 * other.probability)]) for other in word.alternatives]


def _string(places: Iterable[str], prefix: bool) -> str:
    """A string of FTS5, in which nothing has a meaning."""
    return '"' + PLACE.join(places).replace('"', '""') + ('" *' if prefix else '"')


_MARK_OF = [MARKS[match.grade(confidence)] for confidence in range(1001)]
