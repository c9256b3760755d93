"""Folders of the server that may be named on the page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from audiosearch.errors import QueryError
from indexer.paths import absolute, under

MAX_PATH_BYTES = 4096


def allowed_folder(typed: str, roots: Sequence[str], library: Callable[[], Iterable[str]]) -> str:
    """Absolute path of a folder that may be added.

    Args:
        typed: text of a user.
        roots: folders inside which all may be added; empty: ``library``.
        library: returns the folders with recordings.

    Raises:
        QueryError: it may not be added, or does not exist; outside the roots both give the same sentence.
    """
    if not typed.startswith("/") or "\0" in typed or len(typed.encode(errors="surrogatepass")) > MAX_PATH_BYTES:
        raise QueryError("folder must be an absolute path on the server, such as /srv/recordings")
    try:
        path = absolute(typed)
        allowed = [os.path.realpath(root) for root in roots or library()]
        if under(os.path.realpath(path), allowed):
            if Path(path).is_dir():
                return path
            raise QueryError("there is no such folder on the server")
    except (OSError, ValueError, RuntimeError):
        pass
    where = "the folders given by --add-from" if roots else "the folders of the library; --add-from allows others"
    raise QueryError(f"this folder may not be added: it must lie inside {where}")
