"""Filters of recordings by path or glob, and by time of modification; comparison of voices.

A path without wildcards matches that file, or everything in that folder. In a glob ``*`` matches any characters but /,
``?`` one of them, ``[a-z]`` one character of a set, ``[!a-z]`` one outside it, ``**`` any characters, and ``/**/``
also a single /. A glob matches whole paths. A wildcard in brackets is an ordinary character: ``[*]``.

Names that differ only in the normalization of Unicode are spellings of one name, and a filter matches all of them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

from indexer.paths import absolute, composed, has_spelling, under
from indexer.types import Filter, Location, Recording

_WILDCARD = re.compile(r"[*?[]")
_ESCAPED = re.compile(r"\[[*?[]\]")


def passes(wanted: Filter) -> Callable[[Recording], bool]:
    """Predicate on recordings: the id is wanted, and one of the locations meets all other conditions of a filter."""
    groups = [list(map(pattern, paths)) for paths in (wanted.paths, wanted.and_paths) if paths]

    def meets(location: Location) -> bool:
        path = composed(location.path) if groups else ""
        return (
            all(any(pattern_.fullmatch(path) for pattern_ in patterns) for patterns in groups)
            and (wanted.since_ns is None or location.modified_ns >= wanted.since_ns)
            and (wanted.until_ns is None or location.modified_ns < wanted.until_ns)
        )

    return lambda recording: (not wanted.ids or recording.id in wanted.ids) and any(map(meets, recording.locations))


@lru_cache
def folded_voice(voice: str) -> str:
    """Form of a voice for comparison: without the case of its letters, in one spelling, with single blanks."""
    return composed(" ".join(voice.split())).casefold()


@cache
def pattern(path: str) -> re.Pattern[str]:
    """Regular expression for the paths that a path or glob matches, in their ``composed`` form."""
    has_wildcards = is_glob(path)
    rest = composed(path if has_wildcards else path.rstrip("/"))
    parts = []
    while rest:
        for glob, regex in _TOKENS:
            if token := glob.match(rest):
                parts.append(regex(token))
                rest = rest[token.end() :]
                break
    return re.compile("".join(parts) + ("" if has_wildcards else "(?:/.*)?"), re.DOTALL)


def literal(path: str) -> str:
    """Common beginning of all paths that a path or glob matches, up to the first letter with several spellings."""
    wildcard = _WILDCARD.search(path)
    beginning = composed(path[: wildcard.start()] if wildcard else path.rstrip("/"))
    several = (n for n in range(len(beginning)) if _has_spellings(beginning[n : n + 2]))
    return beginning[: next(several, None)]


def _has_spellings(characters: str) -> bool:
    """True if the first of one or two characters can be written as a letter and a mark, or the second is a mark."""
    return unicodedata.normalize("NFD", characters[0]) != characters[0] or any(map(unicodedata.combining, characters))


def locations_under(recordings: Iterable[Recording], path: str) -> dict[str, set[str]]:
    """Paths of the locations that are this file or in this folder, by id of their recording.

    Names as they are spelled come first; other spellings count if there are none.
    """
    root = absolute(path)
    everywhere = [(recording.id, location.path) for recording in recordings for location in recording.locations]
    found = [item for item in everywhere if under(item[1], [root])]
    found = found or [item for item in everywhere if under(composed(item[1]), [composed(root)])]
    paths: dict[str, set[str]] = {}
    for identity, location in found:
        paths.setdefault(identity, set()).add(location)
    return paths


def from_here(typed: str) -> str:
    """Absolute form of a typed path or glob; the exact name of an existing file is a path."""
    path = Path(typed)
    with suppress(RuntimeError):  # ~name of a user without a home
        path = path.expanduser()
    if not is_glob(typed) or _exists(path):
        return exactly(absolute(path))
    return os.path.normpath(f"{exactly(str(Path.cwd()))}/{path}" if not path.is_absolute() else path)


def _exists(path: Path) -> bool:
    """True if there is a file of this name in any spelling."""
    try:
        return path.exists() or (not str(path).isascii() and has_spelling(absolute(path)))
    except OSError:
        return False  # the name is too long, or its folder is not readable


def is_glob(path: str) -> bool:
    """True if a path has wildcards."""
    return bool(_WILDCARD.search(_ESCAPED.sub("", path)))


def exactly(path: str) -> str:
    """Path with all wildcards escaped: a glob that matches it, and everything in it."""
    return _WILDCARD.sub(r"[\g<0>]", path)


def any_case(path: str) -> str:
    """Glob that matches a path without wildcards, in upper and lower case."""

    def both(letter: str) -> str:
        cases = dict.fromkeys((letter, letter.lower(), letter.upper()))
        return f"[{''.join(cases)}]" if len(cases) > 1 and all(len(case) == 1 for case in cases) else letter

    return re.sub(r"\[[*?[]\]|.", lambda token: token[0] if len(token[0]) > 1 else both(token[0]), composed(path),
                  flags=re.DOTALL)  # fmt: skip


def _set(token: re.Match[str]) -> str:
    letters = re.sub(r"([\\&~|\[\]^])", r"\\\1", re.sub("--+", "-", token["letters"]))
    try:
        re.compile(f"[{letters}]")
    except re.error:
        return "(?!)"  # a range that ends before it begins
    return f"(?!/)[^{letters}]" if token["not"] else f"(?!/)[{letters}]"


_TOKENS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"/\*\*(?=/)"), lambda token: "(?:/.*)?"),
    (re.compile(r"\*\*+"), lambda token: ".*"),
    (re.compile(r"\*"), lambda token: "[^/]*"),
    (re.compile(r"\?"), lambda token: "[^/]"),
    (re.compile(r"\[(?P<not>[!^]?)(?P<letters>\]?[^\]]+|\])\]"), _set),
    (re.compile(r".", re.DOTALL), lambda token: re.escape(token[0])),
)
