"""Which index a name stands for, and with which mapping it is made.

    library                  an alias, which readers and writers name
    library-v3               the index that it stands for; 3 is the version of the mapping
    audiosearch-library-v3   the index template with that mapping, for library-v3 and library-v3-…

So a later mapping comes without a pause: its index is filled beside the old one, then the alias changes its meaning in
one step (docs/elasticsearch.md). A name that ends in -v and a number, as library-v3-2, is made as an index itself.
Indices that were made before there were aliases are used as they are.
"""

from __future__ import annotations

import re
from typing import Any

from audiosearch.errors import StoreError, StoreVersionError
from indexer.elastic.client import Server
from indexer.elastic.documents import MAPPINGS, SETTINGS, VERSION

PRIORITY = 100
"""Of the template; one of the user with a greater one may say how many shards there are."""


def prepare(server: Server, *, create: bool) -> int:
    """Make sure that the index is there and is one of ours, and make it with ``create``; raises StoreError.

    Args:
        create: it is to be written to, too, which needs the mapping of this version.

    Returns:
        version of its mapping.
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
            f"one reads up to {VERSION}): install that version"
        )
    if version < VERSION and create:
        raise StoreError(
            f"{server.shown} has mapping version {version} and can only be read: copy it into one of version "
            f'{VERSION}, as docs/elasticsearch.md says under "A later mapping"'
        )
    return version


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
