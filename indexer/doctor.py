"""Checks of the settings and of the index that they name, after those of the speech side."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from audiosearch.diagnosis.doctor import Check, attempt, check_installation, check_machine, check_models, without_home
from audiosearch.diagnosis.packages import version
from audiosearch.errors import AudioSearchError
from audiosearch.model_folder import SHIPPED_MODEL
from audiosearch.settings import Settings, configuration_path, is_url, load_settings
from indexer.index import open_index

REACH_SECONDS = 5.0
"""How long a server may take to be reached."""


def examine(store: str | None = None, model: Path | None = None) -> Iterator[Check]:
    """All checks, in an order in which one reads them; no value tells the path of the user's home.

    Args:
        store, model: as the command line gave them.
    """
    return map(without_home, _examine(store, model))


def _examine(store: str | None, model: Path | None) -> Iterator[Check]:
    yield from check_installation()
    yield from check_machine()
    try:
        settings = load_settings(store, model)
    except AudioSearchError as error:
        yield Check("Index", "settings", "cannot be read", "problem", str(error))
        yield from check_models(model or SHIPPED_MODEL)
        return
    yield from check_models(settings.model)
    yield from check_index(settings)


def check_index(settings: Settings) -> Iterator[Check]:
    """The settings, SQLite, and the store: where it is, whether it can be read and written."""
    section = "Index"
    yield _settings(section)
    yield attempt(section, "SQLite", partial(_sqlite, section))
    if is_url(settings.store):
        server = attempt(section, "Elasticsearch", partial(_elastic, section, settings.store))
        yield server
        if server.status == "problem":  # which the index would have too
            return
    yield attempt(section, "store", partial(_store, section, settings.store))


def _settings(section: str) -> Check:
    path = configuration_path()
    found = str(path) if path.exists() else "no configuration file"
    names = sorted(name for name in os.environ if name.startswith("AUDIOSEARCH_"))
    return Check(section, "settings", ", ".join([found, *(f"${name}" for name in names)]))


def _sqlite(section: str) -> Check:
    from indexer.sqlite.file import sqlite_version

    return Check(section, "SQLite", sqlite_version())


def _elastic(section: str, url: str) -> Check:
    """Whether the server can be reached, and speaks with this client."""
    from indexer.elastic.client import Server
    from indexer.elastic.connection import address

    place = address(url)
    name = "Elasticsearch"
    try:
        socket.create_connection((place.host, place.port), REACH_SECONDS).close()
    except OSError as error:
        advice = f"{place.server} cannot be reached ({error}): is the server running, and the URL right?"
        return Check(section, name, "not reached", "problem", advice)
    server = Server(place)
    try:
        found = server.version()
    finally:
        server.close()
    client = version("elasticsearch")
    value = f"{found or 'of a version not told'} at {place.server}, client {client}"
    if not found:
        return Check(section, name, value)
    theirs, ours = (int(number.partition(".")[0]) for number in (found, client))
    if theirs - ours in (0, 1):  # a client talks to servers of its own major version and of the next
        return Check(section, name, value)
    advice = f"The client may not understand this server: pip install 'elasticsearch=={theirs}.*'."
    return Check(section, name, value, "problem", advice)


def _store(section: str, store: str) -> Check:
    if not is_url(store) and not Path(store).expanduser().exists():
        return _store_to_come(section, Path(store).expanduser().absolute())
    with open_index(store, create=False) as index:
        recordings = index.statistics().recordings
    held = f"{recordings:,} recording{'' if recordings == 1 else 's'}"
    if is_url(store):
        from indexer.elastic.connection import address

        return Check(section, "store", f"{address(store).shown}: {held}")
    path = Path(store).expanduser().absolute()
    unwritable = next((place for place in (path, path.parent) if not os.access(place, os.W_OK)), None)
    if unwritable is None:
        open_index(store, create=True).close()  # as it is opened to be written
        return Check(section, "store", f"{path}: {held}, can be written")
    advice = f"It can be searched, but nothing can be indexed into it: {unwritable} may not be written by you."
    return Check(section, "store", f"{path}: {held}, read-only", "warning", advice)


def _store_to_come(section: str, path: Path) -> Check:
    folder = next(parent for parent in path.parents if parent.exists())
    if folder.is_dir() and os.access(folder, os.W_OK):
        return Check(section, "store", f"{path}: not there yet", advice="`audiosearch index FOLDER` makes it.")
    advice = f"It cannot be made, as {folder} may not be written by you; name another by --store."
    return Check(section, "store", f"{path}: not there", "problem", advice)
