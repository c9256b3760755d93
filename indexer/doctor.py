"""Checks of the settings and the index, after those of ``audiosearch.diagnosis``."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from audiosearch.diagnosis.doctor import Check, attempt, check_installation, check_machine, check_models, without_home
from audiosearch.diagnosis.packages import version
from audiosearch.errors import AudioSearchError, reason_of
from audiosearch.model_folder import SHIPPED_MODEL
from audiosearch.settings import Settings, configuration_path, is_url, load_settings
from indexer.index import open_index

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for the connection to a server."""


def examine(store: str | None = None, model: Path | None = None) -> Iterator[Check]:
    """Yield all checks in reading order, with ``~`` for the path of the home folder.

    Args:
        store: value of ``--store``; None: not given.
        model: value of ``--model``; None: not given.
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
    """Check the settings, SQLite or Elasticsearch, and the store: its location, contents and permissions."""
    section = "Index"
    yield _settings(section)
    yield attempt(section, "SQLite", partial(_sqlite, section))
    if is_url(settings.store):
        server = attempt(section, "Elasticsearch", partial(_elastic, section, settings.store))
        yield server
        if server.status == "problem":  # the store would have the same
            return
    yield attempt(section, "store", partial(_store, section, settings.store))


def _settings(section: str) -> Check:
    path = configuration_path()
    source = str(path) if path.exists() else "no configuration file"
    names = sorted(name for name in os.environ if name.startswith("AUDIOSEARCH_"))
    return Check(section, "settings", ", ".join([source, *(f"${name}" for name in names)]))


def _sqlite(section: str) -> Check:
    from indexer.sqlite.file import sqlite_version

    return Check(section, "SQLite", sqlite_version())


def _elastic(section: str, url: str) -> Check:
    """Check that the server can be reached, and that its version fits the client."""
    from indexer.elastic.client import Server
    from indexer.elastic.connection import address

    target = address(url)
    name = "Elasticsearch"
    try:
        socket.create_connection((target.host, target.port), CONNECT_TIMEOUT).close()
    except OSError as error:
        remedy = "check that the server is running and the URL is right"
        advice = f"{target.server} cannot be reached ({reason_of(error)}); {remedy}."
        return Check(section, name, "not reached", "problem", advice)
    server = Server(target)
    try:
        installed = server.version()
    finally:
        server.close()
    client = version("elasticsearch")
    value = f"{installed or 'unknown version'} at {target.server}, client {client}"
    if not installed:
        return Check(section, name, value)
    theirs, ours = (int(number.partition(".")[0]) for number in (installed, client))
    if theirs - ours in (0, 1):  # a client supports servers of its own major version and the next
        return Check(section, name, value)
    advice = f"The client does not support this server: pip install 'elasticsearch=={theirs}.*'."
    return Check(section, name, value, "problem", advice)


def _store(section: str, store: str) -> Check:
    if not is_url(store) and not Path(store).expanduser().exists():
        return _missing_store(section, Path(store).expanduser().absolute())
    with open_index(store, create=False) as index:
        recordings = index.statistics().recordings
    contents = f"{recordings:,} recording{'' if recordings == 1 else 's'}"
    if is_url(store):
        from indexer.elastic.connection import address

        return Check(section, "store", f"{address(store).shown}: {contents}")
    path = Path(store).expanduser().absolute()
    read_only = next((candidate for candidate in (path, path.parent) if not os.access(candidate, os.W_OK)), None)
    if read_only is None:
        open_index(store, create=True).close()  # check that it can be opened for writing
        return Check(section, "store", f"{path}: {contents}, can be written")
    advice = f"It can be searched, but nothing can be indexed into it: you have no write permission for {read_only}."
    return Check(section, "store", f"{path}: {contents}, read-only", "warning", advice)


def _missing_store(section: str, path: Path) -> Check:
    folder = next(parent for parent in path.parents if parent.exists())
    if folder.is_dir() and os.access(folder, os.W_OK):
        return Check(section, "store", f"{path}: does not exist yet", advice="`audiosearch index FOLDER` creates it.")
    advice = f"It cannot be created: you have no write permission for {folder}; name another with --store."
    return Check(section, "store", f"{path}: does not exist", "problem", advice)
