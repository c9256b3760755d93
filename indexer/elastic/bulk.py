"""Writing many documents: requests of limited size, smaller ones if a server is slow, and again while it is busy.

Every document has an id of its own, so that sending it twice stores it once::

    413, too large        in halves; later requests are no larger than these
    no answer in time     in quarters, after a pause; a single document again
    429, 502, 503         the same request again, after a pause
    documents rejected    these again, after a pause
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiosearch.errors import RefusedError, StoreError
from indexer.elastic import client
from indexer.elastic.client import LIMIT, NoAnswerError, Server, TooLargeError

MAX_DOCUMENTS = 200
"""Documents in a request."""

MAX_UNANSWERED = 4
"""Requests in a row without an answer in time, after which writing fails."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Lines of a bulk request about one document."""

    id: str
    lines: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes in a request."""
        return sum(len(line) + 1 for line in self.lines)


def write(server: Server, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write and delete documents: an action, which for "index" is followed by the document.

    Raises:
        RefusedError: documents that can never be written; the rest of the same request is written.
        StoreError: the server fails, or stays busy or silent.
    """
    for request in _requests(server, lines):
        batch = _Batch(server)
        batch.write(request)
        if batch.refused:
            raise RefusedError(f"{server.shown} refuses {' and '.join(batch.refused)}")


class _Batch:
    """The documents of one request, until all are written or refused.

    Attributes:
        refused: documents that can never be written, with the reasons.
    """

    def __init__(self, server: Server) -> None:
        self.refused: list[str] = []
        self._server = server
        self._unanswered = 0

    def write(self, operations: Sequence[Operation]) -> None:
        """Send operations until none is left."""
        pending = list(operations)
        for pause in (*client.RETRY_SECONDS, None):
            pending = self._send(pending)
            if not pending:
                return
            if pause is None:
                raise StoreError(f"{self._server.shown} is too busy to take more words: try again later")
            time.sleep(pause)

    def _send(self, operations: Sequence[Operation]) -> list[Operation]:
        """Send operations, in parts if they are too large or take too long, and return those to send again."""
        parts = 2
        try:
            response = self._server.send_bulk([line for operation in operations for line in operation.lines])
        except TooLargeError:
            if len(operations) == 1:
                size = f"{operations[0].size / 1e6:.1f} MB"
                self.refused.append(f"{operations[0].id} ({size}, larger than it accepts: {LIMIT})")
                return []
        except NoAnswerError:
            parts = 4  # each of these requests takes a minute
            self._unanswered += 1
            if self._unanswered == MAX_UNANSWERED:
                raise
            time.sleep(client.RETRY_SECONDS[-1])
            if len(operations) == 1:
                return self._send(operations)
        else:
            self._unanswered = 0
            return self._rejected(operations, response["items"]) if response["errors"] else []
        size_of_part = sum(operation.size for operation in operations) // parts
        self._server.max_bulk_bytes = min(self._server.max_bulk_bytes, size_of_part)
        step = -(-len(operations) // parts)
        return [
            rejected
            for first in range(0, len(operations), step)
            for rejected in self._send(operations[first : first + step])
        ]

    def _rejected(self, operations: Sequence[Operation], items: Sequence[Mapping[str, Any]]) -> list[Operation]:
        """Operations to send again."""
        rejected: list[Operation] = []
        for operation, item in zip(operations, items, strict=True):
            (result,) = item.values()
            status, error = result["status"], result.get("error")
            if not error:  # written, or absent and not to be deleted
                continue
            kind, reason = client.kind_and_reason(error)
            message = client.message(status, kind)
            if status in client.BUSY and message != client.BLOCKED:
                rejected.append(operation)
            elif status == 400:
                self.refused.append(f"{result['_id']} ({reason or kind or 'without a reason'})")
            else:
                message = message or f"answers with an error (status {status}){reason and f': {reason}'}"
                raise StoreError(f"{self._server.shown} {message}")
        return rejected


def _requests(server: Server, lines: Iterable[Mapping[str, Any]]) -> Iterator[list[Operation]]:
    """Operations in requests of at most ``server.max_bulk_bytes`` and MAX_DOCUMENTS."""
    request: list[Operation] = []
    size = 0
    for operation in _operations(iter(lines)):
        if request and (size + operation.size > server.max_bulk_bytes or len(request) == MAX_DOCUMENTS):
            yield request
            request, size = [], 0
        request.append(operation)
        size += operation.size
    if request:
        yield request


def _operations(lines: Iterator[Mapping[str, Any]]) -> Iterator[Operation]:
    for action in lines:
        ((kind, target),) = action.items()
        parts = [action, next(lines)] if kind == "index" else [action]
        yield Operation(target["_id"], tuple(map(_json, parts)))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
