"""Other spellings of the words of a query, as far as the index holds them.

A recognizer, or whoever typed a transcript, may have written e mail, email, dont, don't, usa, u s a. The words of a
phrase are joined and split, apostrophes are put in and left out, initialisms are spelled out, and numbers in words have
their other readings. The index is asked once for all such pieces, and a second time for phrases that are more than one
piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations, pairwise

from indexer.index import Index
from indexer.search import number_readings, units
from indexer.types import MAX_LETTERS, MAX_TERMS, MIN_PREFIX, Phrase, Query, Term

MAX_VARIANTS = 12
"""Variants of a phrase."""

MAX_PIECES = 400
"""Pieces of a query for which the index is asked."""

MAX_REPLACED = 3
"""Pieces of a phrase that are spelled otherwise at once."""

_FUNCTION_WORDS = frozenset(
    re.findall(
        "[a-z]+",
        "a an the i is was it he she we they of and or as at by do go has had her his my me us so if am are were our "
        "your you that this than then who what",
    )
)
"""Words that are no part of a compound, and no initialism: a way is not away."""

_NO_PART = _FUNCTION_WORDS | {"no", "now", "here", "for"}
"""Words into which no word is split: nowhere is not now here."""

_FIRST_LETTERS = frozenset("bcdegktuvx")
"""Letters with which a compound begins: e mail, t shirt, x ray."""

_AFTER_I = frozenset(("phone", "pad", "pod", "tunes", "cloud", "mac", "os", "message", "movie", "player"))

_INITIALISMS = frozenset(
    re.findall(
        "[a-z]+",
        "usa uk ok eu un uae nato nasa fbi cia ceo cfo cto cio coo ai api url usb cpu gpu ui ux atm faq diy rsvp asap "
        "iq id ip io ios aids opec gop ira ufo isbn ieee iso abc aka eta hiv aol aaa afl aclu adhd epa fda faa irs isp "
        "iot mba nba nfl nra ngo oecd oem pga ppe roi sec seo sos ssl tnt uae unesco uhf usda usps utc uv vip voip wto",
    )
)
"""Initialisms with vowels; words without one are initialisms too."""

_VOWELS = frozenset("aeiouy")

_ENDINGS = ("s", "t", "d", "m", "ll", "ve", "re")
"""Ends of words after an apostrophe."""

_BEGINNINGS = ("o", "d", "l")
"""Beginnings of words before an apostrophe."""


_Piece = tuple[int, int, str]
"""First term, end, and their other spelling."""


def with_variants(index: Index, query: Query) -> Query:
    """The query with the variants of its phrases and conditions that may occur in the index."""
    phrases = dict.fromkeys((*query.sought, *query.required, *query.without))
    pieces = {phrase: list(_pieces(phrase.terms)) for phrase in phrases}
    spellings = {spelling: None for of_phrase in pieces.values() for *_, spelling in of_phrase}
    found = set(index.occurring(list(spellings)[:MAX_PIECES])) if spellings else set()
    if not found:
        return query
    variants = {phrase: _variants(phrase, pieces[phrase], found) for phrase in phrases}
    for slop in {phrase.slop for phrase in phrases}:
        unsure = {other.text: None for of_phrase in variants.values() for other in of_phrase if other.slop == slop}
        asked = [text for text in unsure if slop or text not in found]
        occurring = (set() if slop else found) | set(index.occurring(asked, slop) if asked else ())
        variants |= {
            phrase: [other for other in variants[phrase] if other.text in occurring]
            for phrase in phrases
            if phrase.slop == slop
        }
    return _extended(query, variants)


def added(query: Query, extended: Query) -> tuple[Phrase, ...]:
    """Phrases that an extended query has in addition."""
    known = {*query.sought, *query.required, *query.without}
    phrases = dict.fromkeys((*extended.sought, *extended.required, *extended.without))
    return tuple(phrase for phrase in phrases if phrase not in known)


def _extended(query: Query, variants: Mapping[Phrase, Iterable[Phrase]]) -> Query:
    def with_own(phrases: Iterable[Phrase]) -> tuple[Phrase, ...]:
        return tuple(dict.fromkeys(other for phrase in phrases for other in (phrase, *variants[phrase])))

    return replace(
        query,
        variants=tuple(phrase for phrase in with_own(query.sought) if phrase not in query.phrases),
        together=tuple(map(with_own, query.together)),
        without=with_own(query.without),
    )


def _variants(phrase: Phrase, pieces: Iterable[_Piece], found: set[str]) -> list[Phrase]:
    """Phrase with one or more of the pieces that occur, the fewest first."""
    held = [piece for piece in pieces if piece[2] in found][:MAX_VARIANTS]
    variants: dict[Phrase, None] = {}
    for number in range(1, MAX_REPLACED + 1):
        for chosen in combinations(sorted(held, key=lambda piece: piece[0]), number):
            if all(end <= start for (_, end, _), (start, *_) in pairwise(chosen)):
                terms = list(phrase.terms)
                for first, end, spelling in reversed(chosen):
                    terms[first:end] = Phrase.of(spelling).terms
                if len(terms) <= MAX_TERMS:
                    variants[Phrase(tuple(terms), phrase.slop)] = None
            if len(variants) == MAX_VARIANTS:
                return list(variants)
    return list(variants)


def _pieces(terms: tuple[Term, ...]) -> Iterator[_Piece]:
    """Other spellings of parts of a phrase, the likeliest first."""
    words = tuple("" if term.prefix else term.text for term in terms)
    for first, end, readings in (*number_readings.respoken(words), *units.respelled(words)):
        for reading in readings:
            yield first, end, reading
    for first, end, joined in (*_joined(words), *_joined_letters(words)):
        yield first, end, joined
    for index, term in enumerate(terms):
        word = term.text
        if term.prefix:
            before = words[index - 1] if index else ""
            if _may_join(before, word) and len(before + word) <= MAX_LETTERS:
                yield index - 1, index + 1, f"{before}{word}*"
        else:
            for spelling in _apostrophes(word):
                yield index, index + 1, spelling
            if word == "n":
                yield index, index + 1, "and"
            if len(word) > 1 and (word in _INITIALISMS or (len(word) <= 6 and _VOWELS.isdisjoint(word))):
                yield index, index + 1, " ".join(word)
        for head, tail in _splits(word) if len(word) > MIN_PREFIX + 1 or not term.prefix else ():
            yield index, index + 1, f"{head} {tail}*" if term.prefix else f"{head} {tail}"


def _joined(words: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """Compounds of two or three adjacent words, and words around an apostrophe."""
    for index, (head, tail) in enumerate(pairwise(words)):
        if not head or not tail or len(head + tail) >= MAX_LETTERS:
            continue
        if (len(head) > 1 and tail in _ENDINGS) or (head in _BEGINNINGS and len(tail) > 1):
            yield index, index + 2, f"{head}'{tail}"
            yield index, index + 2, head + tail
        elif len(head + tail) > 2 and _may_join(head, tail):
            yield index, index + 2, head + tail
        if index + 2 < len(words) and words[index + 2] and 10 <= len(head + tail + words[index + 2]) <= MAX_LETTERS:
            yield index, index + 3, head + tail + words[index + 2]


def _may_join(head: str, tail: str) -> bool:
    if head == "i":
        return tail in _AFTER_I
    return bool(head and tail) and head not in _FUNCTION_WORDS and tail not in _FUNCTION_WORDS


def _joined_letters(words: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """Runs of letters as one word: u s a."""
    first = 0
    while first < len(words):
        end = first
        while end < len(words) and len(words[end]) == 1:
            end += 1
        joined = "".join(words[first:end])
        if 2 <= len(joined) <= 6 and joined not in _FUNCTION_WORDS:
            yield first, end, joined
        first = end + 1


def _apostrophes(word: str) -> Iterator[str]:
    """Spellings with an apostrophe more or less."""
    if "'" in word:
        yield word.replace("'", "")
        yield word.replace("'", " ")
        return
    yield from (f"{word[: -len(end)]}'{end}" for end in _ENDINGS if word.endswith(end) and len(word) > len(end))
    if word.startswith(_BEGINNINGS) and len(word) > 3:
        yield f"{word[0]}'{word[1:]}"
        if word.endswith("s"):
            yield f"{word[0]}'{word[1:-1]}'s"
    if word.startswith(_BEGINNINGS) and len(word) > 4:
        yield f"{word[0]} {word[1:]}"


def _splits(word: str) -> Iterator[tuple[str, str]]:
    """Two words that are written as one."""
    if len(word) == 3 and _VOWELS.isdisjoint(word):
        yield word[:2], word[2]  # ph d
    if len(word) < 4 or "'" in word:
        return
    if word[0] in _FIRST_LETTERS or (word[0] == "i" and word[1:] in _AFTER_I):
        yield word[0], word[1:]
    for middle in range(2, len(word) - 1):
        head, tail = word[:middle], word[middle:]
        if head not in _NO_PART and tail not in _NO_PART:
            yield head, tail
