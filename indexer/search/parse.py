"""Parsing of typed texts in the query language (``query_language.py``) into a ``Query``.

Phrases are normalized like transcripts; a word with a trailing * matches all words with that prefix.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import chain

from audiosearch.errors import QueryError
from audiosearch.normalizer import normalize
from audiosearch.types import Seconds
from indexer.matching.filters import folded_voice, from_here
from indexer.search import query_language
from indexer.search.query_items import quoted
from indexer.search.query_language import MAX_CHARACTERS, TypedQuery
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, MIN_PREFIX, Filter, Order, Phrase, Query, Term

MAX_EQUAL_READINGS = 4
"""Readings of a text whose hits are ranked alike, and that are searched by sound."""

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
    resolve_path: Callable[[str], str] = from_here,
) -> ParsedQuery:
    """Parse typed texts, whose conditions hold in addition to those of the arguments.

    Args:
        slop: maximum number of other words between the words of a phrase.
        together: phrases that must match too.
        without: phrases that must not match.
        within: maximum distance of ``together`` and ``without`` from a hit; None: anywhere in its recording.
        wanted: filter of recordings; None: all.
        resolve_path: returns the absolute path or glob of a value of ``path:``.

    Raises:
        QueryError: no text, too much text, or a wrong value.
    """
    if not 0 <= slop <= MAX_SLOP:
        raise QueryError(f"slop must be from 0 to {MAX_SLOP}, not {slop}")
    if not texts:
        raise QueryError("the query is empty: give a word or a phrase")
    if within is not None and not (math.isfinite(within) and within >= 0):
        raise QueryError(f"the distance must be a number of seconds, at least 0, not {within}")
    read = query_language.read(texts)
    notes = dict.fromkeys(read.notes)
    sought, *required_texts = read.groups
    phrases = _phrases(sought, slop, notes)
    groups = [_phrases(group, slop, notes) for group in (*((text,) for text in together), *required_texts)]
    excluded = _phrases((*without, *read.without), slop, notes)
    typed = Query(
        tuple(phrases),
        tuple(dict.fromkeys(map(tuple, groups))),
        tuple(excluded),
        _distance(within, read.within, bool(groups or excluded), notes),
        _filter(wanted or Filter(), read, resolve_path),
        order,
        voices=tuple(dict.fromkeys(map(folded_voice, read.voices))),
    )
    usual, others = _all(phrases.values(), MAX_EQUAL_READINGS), _all(phrases.values())
    usual = tuple(
        phrase
        for phrase in usual
        if phrase in typed.phrases or not any(_is_part(phrase, whole) for whole in typed.phrases)
    )
    variants = tuple(phrase for phrase in others if phrase not in usual)
    query = replace(
        typed,
        phrases=usual,
        together=tuple(dict.fromkeys(_all(group.values()) for group in groups)),
        without=_all(excluded.values()),
        variants=variants,
    )
    return ParsedQuery(query, typed, tuple(notes))


def _distance(
    given: Seconds | None, typed: Seconds | None, is_conditional: bool, notes: dict[str, None]
) -> Seconds | None:
    """The distance of conditions, which is given or typed; adds to ``notes``."""
    if given is not None and typed is not None and given != typed:
        raise QueryError(f"the distance is given twice, as {given:g} and as within:{typed:g}: leave one out")
    if typed is not None and not is_conditional:
        notes["within: has no effect: it is the distance from a hit to other phrases or to -words"] = None
    return given if typed is None else typed


def _filter(given: Filter, read: TypedQuery, resolve_path: Callable[[str], str]) -> Filter:
    """Filter that also holds the paths and dates of a typed query."""
    paths = tuple(dict.fromkeys(map(resolve_path, read.paths)))
    times = []
    for name, text in (("since", read.since), ("until", read.until)):
        try:
            times.append(None if text is None else parse_date(text))
        except QueryError as error:
            raise QueryError(f"{name}: {error}") from error
    since, until = times
    return replace(
        given,
        paths=given.paths or paths,
        and_paths=paths if given.paths else (),
        since_ns=max((time for time in (given.since_ns, since) if time is not None), default=None),
        until_ns=min((time for time in (given.until_ns, until) if time is not None), default=None),
    )


def parse_date(text: str) -> int:
    """Nanoseconds since 1970 of a year, month or date (its beginning), or of a date and time.

    Local time if no zone is given.

    Raises:
        QueryError: not a date.
    """
    complete = text.strip()
    if re.fullmatch("[0-9]{4}(-[0-9]{2})?", complete):
        complete += "-01" if "-" in complete else "-01-01"
    # Python 3.10 reads neither Z nor fractions other than of three or six digits.
    complete = re.sub(r"\.(\d{1,6})(?=$|[+-])", lambda match: f".{match[1]:0<6}", re.sub("[zZ]$", "+00:00", complete))
    try:
        moment = datetime.fromisoformat(complete).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise QueryError(f"{quoted(text)} is not a date: write it as 2024-05-31, or 2024-05-31T18:30") from error
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
            raise QueryError(f"there is no word to search for in {quoted(text)}: use the letters a to z or numbers")
        if len(terms) > MAX_TERMS:
            raise QueryError(f"a phrase has at most {MAX_TERMS} words, not {len(terms)}: {quoted(text)}")
        if max(len(term.text) for term in terms) > MAX_LETTERS:
            raise QueryError(f"a word has at most {MAX_LETTERS} letters: {quoted(text)}")
        phrase = Phrase(terms, slop)
        readings = map(_terms, _readings_of_numbers(text))
        phrases[phrase] = phrase, *(Phrase(reading, slop) for reading in readings if 0 < len(reading) <= MAX_TERMS)
        normalized = phrase.text
        if normalized != _without_punctuation(text):
            notes[f'{quoted(text)} is read as "{normalized}"'] = None
    return phrases


def _readings_of_numbers(text: str) -> list[str]:
    if not any(map(str.isnumeric, text)):
        return []
    from indexer.search.written_numbers import readings  # takes long to import

    return readings(text)


def _terms(text: str) -> tuple[Term, ...]:
    if len(text) > MAX_CHARACTERS:
        raise QueryError(f"a phrase has at most {MAX_TERMS} words, not {len(text)} characters: {quoted(text)}")
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
