"""Messages for error responses of an Elasticsearch server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiosearch.errors import StoreError
from indexer.elastic.connection import LOGIN

BUSY = frozenset({429, 502, 503, 504})
"""HTTP statuses after which a retry may succeed."""

BLOCKED = "takes no changes: its disk is nearly full, or it was made read-only"


def complaint(status: int, kind: str) -> str:
    """Message for a status and a type of error; empty if unknown."""
    if kind == "cluster_block_exception" and status in (403, 429):  # with 503 the server is starting
        return BLOCKED
    if kind == "media_type_header_exception":
        return "is older than the client: install the package elasticsearch in the major version of the server"
    if status in (401, 403):
        return f"refuses this user: {LOGIN}"
    if status in BUSY:
        return f"is too busy or not ready (status {status}): try again later"
    if kind == "index_not_found_exception":
        return "is gone: run `audiosearch index FOLDER` again"
    return ""


def unwritten(
    shown: str, lines: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], refused: list[str]
) -> list[Mapping[str, Any]]:
    """Lines of a bulk request to be sent again; documents that can never be written are added to ``refused``."""
    again: list[Mapping[str, Any]] = []
    pairs = bool(lines) and "index" in lines[0]
    for place, item in enumerate(answer["items"]):
        (result,) = item.values()
        status, error = result["status"], result.get("error", {})
        told = complaint(status, error.get("type") or "")
        if status in BUSY and told != BLOCKED:
            again.extend(lines[2 * place : 2 * place + 2] if pairs else lines[place : place + 1])
        elif status == 400:
            refused.append(f"{result['_id']} ({error.get('reason')})")
        elif error:
            told = told or f"answers with an error (status {status}): {error.get('reason')}"
            raise StoreError(f"{shown} {told}")
    return again
