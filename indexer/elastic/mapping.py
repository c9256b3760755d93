"""Alias, template and mapping of an index, and its creation.

    library                  alias named by readers and writers
    library-v3               index behind the alias; 3 is the version of the mapping
    audiosearch-library-v3   index template with the mapping, for library-v3 and library-v3-…

The number of shards can thus be changed without downtime: a second index is filled beside the first, and the alias is
switched in one step (docs/elasticsearch.md). For a name that ends in -v and a number, such as library-v3-2, an index is
created without an alias. Existing indices without an alias are used as they are.
"""

from __future__ import annotations

import re
from typing import Any

from audiosearch.errors import StoreError, StoreVersionError
from indexer.elastic.client import Server
from indexer.elastic.documents import CORRECTED, KEYS, READINGS
from indexer.elastic.passages import TOKENS

VERSION = 3
"""Version of the mapping."""

PRIORITY = 100
"""Priority of the template; a user's template with a greater one may set the number of shards."""

_WORDS: dict[str, Any] = {
    "type": "text",
    "analyzer": "whitespace",  # words are normalized already; this analyzer is in every distribution
    "norms": False,
}

CORRECTED_FIELD: dict[str, Any] = {"type": "keyword", "index": False, "doc_values": False}

SETTINGS: dict[str, Any] = {"index": {"refresh_interval": "5s"}}

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "_meta": {"application": "audiosearch", "version": VERSION},
    "_source": {"excludes": [TOKENS, KEYS, *READINGS[1:]]},  # searched only, and derived from other fields
    "properties": {
        "kind": {"type": "keyword"},
        "recording": {"type": "keyword"},
        "generation": {"type": "keyword"},
        # of recordings
        "duration_ms": {"type": "long"},
        "named_ms": {"type": "long"},
        "model": {"type": "keyword"},
        "added": {"type": "keyword"},
        "words": {"type": "long"},
        "pieces": {"type": "long"},
        CORRECTED: CORRECTED_FIELD,
        "locations": {
            "properties": {
                "path": {"type": "keyword"},
                "size": {"type": "long"},
                "modified_ns": {"type": "long"},
            }
        },
        # of passages
        "passage": {"type": "integer"},
        TOKENS: {"type": "keyword", "doc_values": False},
        **dict.fromkeys(READINGS, _WORDS),
        "times": {"type": "binary"},
        "confidences": {"type": "binary"},
        "alternatives": {"type": "binary"},
        # of emissions, whose number is in "passage"
        "word": {"type": "integer", "index": False, "doc_values": False},
        "start": {"type": "double", "index": False, "doc_values": False},
        "frame_duration": {"type": "double", "index": False, "doc_values": False},
        "frames": {"type": "integer", "index": False, "doc_values": False},
        "data": {"type": "binary"},
        KEYS: {"type": "keyword", "doc_values": False},
        # of acoustic profiles
        "sounding": {"type": "keyword", "index": False, "doc_values": False},
    },
}


def prepare(server: Server, *, create: bool) -> None:
    """Check that the index exists, belongs to audiosearch and has this mapping; with ``create``, create it if absent.

    Raises:
        StoreVersionError: the mapping is of another version.
        StoreError: the index does not exist, or belongs to another application.
    """
    mappings = server.mappings()
    if mappings is None and create:
        _create(server)
        mappings = server.mappings()
        if mappings is None:
            raise StoreError(f"{server.name}-v{VERSION} exists and {server.shown} is not its alias: add the alias")
    if mappings is None:
        raise StoreError(f"there is no index at {server.shown}: run `audiosearch index FOLDER` first")
    meta = mappings.get("_meta", {})
    if meta.get("application") != "audiosearch" or not isinstance(meta.get("version"), int):
        raise StoreError(f"{server.shown} is not an index of audiosearch: give another name after the last /")
    version: int = meta["version"]
    if version > VERSION:
        raise StoreVersionError(
            f"{server.shown} was written by a newer version of audiosearch (mapping version {version}, this "
            f"one reads {VERSION}): install that version"
        )
    if version < VERSION:
        raise StoreVersionError(
            f"{server.shown} was written by an early version of audiosearch (mapping version {version}, this one reads "
            f"{VERSION}): index again under another name"
        )


def prepare_corrections(server: Server) -> None:
    """Add the field of corrected recordings to an index that was created without it."""
    mappings = server.mappings()
    if mappings is not None and CORRECTED not in mappings["properties"]:
        server.put_mapping({CORRECTED: CORRECTED_FIELD})
        if not _NUMBERED.fullmatch(server.name):
            _put_template(server)


_NUMBERED = re.compile(r".+-v\d+(-\d+)?")

TEMPLATE: dict[str, Any] = {"mappings": MAPPINGS, "settings": SETTINGS}


def _create(server: Server) -> None:
    if _NUMBERED.fullmatch(server.name):
        server.create(server.name, **TEMPLATE)
        return
    _put_template(server)
    server.create(f"{server.name}-v{VERSION}", aliases={server.name: {}}, **TEMPLATE)


def _put_template(server: Server) -> None:
    index = f"{server.name}-v{VERSION}"
    server.put_template(
        f"audiosearch-{index}",
        index_patterns=[index, f"{index}-*"],  # not library-v*, which would include library-videos
        priority=PRIORITY,
        version=VERSION,
        template=TEMPLATE,
    )
