"""What somebody types → phrases, normalised as transcripts are. Nothing in it is query syntax but *."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audiosearch.errors import QueryError
from audiosearch.text import normalise
from indexer.types import MAX_LETTERS, MAX_SLOP, MAX_TERMS, MIN_PREFIX, Phrase, Term

MAX_CHARACTERS = 10_000
"""Of one text; nobody types so much."""

_STAR = re.compile(r"(?<=[\w'’])\*+(?!\w)")
_EDGES = ".,;:!?…()[]\"“”„«»'‘’"


@dataclass(frozen=True, slots=True)
class Reading:
    """Phrases, and how they were read.

    Args:
        phrases: one for each text, repetitions left out.
        notes: a sentence for each text that was read otherwise than it was typed, beyond case and marks at its words.
    """

    phrases: tuple[Phrase, ...]
    notes: tuple[str, ...]


def parse(texts: Sequence[str], slop: int = 0) -> Reading:
    """The phrases that were typed. A word that ends in * stands for all words that begin so.

    Args:
        slop: words that may lie between the words of a phrase, all together.

    Raises:
        QueryError: nothing to look for, too much of it, or a slop out of range.
    """
    if not 0 <= slop <= MAX_SLOP:
        raise QueryError(f"slop must be from 0 to {MAX_SLOP}, not {slop}")
    if not texts:
        raise QueryError("there is nothing to look for: give a word or a phrase")
    phrases, notes = [], []
    for text in texts:
        terms = _terms(text)
        if not terms:
            raise QueryError(f"there is no word to look for in {_shown(text)}: give letters a to z or numbers")
        if len(terms) > MAX_TERMS:
            raise QueryError(f"a phrase has up to {MAX_TERMS} words, not {len(terms)}: {_shown(text)}")
        if max(len(term.text) for term in terms) > MAX_LETTERS:
            raise QueryError(f"a word has up to {MAX_LETTERS} letters: {_shown(text)}")
        phrases.append(Phrase(terms, slop))
        read = " ".join(term.text + "*" * term.prefix for term in terms)
        if read != _plain(text):
            notes.append(f'{_shown(text)} is read as "{read}"')
    return Reading(tuple(dict.fromkeys(phrases)), tuple(dict.fromkeys(notes)))


def _terms(text: str) -> tuple[Term, ...]:
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"a phrase has up to {MAX_TERMS} words, this one is {len(text)} characters long: {_shown(text)}"
        )
    terms: list[Term] = []
    *starred, rest = _STAR.split(text)
    for part in starred:
        words = normalise(part).split()
        if not normalise(part.split()[-1]):
            # What stood before the * has no letters of ours, so that the * says nothing about the word before it.
            terms.extend(map(Term, words))
            continue
        if len(words[-1]) < MIN_PREFIX:
            raise QueryError(f'"{words[-1]}*" matches too much: give at least {MIN_PREFIX} letters before the *')
        terms.extend(map(Term, words[:-1]))
        terms.append(Term(words[-1], prefix=True))
    terms.extend(map(Term, normalise(rest).split()))
    return tuple(terms)


def _plain(text: str) -> str:
    """What was typed, without what nobody needs to be told: case, spaces, and marks around words."""
    words = (word.strip(_EDGES) for word in text.lower().replace("’", "'").split())
    return " ".join(word for word in words if word)


def _shown(text: str) -> str:
    """A typed text in quotes, cut to a line."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= 60 else line[:59] + "…"}"'
