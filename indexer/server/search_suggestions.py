"""Suggestions for a search without hits: changes of its parameters that give some."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from indexer.search.query_items import MARK, Item, items, rewritten
from indexer.search.query_language import read
from indexer.server.parameters import Parameters
from indexer.types import MAX_SLOP

MAX_SUGGESTIONS = 4

MAX_WORDS = 12
"""Maximum number of words that are suggested one by one."""

SLOP = 3
"""Suggested number of other words within a phrase."""

Changes = Mapping[str, str | None]
"""New values of parameters; None: the parameter is left out."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Changed search.

    Args:
        label: of a link to it.
        params: parameters that change, with their new values; None: left out.
    """

    label: str
    params: Changes


def suggest(parameters: Parameters, has_hits: Callable[[Parameters], bool], *, by_sound: bool) -> list[Suggestion]:
    """Suggestions for a search without hits, the least change first.

    Args:
        has_hits: returns whether a search has hits by words.
        by_sound: suggest a search by sound, which is not tried.
    """
    found = []
    for suggestion in _candidates(parameters):
        if has_hits(parameters.changed(suggestion.params)):
            found.append(suggestion)
        if len(found) == MAX_SUGGESTIONS:
            break
    if by_sound:
        found.append(Suggestion("everything that sounds like it", {"mode": "sound"}))
    return found


def _candidates(parameters: Parameters) -> Iterator[Suggestion]:
    """Changed searches, the least change first."""
    texts = parameters.texts("q")
    text = texts[0] if len(texts) == 1 else ""  # several are not rewritten
    found = list(items(text))
    if parameters.whole("slop", 0, 0, MAX_SLOP) < SLOP:
        yield Suggestion(f"with up to {SLOP} words in between", {"slop": str(SLOP)})
    if text:
        yield from _other_texts(text)
    if parameters.texts("confidence"):
        yield Suggestion("at any confidence", {"confidence": None})
    for label, names in _CONDITIONS.items():
        changes: dict[str, str | None] = {name: None for name in names if parameters.texts(name)}
        if any(_condition(item) in names for item in found):
            changes["q"] = rewritten(text, partial(_without, names))
        if changes:
            yield Suggestion(label, changes)


_CONDITIONS = {
    "at any distance": ("within",),
    "without excluded words": ("not",),
    "in all folders": ("path",),
    "of any date": ("since", "until"),
    "in any voice": ("voice",),
}
"""Labels of searches without a condition → its parameters, which are named like the operators."""


def _condition(item: Item) -> str:
    """Parameter of a condition; empty for a part."""
    return "not" if item.kind == "exclusion" else item.name


def _without(conditions: Collection[str], item: Item, typed: str) -> str:
    return "" if _condition(item) in conditions else typed


def _other_texts(text: str) -> Iterator[Suggestion]:
    """Searches for the words and the phrases of a text that has no OR."""
    groups = read([text]).groups
    if any(len(group) > 1 for group in groups):
        return
    parts = [" ".join(MARK.sub(" ", part).split()) for (part,) in groups]
    words = [word for part in parts for word in part.split() if any(map(str.isalnum, word))]
    rest = rewritten(text, lambda item, typed: typed if _condition(item) else "")
    if len(parts) < len(words) <= MAX_WORDS:
        apart = " ".join(f'"{word}"' for word in words)
        yield Suggestion("the same words anywhere in a recording", {"q": f"{apart} {rest}".strip()})
    if 1 < len(parts) <= MAX_WORDS:
        either = " OR ".join(f'"{part}"' for part in parts)
        yield Suggestion("any of these phrases", {"q": f"{either} {rest}".strip()})
