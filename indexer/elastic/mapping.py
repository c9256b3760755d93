"""Alias, template and mapping of an index, and its creation.

    library                  an alias, which readers and writers name
    library-v3               the index that it stands for; 3 is the version of the mapping
    audiosearch-library-v3   the index template with that mapping, for library-v3 and library-v3-…

So another number of shards comes without a pause: an index is filled beside the old one, then the alias changes its
meaning in one step (docs/elasticsearch.md). A name that ends in -v and a number, as library-v3-2, is made as an index
itself. Indices without an alias are used as they are.
"""

from __future__ import annotations

import re
from typing import Any

from audiosearch.errors import StoreError, StoreVersionError
from indexer.elastic.client import Server
from indexer.elastic.documents import MAPPINGS, SETTINGS, VERSION

PRIORITY = 100
"""Priority of the template; a user's template with a greater one may set the number of shards."""


def prepare(server: Server, *, create: bool) -> None:
    """Check that the index exists, is one of audiosearch and has this mapping; create it with ``create``.

    Raises:
        StoreVersionError: it has the mapping of another version.
        StoreError: it does not exist, or is something else.
    """
    mappings = server.mappings()
    if mappings is None and create:
        _create(server)
        mappings = server.mappings()
        if mappings is None:
            raise StoreError(
                f"{server.shown} does not stand for {server.name}-v{VERSION}, which is there: add it as an alias"
            )
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


def _create(server: Server) -> None:
    template: dict[str, Any] = {"mappings": MAPPINGS, "settings": SETTINGS}
    if re.fullmatch(r".+-v\d+(-\d+)?", server.name):
        server.create(server.name, **template)
        return
    index = f"{server.name}-v{VERSION}"
    server.put_template(
        f"audiosearch-{index}",
        index_patterns=[index, f"{index}-*"],  # not library-v*, which would take in somebody's library-videos
        priority=PRIORITY,
        version=VERSION,
        template=template,
    )
    server.create(index, aliases={server.name: {}}, **template)
