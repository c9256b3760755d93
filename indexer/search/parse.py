"""What somebody types → a query, its phrases normalized as transcripts are. Nothing in a text is syntax but *."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from audiosearch.errors import QueryError
from audiosearch.normalizer import normalize
from audiosearch.types import Seconds
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, MIN_PREFIX, Filter, Order, Phrase, Query, Term

MAX_CHARACTERS = 10_000
"""Of one text; nobody types so much."""

_STAR = re.compile(r"(?<=[\w'’])\*+(?!\w)")
_EDGES = ".,;:!?…()[]\"“”„«»'‘’"


@dataclass(frozen=True, slots=True)
class Reading:
    """A query, and how its texts were read.

    Args:
        query: with a phrase for each text, repetitions left out.
        notes: a sentence for each text that was read otherwise than it was typed, beyond case and marks at its words.
    """

    query: Query
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
) -> Reading:
    """The query that was typed. A word that ends in * stands for all words that begin so.

    Args:
        slop: words that may lie between the words of a phrase, all together.
        together: texts that must be said too.
        without: texts that may not be said.
        within: how near to a hit that counts; None: anywhere in its recording.
        wanted: recordings that count; None: all.

    Raises:
        QueryError: nothing to look for, too much of it, or a number out of range.
    """
    if not 0 <= slop <= MAX_SLOP:
        raise QueryError(f"slop must be from 0 to {MAX_SLOP}, not {slop}")
    if not texts:
        raise QueryError("there is nothing to look for: give a word or a phrase")
    if within is not None and not (math.isfinite(within) and within >= 0):
        raise QueryError(f"how near a phrase must be is a number of seconds from 0 on, not {within}")
    notes: dict[str, None] = {}
    phrases, others, unwanted = (_phrases(some, slop, notes) for some in (texts, together, without))
    return Reading(Query(phrases, others, unwanted, within, wanted or Filter(), order), tuple(notes))


def parse_date(text: str) -> int:
    """Nanoseconds since 1970 of a date, at its first moment, or of a date and time; local time where it names no zone.

    Raises:
        QueryError: it is no date.
    """
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip())).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise QueryError(f"{_shown(text)} is no date: write it as 2024-05-31, or 2024-05-31T18:30") from error
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000


def _phrases(texts: Sequence[str], slop: int, notes: dict[str, None]) -> tuple[Phrase, ...]:
    """A phrase for each text, each once; what is to be said about the texts goes into ``notes``."""
    phrases: dict[Phrase, None] = {}
    for text in texts:
        terms = _terms(text)
        if not terms:
            raise QueryError(f"there is no word to look for in {_shown(text)}: give letters a to z or numbers")
        if len(terms) > MAX_TERMS:
            raise QueryError(f"a phrase has up to {MAX_TERMS} words, not {len(terms)}: {_shown(text)}")
        if max(len(term.text) for term in terms) > MAX_LETTERS:
            raise QueryError(f"a word has up to {MAX_LETTERS} letters: {_shown(text)}")
        phrases[Phrase(terms, slop)] = None
        read = " ".join(term.text + "*" * term.prefix for term in terms)
        if read != _plain(text):
            notes[f'{_shown(text)} is read as "{read}"'] = None
    return tuple(phrases)


def _terms(text: str) -> tuple[Term, ...]:
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"a phrase has up to {MAX_TERMS} words, this one is {len(text)} characters long: {_shown(text)}"
        )
    terms: list[Term] = []
    *starred, rest = _STAR.split(text)
    for part in starred:
        words = normalize(part).split()
        if not normalize(part.split()[-1]):
            # What stood before the * has no letters of ours, so that the * says nothing about the word before it.
            terms.extend(map(Term, words))
            continue
        if len(words[-1]) < MIN_PREFIX:
            raise QueryError(f'"{words[-1]}*" matches too much: give at least {MIN_PREFIX} letters before the *')
        terms.extend(map(Term, words[:-1]))
        terms.append(Term(words[-1], prefix=True))
    terms.extend(map(Term, normalize(rest).split()))
    return tuple(terms)


def _plain(text: str) -> str:
    """What was typed, without what nobody needs to be told: case, spaces, and marks around words."""
    words = (word.strip(_EDGES) for word in text.lower().replace("’", "'").split())
    return " ".join(word for word in words if word)


def _shown(text: str) -> str:
    """A typed text in quotes, cut to a line."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= 60 else line[:59] + "…"}"'
