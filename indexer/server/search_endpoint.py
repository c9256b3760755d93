"""The search endpoint: request parameters to a page of hits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import cast, get_args

from audiosearch.errors import QueryError
from indexer.index import Index
from indexer.matching import filters
from indexer.paths import composed, under
from indexer.search import engine
from indexer.search.parse import ParsedQuery, parse, parse_date
from indexer.search.suggestions import similar_words
from indexer.search.variants import added
from indexer.server.index_pool import IndexPool
from indexer.server.parameters import Parameters
from indexer.server.search_suggestions import Suggestion, suggest
from indexer.types import MAX_SLOP, Filter, Hit, Order

PARAMETERS = (
    *("q", "and", "not", "within", "slop", "path", "id", "since", "until", "mode", "confidence", "order"),
    *("limit", "after"),
)
MODES: tuple[engine.Mode, ...] = ("auto", *(mode for mode in get_args(engine.Mode) if mode != "auto"))
"""Search modes, the default first."""

MAX_HITS = 500
"""Maximum number of hits per page."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of hits with notes and suggestions.

    Args:
        after: cursor of the next page; None: this is the last.
        notes: sentences on normalized texts.
        also: other spellings and readings that were looked for.
        similar: words of the query in no transcript → words of similar spelling; empty if there are hits.
        texts: phrases whose matches are hits, as they were typed.
        suggestions: of other searches; empty if there are hits.
    """

    hits: tuple[Hit, ...]
    after: str | None
    notes: tuple[str, ...]
    also: tuple[str, ...]
    similar: dict[str, list[str]]
    texts: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


def search(index_pool: IndexPool, parameters: Parameters) -> SearchResult:
    """The page of hits that the parameters describe.

    Raises:
        QueryError: a parameter is invalid.
        StoreError: the index cannot be read.
    """
    limit = parameters.whole("limit", 20, 1, MAX_HITS)
    confidence = parameters.number("confidence", 0, 1) or None  # 0 filters nothing
    mode = parameters.choice("mode", MODES)
    parsed = _parse(index_pool, parameters)
    if parsed is None:
        return SearchResult((), None, (), (), {})
    after = parameters.text("after") or None
    with index_pool.index() as index:
        page = engine.search_above_confidence(index, parsed.query, mode, limit, after, confidence)
        similar = {} if page.hits or after else similar_words(index, parsed.typed)
        notes = (*parsed.notes, *engine.sound_notes(index, parsed.query, mode))
        is_empty = not (page.hits or after or page.after or parameters.texts("id"))
        suggestions = _suggestions(index_pool, index, parameters, parsed, mode) if is_empty else ()
    also = tuple(phrase.text for phrase in (*added(parsed.typed, parsed.query), *page.variants))
    texts = tuple(phrase.text for phrase in parsed.typed.phrases)
    return SearchResult(page.hits, page.after, notes, also, similar, texts, suggestions)


def _suggestions(
    index_pool: IndexPool, index: Index, parameters: Parameters, parsed: ParsedQuery, mode: engine.Mode
) -> tuple[Suggestion, ...]:
    """Suggestions for a search without hits."""

    def has_hits(changed: Parameters) -> bool:
        try:
            other = _parse(index_pool, changed)
        except QueryError:
            return False  # a word of a phrase is none by itself
        confidence = changed.number("confidence", 0, 1) or None
        if other is None:
            return False
        return bool(engine.search_above_confidence(index, other.query, "words", 1, None, confidence).hits)

    by_sound = mode != "sound" and engine.can_be_spoken(index, parsed.query)
    return tuple(suggest(parameters, has_hits, by_sound=by_sound))


def _parse(index_pool: IndexPool, parameters: Parameters) -> ParsedQuery | None:
    """The query; None if it is restricted to a recording that does not exist."""
    since, until = parameters.text("since"), parameters.text("until")
    paths = tuple(_path_filter(index_pool, typed) for typed in parameters.texts("path"))
    parsed = parse(
        parameters.texts("q"),
        parameters.whole("slop", 0, 0, MAX_SLOP),
        together=parameters.texts("and"),
        without=parameters.texts("not"),
        within=parameters.number("within", 0, 1e9),
        wanted=Filter(paths, parse_date(since) if since else None, parse_date(until) if until else None),
        order=cast(Order, parameters.choice("order", get_args(Order))),
        resolve_path=partial(_path_operator, index_pool),
    )
    identity = parameters.text("id")
    if not identity:
        return parsed
    recording = index_pool.recording(identity)
    if recording is None:
        return None
    restricted = replace(parsed.query.filter, paths=(), and_paths=(), ids=(recording.id,))
    return replace(
        parsed, query=replace(parsed.query, filter=restricted), typed=replace(parsed.typed, filter=restricted)
    )


def _path_filter(index_pool: IndexPool, typed: str) -> str:
    """The path or glob of a filter; a folder that holds recordings is never read as a glob."""
    if not typed.startswith("/"):
        raise QueryError(f"path must be an absolute path or glob, not {typed[:40]!r}")
    folder = typed.rstrip("/")
    is_known = any(under(known, [composed(folder)]) for known in index_pool.parents())
    return filters.exactly(folder) or "/" if is_known else typed


def _path_operator(index_pool: IndexPool, typed: str) -> str:
    """The path or glob of ``path:``. One that is not absolute is a part of a path, in any case of its letters."""
    if typed.startswith("/"):
        return _path_filter(index_pool, typed)
    part = re.sub(r"^(~|\.{1,2})?/", "", typed)
    folded = composed(part).casefold()
    is_glob = filters.is_glob(part) and not any(folded in known.casefold() for known in index_pool.parents())
    return f"/**/{part}" if is_glob else f"/**{filters.any_case(filters.exactly(part))}**"
