"""Parsing of typed text into a ``Query``. Text is normalized like transcripts; the only operator is a trailing *."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import chain

from audiosearch.errors import QueryError
from audiosearch.normalizer import normalize
from audiosearch.types import Seconds
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, MIN_PREFIX, Filter, Order, Phrase, Query, Term

MAX_EQUAL_READINGS = 4
"""Readings of a text whose hits are ranked alike, and that are searched by sound."""

MAX_CHARACTERS = 10_000
"""Characters of one typed text."""

_STAR = re.compile(r"(?<=[\w'’])\*+(?!\w)")
_EDGES = ".,;:!?…()[]\"“”„«»'‘’"


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query and notes on its normalization.

    Args:
        query: phrases of each text, one for each reading of its numbers, without duplicates; the less usual readings
            are variants.
        typed: the query with one reading of each text.
        notes: a sentence for each text whose normalized form differs in more than case and surrounding punctuation.
    """

    query: Query
    typed: Query
    notes: tuple[str, ...]


def parse(
    texts: Sequence[str],
    slop: int = 0,
    *,
    together: Sequence[str] = (),
    without: Sequence[str] = (),
    within: Seconds | None = None,
    wanted: Filter | None = None,
    order: Order = "confidence",
) -> ParsedQuery:
    """Parse typed texts. A word with a trailing * matches all words with that prefix.

    Args:
        slop: maximum number of other words between the words of a phrase.
        together: phrases that must match too.
        without: phrases that must not match.
        within: maximum distance of ``together`` and ``without`` from a hit; None: anywhere in its recording.
        wanted: filter of recordings; None: all.

    Raises:
        QueryError: no text, too much text, or a number out of range.
    """
    if not 0 <= slop <= MAX_SLOP:
        raise QueryError(f"slop must be from 0 to {MAX_SLOP}, not {slop}")
    if not texts:
        raise QueryError("the query is empty: give a word or a phrase")
    if within is not None and not (math.isfinite(within) and within >= 0):
        raise QueryError(f"the distance must be a number of seconds, at least 0, not {within}")
    notes: dict[str, None] = {}
    phrases, required, excluded = (_phrases(group, slop, notes) for group in (texts, together, without))
    wanted = wanted or Filter()
    typed = Query(tuple(phrases), tuple((phrase,) for phrase in required), tuple(excluded), within, wanted, order)
    usual, others = _all(phrases.values(), MAX_EQUAL_READINGS), _all(phrases.values())
    usual = tuple(
        phrase
        for phrase in usual
        if phrase in typed.phrases or not any(_is_part(phrase, whole) for whole in typed.phrases)
    )
    variants = tuple(phrase for phrase in others if phrase not in usual)
    query = replace(
        typed, phrases=usual, together=tuple(required.values()), without=_all(excluded.values()), variants=variants
    )
    return ParsedQuery(query, typed, tuple(notes))


def parse_date(text: str) -> int:
    """Nanoseconds since 1970 of a date (at midnight) or of a date and time; local time if no zone is given.

    Raises:
        QueryError: not a date.
    """
    # Python 3.10 reads neither Z nor fractions other than of three or six digits.
    complete = re.sub(
        r"\.(\d{1,6})(?=$|[+-])", lambda match: f".{match[1]:0<6}", re.sub("[zZ]$", "+00:00", text.strip())
    )
    try:
        moment = datetime.fromisoformat(complete).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise QueryError(f"{_quoted(text)} is not a date: write it as 2024-05-31, or 2024-05-31T18:30") from error
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000


def _is_part(phrase: Phrase, whole: Phrase) -> bool:
    """Return whether every match of ``whole`` holds one of ``phrase``, which is shorter: "five million"."""
    return phrase.slop == whole.slop and phrase != whole and f" {phrase.text} " in f" {whole.text} "


def _all(phrases: Iterable[tuple[Phrase, ...]], limit: int | None = None) -> tuple[Phrase, ...]:
    """The first ``limit`` readings of all texts, each once, the first of each text before the others."""
    readings = [of_text[:limit] for of_text in phrases]
    return tuple(dict.fromkeys([*(first for first, *_ in readings), *chain.from_iterable(readings)]))


def _phrases(texts: Sequence[str], slop: int, notes: dict[str, None]) -> dict[Phrase, tuple[Phrase, ...]]:
    """One phrase per text, without duplicates → this and its other readings; adds to ``notes``."""
    phrases: dict[Phrase, tuple[Phrase, ...]] = {}
    for text in texts:
        terms = _terms(text)
        if not terms:
            raise QueryError(f"there is no word to search for in {_quoted(text)}: use the letters a to z or numbers")
        if len(terms) > MAX_TERMS:
            raise QueryError(f"a phrase has at most {MAX_TERMS} words, not {len(terms)}: {_quoted(text)}")
        if max(len(term.text) for term in terms) > MAX_LETTERS:
            raise QueryError(f"a word has at most {MAX_LETTERS} letters: {_quoted(text)}")
        phrase = Phrase(terms, slop)
        readings = map(_terms, _readings_of_numbers(text))
        phrases[phrase] = phrase, *(Phrase(reading, slop) for reading in readings if 0 < len(reading) <= MAX_TERMS)
        normalized = phrase.text
        if normalized != _without_punctuation(text):
            notes[f'{_quoted(text)} is read as "{normalized}"'] = None
    return phrases


def _readings_of_numbers(text: str) -> list[str]:
    if not any(map(str.isnumeric, text)):
        return []
    from indexer.search.written_numbers import readings  # takes long to import

    return readings(text)


def _terms(text: str) -> tuple[Term, ...]:
    if len(text) > MAX_CHARACTERS:
        raise QueryError(f"a phrase has at most {MAX_TERMS} words, not {len(text)} characters: {_quoted(text)}")
    terms: list[Term] = []
    *starred, rest = _STAR.split(text)
    for part in starred:
        words = normalize(part).split()
        if not normalize(part.split()[-1]):
            # No letter of the alphabet stands before the *: it does not belong to the word before.
            terms.extend(map(Term, words))
            continue
        if len(words[-1]) < MIN_PREFIX:
            raise QueryError(f'"{words[-1]}*" matches too much: give at least {MIN_PREFIX} letters before the *')
        terms.extend(map(Term, words[:-1]))
        terms.append(Term(words[-1], prefix=True))
    terms.extend(map(Term, normalize(rest).split()))
    return tuple(terms)


def _without_punctuation(text: str) -> str:
    """The typed text in lower case, with single spaces and without punctuation around words."""
    words = (word.strip(_EDGES) for word in text.lower().replace("’", "'").split())
    return " ".join(word for word in words if word)


def _quoted(text: str) -> str:
    """A typed text in quotation marks, on one line, truncated."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= 60 else line[:59] + "…"}"'
