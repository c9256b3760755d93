"""The query language: typed texts → phrases, conditions and values of operators.

    "exact phrase" word -not OR within:30 path:… since:… until:… voice:…

    text      = (group | exclusion | operator)*     all groups must be said
    group     = part ("OR" part)*                   one of the parts must be said
    part      = word+ | quotation                   words side by side are one phrase
    exclusion = "-" (word | quotation)              after a blank or at the start
    operator  = NAME ":" (value | quotation)+       without a blank after the colon

The hits are those of the first group. Texts that the grammar does not cover are words, with a note if they look like
an operator: an unknown name, an OR without a part on each side, a quotation mark without its counterpart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from audiosearch.errors import QueryError
from audiosearch.types import Seconds
from indexer.search.query_items import MARK, NAME, OPERATORS, Item, is_inch, items, quoted, shortened

MAX_CHARACTERS = 10_000
"""Characters of one typed text."""

MAX_PARTS = 40
"""Phrases of one text, with those that are excluded."""

MAX_WITHIN: Seconds = 1e9

Value = TypeVar("Value", float, str)

_NUMBER = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_DURATIONS = (
    re.compile("()()" + _NUMBER),
    re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m(?:in)?)?(?:{_NUMBER}s(?:ec)?)?", re.IGNORECASE),
    re.compile(r"(?:([0-9]+):)?([0-9]+):([0-5][0-9](?:\.[0-9]+)?)"),
)
"""Forms of durations: 30; 1h30m, 2m, 30s; 1:30. Groups: hours, minutes, seconds."""


@dataclass(frozen=True, slots=True)
class TypedQuery:
    """Typed texts, taken apart.

    Args:
        groups: alternatives of each phrase that must be said; the hits are those of the first.
        without: phrases that must not be said.
        within: value of the operator.
        paths: values of the operator, as they were typed.
        since: value of the operator, as it was typed.
        until: likewise.
        voices: values of the operator.
        notes: sentences on texts that look like operators and are words.
    """

    groups: tuple[tuple[str, ...], ...]
    without: tuple[str, ...] = ()
    within: Seconds | None = None
    paths: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    voices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(texts: Sequence[str]) -> TypedQuery:
    """Take typed texts apart. Several are alternatives; exclusions and operators of any of them hold for all.

    Raises:
        QueryError: a value is wrong or given twice, or several texts have conditions that cannot be combined.
    """
    notes: dict[str, None] = {}
    last = len(texts) - 1
    read_texts = [_read(text, notes) for place, text in enumerate(texts) if text.strip() != "OR" or place in (0, last)]
    said = [text for text in read_texts if text.groups]
    if texts and not said:
        raise QueryError("the query has conditions only: add a word or a phrase to search for")
    if len(said) > 1:
        for text in said:
            if len(text.groups) > 1:
                raise QueryError(
                    f"several texts are alternatives, and {quoted(text.text)} has {len(text.groups)} phrases that must "
                    "all be said: search for one text, with OR between its alternatives"
                )
            if text.without or text.values:
                notes[f"the conditions of {quoted(text.text)} hold for all texts"] = None
    groups = said[0].groups if len(said) == 1 else [[part for text in said for part in text.groups[0]]]
    values: dict[str, dict[str, None]] = {name: {} for name in OPERATORS}
    for text in read_texts:
        for name, value in text.values:
            values[name][value] = None
    within = _only("within", {seconds(value): value for value in values["within"]})
    return TypedQuery(
        tuple(map(tuple, groups)),
        tuple(part for text in read_texts for part in text.without),
        within,
        tuple(values["path"]),
        _only("since", {value: value for value in values["since"]}),
        _only("until", {value: value for value in values["until"]}),
        tuple(values["voice"]),
        tuple(notes),
    )


def seconds(typed: str) -> Seconds:
    """Duration of the forms 30, 30s, 2m, 1h30m and 1:30; raises QueryError for any other."""
    matches = (form.fullmatch(typed) for form in _DURATIONS if typed)
    numbers = next((match.groups() for match in matches if match), ("-1", "", ""))
    hours, minutes, rest = (float(number or 0) for number in numbers)
    duration = 3600 * hours + 60 * minutes + rest
    if not 0 <= duration <= MAX_WITHIN:
        raise QueryError(
            f"within:{shortened(typed)} is no distance in seconds: write within:30, within:2m or within:1:30"
        )
    return duration


@dataclass(frozen=True, slots=True)
class _Text:
    """One text, taken apart; ``values`` are names and values of operators."""

    text: str
    groups: list[list[str]]
    without: list[str]
    values: list[tuple[str, str]]


def _read(text: str, notes: dict[str, None]) -> _Text:
    """Take a text apart; adds to ``notes``."""
    groups: list[list[str]] = []
    without: list[str] = []
    values: list[tuple[str, str]] = []
    before: Item | None = None
    start = 0  # of the words side by side
    for item in _with_words_for_or(list(items(text)), notes) if len(text) <= MAX_CHARACTERS else ():
        if item.kind == "word":
            _note_word(item, text, notes)
        if item.kind == "word" and before is not None and before.kind == "word":
            groups[-1][-1] = text[start : item.end]
        elif item.is_part:
            start = item.start
            if before is not None and before.kind == "OR":
                groups[-1].append(item.text)
            else:
                groups.append([item.text])
        elif item.kind == "exclusion":
            _check_exclusion(item, notes)
            without.append(item.text)
        elif item.kind == "operator":
            if not item.text.strip():
                raise QueryError(f"{item.name}: has an empty value: leave it out, or write {_EXAMPLES[item.name]}")
            values.append((item.name, item.text))
        before = item
    said = [[part for part in group if any(map(str.isalnum, part))] for group in groups]
    groups = [group for group in said if group]
    if not (groups or without or values):
        groups = [[text]]  # ``parse`` refuses it
    number = sum(map(len, groups)) + len(without)
    if number > MAX_PARTS:
        raise QueryError(f"a query has at most {MAX_PARTS} phrases, not {number}: {quoted(text)}")
    return _Text(text, groups, without, values)


_EXAMPLES = {
    "within": "within:30",
    "path": "path:2024",
    "since": "since:2024-05-31",
    "until": "until:2024-05-31",
    "voice": "voice:left",
}


def _with_words_for_or(found: Sequence[Item], notes: dict[str, None]) -> Iterator[Item]:
    """Items, in which an OR without a part on each side is a word."""
    for place, item in enumerate(found):
        is_between = 0 < place < len(found) - 1 and found[place - 1].is_part and found[place + 1].is_part
        if item.kind == "OR" and not is_between:
            notes["OR is searched as a word: as an operator it stands between two words or phrases"] = None
            yield Item("word", item.text, item.start, item.end)
        else:
            yield item


def _note_word(item: Item, text: str, notes: dict[str, None]) -> None:
    """Note on a word that looks like an operator."""
    if name := NAME.match(item.text):
        following = text[item.start + name.end() :][:2]
        has_value = bool(following[:1].strip())
        operator = name[1].lower()
        if operator in OPERATORS and not has_value:
            example = _EXAMPLES[operator]
            notes[f"{name[0]} is searched as a word: its value follows without a blank, as in {example}"] = None
        elif operator not in OPERATORS and has_value and following != "//":
            notes[_unknown(name[1], item.text)] = None
    elif item.text in ("AND", "NOT") and not text.isupper():
        remedy = "phrases in quotation marks must all be said" if item.text == "AND" else "-word excludes a word"
        notes[f"{item.text} is searched as a word: {remedy}"] = None
    if any(not is_inch(item.text, mark.start()) for mark in MARK.finditer(item.text)):
        notes["a quotation mark without its counterpart is left out"] = None


def _check_exclusion(item: Item, notes: dict[str, None]) -> None:
    """Refuse the exclusion of an operator, such as -path:drafts; adds to ``notes`` for an unknown one."""
    name = NAME.match(item.text) if item.end - item.start == len(item.text) + 1 else None  # else it is in quotes
    if name and name[1].lower() in OPERATORS:
        raise QueryError(f"{name[0]} cannot be excluded, only words and phrases can: -{shortened(item.text)}")
    if name and item.text[name.end() :] and not item.text.startswith("//", name.end()):
        notes[_unknown(name[1], item.text)] = None


def _unknown(name: str, text: str) -> str:
    known = ", ".join(f"{operator}:" for operator in OPERATORS)
    return f"{shortened(name)}: is no operator: {quoted(text)} is searched as words; known are {known}"


def _only(name: str, values: Mapping[Value, str]) -> Value | None:
    """The only value of an operator; None if there is none.

    Args:
        values: each with a text that was typed for it.
    """
    if len(values) > 1:
        raise QueryError(f"{name}: is given {len(values)} times, as {' and '.join(map(quoted, values.values()))}")
    return next(iter(values), None)
