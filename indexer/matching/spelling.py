"""Words of similar spelling, suggested for queries without hits.

The distance is Levenshtein's: letters inserted, deleted or replaced. If two words are k edits apart, one of k + 1
pieces of the first occurs unchanged in the second, shifted by at most k letters; stores use that to skip most words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, takewhile


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a word that may occur unchanged in a similar word.

    Args:
        text: letters.
        first: index of the first letter in the similar word at which it may begin.
        end: index after the last letter at which it may end.
    """

    text: str
    first: int
    end: int


def max_edits(word: str) -> int:
    """Maximum distance of a similar word."""
    return 0 if len(word) < 3 else 1 if len(word) < 6 else 2


def pieces(word: str) -> tuple[Piece, ...]:
    """Parts of a word of which every similar word contains at least one."""
    edits = max_edits(word)
    borders = [len(word) * piece // (edits + 1) for piece in range(edits + 2)]
    return tuple(Piece(word[first:end], max(first - edits, 0), end + edits) for first, end in pairwise(borders))


def distance(word: str, target: str) -> int:
    """Levenshtein distance of two words, by bit-parallel steps (Hyyrö 2003, after Myers 1999)."""
    if not word:
        return len(target)
    masks: dict[str, int] = {}
    for index, letter in enumerate(word):
        masks[letter] = masks.get(letter, 0) | 1 << index
    top = 1 << len(word) - 1
    mask = (top << 1) - 1
    more, less, edits = mask, 0, len(word)
    for letter in target:
        equal = masks.get(letter, 0) | less
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


def most_similar(word: str, candidates: Iterable[str], limit: int) -> list[str]:
    """Similar words among the candidates: by distance, then by length of the common prefix, then alphabetically."""
    edits = max_edits(word)
    ranked = []
    for candidate in candidates:
        if candidate != word and abs(len(candidate) - len(word)) <= edits:
            differences = distance(word, candidate)
            if differences <= edits:
                shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, candidate, strict=False)))
                ranked.append((differences, -shared, candidate))
    return [candidate for _, _, candidate in sorted(ranked)[: max(limit, 0)]]
