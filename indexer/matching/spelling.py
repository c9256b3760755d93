"""Words that are spelled nearly like another, for a query that finds nothing.

Distance is Levenshtein's: letters put in, left out or replaced. A word of n letters that is k edits away from another
keeps one of k + 1 pieces of it whole, moved by at most k places; stores use that to pass over most of their words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, takewhile


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word that a near word keeps.

    Args:
        text: its letters.
        first: earliest place of it in the near word, from 0.
        end: the place after the latest letter that it can have there.
    """

    text: str
    first: int
    end: int


def allowed(word: str) -> int:
    """Edits that still make a near word."""
    return 0 if len(word) < 3 else 1 if len(word) < 6 else 2


def pieces(word: str) -> tuple[Piece, ...]:
    """Parts of a word of which every near word has at least one."""
    edits = allowed(word)
    borders = [len(word) * piece // (edits + 1) for piece in range(edits + 2)]
    return tuple(Piece(word[first:end], max(first - edits, 0), end + edits) for first, end in pairwise(borders))


def distance(word: str, other: str) -> int:
    """Edits between two words, by bit-parallel steps (Hyyrö 2003, after Myers 1999)."""
    if not word:
        return len(other)
    where: dict[str, int] = {}
    for place, letter in enumerate(word):
        where[letter] = where.get(letter, 0) | 1 << place
    top = 1 << len(word) - 1
    mask = (top << 1) - 1
    more, less, edits = mask, 0, len(word)
    for letter in other:
        equal = where.get(letter, 0) | less
        diagonal = ((equal & more) + more ^ more) | equal
        up, down = less | ~(diagonal | more) & mask, more & diagonal
        if up & top:
            edits += 1
        elif down & top:
            edits -= 1
        up = (up << 1 | 1) & mask
        down = down << 1 & mask
        more, less = down | ~(diagonal | up) & mask, up & diagonal
    return edits


def nearest(word: str, candidates: Iterable[str], limit: int) -> list[str]:
    """The near words among the candidates: by distance, then letters shared at the beginning, then a to z."""
    edits = allowed(word)
    ranked = []
    for other in candidates:
        if other != word and abs(len(other) - len(word)) <= edits:
            apart = distance(word, other)
            if apart <= edits:
                shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
                ranked.append((apart, -shared, other))
    return [other for _, _, other in sorted(ranked)[: max(limit, 0)]]
