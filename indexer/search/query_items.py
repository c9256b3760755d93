"""Items of a typed text in the query language (``query_language.py``): words, quotations, exclusions, operators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

OPERATORS = ("within", "path", "since", "until", "voice")

_CLOSING = {'"': ('"', "”“"), "“": ("”", '“"'), "„": ("“”", '"'), "”": ("”", '"'), "«": ("»",), "»": ("«»",)}
"""Opening quotation marks of several languages → those that close it, the usual ones first."""

MARK = re.compile(f"[{''.join(_CLOSING)}]")
_BLANK_OR_MARK = re.compile(rf"\s|{MARK.pattern}")
NAME = re.compile(r"([^\W\d_]+):")
"""Name of an operator, or what looks like one."""


@dataclass(frozen=True, slots=True)
class Item:
    """Item of a text.

    Args:
        text: of an exclusion or a quotation what it contains, of an operator its value.
        start: of the item in the text.
        end: exclusive.
        name: of an operator.
    """

    kind: Literal["word", "quotation", "OR", "exclusion", "operator"]
    text: str
    start: int
    end: int
    name: str = ""

    @property
    def is_part(self) -> bool:
        """True for a word and a quotation."""
        return self.kind in ("word", "quotation")


def items(text: str) -> Iterator[Item]:
    """Items of a text in their order."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        item = _operator(text, place) or _exclusion(text, place) or _quotation(text, place) or _word(text, place)
        yield item
        place = item.end


def rewritten(text: str, change: Callable[[Item, str], str]) -> str:
    """Text in which every item is replaced; those that become empty are left out.

    Args:
        change: returns the new form of an item and its typed form.
    """
    return " ".join(filter(None, (change(item, text[item.start : item.end]) for item in items(text))))


def quoted(text: str) -> str:
    """A typed text in quotation marks, on one line, shortened."""
    return f'"{shortened(text)}"'


def shortened(text: str) -> str:
    """A typed text on one line, of at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


def _operator(text: str, place: int) -> Item | None:
    """Known operator with a value."""
    name = NAME.match(text, place)
    if name is None or name[1].lower() not in OPERATORS:
        return None
    value, end = "", name.end()
    while end < len(text) and not text[end].isspace():
        if closing := _closing(text, end):
            value, end = value + text[end + 1 : closing], closing + 1
        elif MARK.match(text, end):
            return None
        else:
            value, end = value + text[end], end + 1
    return Item("operator", value, place, end, name[1].lower()) if end > name.end() else None


def _exclusion(text: str, place: int) -> Item | None:
    if text[place] != "-" or (place and not text[place - 1].isspace()):
        return None
    following = text[place + 1 : place + 2]
    if following.isalpha():
        end = _word_end(text, place + 1)
        return Item("exclusion", text[place + 1 : end], place, end)
    closing = _closing(text, place + 1)
    if closing and any(map(str.isalnum, text[place + 2 : closing])):
        return Item("exclusion", text[place + 2 : closing], place, closing + 1)
    return None


def _quotation(text: str, place: int) -> Item | None:
    closing = _closing(text, place)
    return Item("quotation", text[place + 1 : closing], place, closing + 1) if closing else None


def _word(text: str, place: int) -> Item:
    end = _word_end(text, place)
    return Item("OR" if text[place:end] == "OR" else "word", text[place:end], place, end)


def _word_end(text: str, place: int) -> int:
    """End of a word: a blank, or the beginning of a quotation."""
    for border in _BLANK_OR_MARK.finditer(text, place + 1):
        if border[0].isspace() or (_closing(text, border.start()) and not is_inch(text, border.start())):
            return border.start()
    return len(text)


def _closing(text: str, place: int) -> int | None:
    """Place of the mark that closes a quotation which begins at ``place``; None if none begins there."""
    for marks in _CLOSING.get(text[place : place + 1], ()):
        places = [found for mark in marks if (found := text.find(mark, place + 1)) > 0]
        if places:
            return min(places)
    return None


def is_inch(text: str, place: int) -> bool:
    """True for a straight mark after a digit, which does not begin a quotation: a 6" pipe."""
    return text[place] == '"' and place > 0 and text[place - 1].isdigit()
