"""Timed words into hits: stores, search, and indexing of folders.

The public names are those of ``__all__``. They are loaded when they are first used, so that a search loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer.index import Index, open_index
    from indexer.ingest.folders import IndexReport, index_folder
    from indexer.search.engine import search as search_index
    from indexer.search.parse import ParsedQuery
    from indexer.search.parse import parse as parse_query
    from indexer.types import Filter, Hit, Page, Phrase, Query, Recording, Term

__all__ = [
    "index_folder",
    "IndexReport",
    "open_index",
    "Index",
    "parse_query",
    "ParsedQuery",
    "search_index",
    "Query",
    "Phrase",
    "Term",
    "Filter",
    "Page",
    "Hit",
    "Recording",
]

_TARGETS = {  # name: module:attribute
    "index_folder": "indexer.ingest.folders:index_folder",
    "IndexReport": "indexer.ingest.folders:IndexReport",
    "open_index": "indexer.index:open_index",
    "Index": "indexer.index:Index",
    "parse_query": "indexer.search.parse:parse",
    "ParsedQuery": "indexer.search.parse:ParsedQuery",
    "search_index": "indexer.search.engine:search",
    "Query": "indexer.types:Query",
    "Phrase": "indexer.types:Phrase",
    "Term": "indexer.types:Term",
    "Filter": "indexer.types:Filter",
    "Page": "indexer.types:Page",
    "Hit": "indexer.types:Hit",
    "Recording": "indexer.types:Recording",
}


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in _TARGETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = _TARGETS[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
