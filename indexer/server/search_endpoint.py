"""The parameters of a search → its hits, in pages of which each names the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast, get_args

from audiosearch.errors import QueryError
from indexer.index import Index
from indexer.matching import filters
from indexer.search import modes
from indexer.search.parse import Reading, parse, parse_date
from indexer.server.index_pool import Library
from indexer.server.parameters import Parameters
from indexer.types import MAX_SLOP, Filter, Hit, Order, Phrase, Query

PARAMETERS = (
    *("q", "and", "not", "within", "slop", "path", "id", "since", "until", "mode", "confidence", "order"),
    *("limit", "after"),
)
MODES: tuple[modes.Mode, ...] = ("auto", *(one for one in get_args(modes.Mode) if one != "auto"))
"""Ways of searching, the default first."""

MOST_HITS = 500
"""Of one page."""

NEAR_WORDS = 3
"""Offered for each word that is not in the index."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Args:
        hits: in their order.
        after: what goes on after them; None: there are no more.
        notes: how texts were read otherwise than they were typed.
        near: words that were asked for and are said nowhere → words that are spelled nearly so; only where nothing is
            found.
    """

    hits: tuple[Hit, ...]
    after: str | None
    notes: tuple[str, ...]
    near: dict[str, list[str]]


def search(library: Library, given: Parameters) -> Answer:
    """The hits that a request asks for.

    Raises:
        QueryError: a parameter is wrong.
        StoreError: the index cannot be read.
    """
    limit = given.whole("limit", 20, 1, MOST_HITS)
    confidence = given.number("confidence", 0, 1) or None  # 0 asks for no more
    mode = cast(modes.Mode, given.choice("mode", MODES))
    reading = _reading(library, given)
    if reading is None:
        return Answer((), None, (), {})
    after = given.text("after") or None
    with library.index() as index:
        page = modes.sure(index, reading.query, mode, limit, after, confidence)
        near = {} if page.hits or after else _near(index, reading.query)
    return Answer(page.hits, page.after, reading.notes, near)


def _reading(library: Library, given: Parameters) -> Reading | None:
    """The query; None where it asks for a recording that there is not."""
    since, until = given.text("since"), given.text("until")
    paths = tuple(_path(library, typed) for typed in given.texts("path"))
    reading = parse(
        given.texts("q"),
        given.whole("slop", 0, 0, MAX_SLOP),
        together=given.texts("and"),
        without=given.texts("not"),
        within=given.number("within", 0, 1e9),
        wanted=Filter(paths, parse_date(since) if since else None, parse_date(until) if until else None),
        order=cast(Order, given.choice("order", ("confidence", "time"))),
    )
    identity = given.text("id")
    if not identity:
        return reading
    recording = library.recording(identity)
    if recording is None:
        return None
    places = tuple(filters.exactly(place.path) for place in recording.locations)
    return replace(reading, query=replace(reading.query, filter=replace(reading.query.filter, paths=places)))


def _path(library: Library, typed: str) -> str:
    """A filter's path of one that was typed. The name of a folder that holds recordings is no glob."""
    if not typed.startswith("/"):
        raise QueryError(f"path is an absolute path or glob, which begins with /, not {typed[:40]!r}")
    folder = typed.rstrip("/")
    is_known = any(one == folder or one.startswith(folder + "/") for one in library.folders())
    return filters.exactly(folder) or "/" if is_known else typed


def _near(index: Index, query: Query) -> dict[str, list[str]]:
    terms = dict.fromkeys(term for phrase in (*query.phrases, *query.together) for term in phrase.terms)
    absent = [term for term in terms if not term.prefix and not index.search(Query((Phrase((term,)),)), 1).hits]
    return {term.text: index.near(term.text, NEAR_WORDS) for term in absent}
