"""One index on an Elasticsearch server; the only file that touches the client library.

Requests to a busy server are retried for a while, and errors become StoreError with a message. The library's types do
not leave this file: responses are plain dictionaries and lists.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import elastic_transport
import elasticsearch

from audiosearch.errors import RefusedError, StoreError
from indexer.elastic.connection import LOGIN, Address, pinned

RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before the retries of a request to a busy server."""

REQUEST_SECONDS = 60.0
"""Timeout of one request."""

PAGE = 500
"""Maximum number of documents in a response, about 3 MB of passages."""

KEEP_ALIVE = "5m"
"""Time for which the server keeps an unused snapshot."""

MAX_BULK_BYTES = 900_000
"""Size of a bulk request; proxies often refuse bodies above 1 MB, as nginx by default."""

MAX_BULK = 200
"""Documents in a bulk request."""

TOO_LARGE = 413
"""HTTP status of a request that a proxy or the server refuses for its size."""

LIMIT = "raise its limit, or that of a proxy before it (nginx: client_max_body_size)"

BUSY = frozenset({429, 502, 503, 504})
"""HTTP statuses after which a retry may succeed."""

BLOCKED = "takes no changes: its disk is nearly full, or it was made read-only"

OLDEST_SERVER = 8
"""Oldest supported major version of servers."""


class _Transport(elastic_transport.Transport):
    """Requests in the format of OLDEST_SERVER, which servers of the next major version accept as well.

    The headers state the version: https://www.elastic.co/docs/reference/elasticsearch/rest-apis/compatibility
    """

    def perform_request(self, *arguments: Any, **options: Any) -> elastic_transport.TransportApiResponse:
        headers = options.get("headers") or {}
        for name in ("accept", "content-type"):
            if name in headers:
                headers[name] = re.sub(r"(?<=compatible-with=)\d+", str(OLDEST_SERVER), headers[name])
        return super().perform_request(*arguments, **options)


class TooLargeError(RefusedError):
    """A request is larger than the server, or a proxy before it, accepts."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Lines of a bulk request about one document."""

    id: str
    lines: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes in a request."""
        return sum(len(line) + 1 for line in self.lines)


@dataclass
class Snapshot:
    """Point-in-time view of the index; without an id each search sees the latest state."""

    id: str | None


class Server:
    """Requests about one index; every method raises StoreError if the server fails."""

    def __init__(self, address: Address) -> None:
        self.shown = address.shown
        self.name = address.name
        self._reached = False
        self._require_alias = False
        self._max_bulk_bytes = MAX_BULK_BYTES
        self._client = elasticsearch.Elasticsearch(
            address.server,
            request_timeout=REQUEST_SECONDS,
            max_retries=0,
            transport_class=_Transport,
            **address.options,
            **self._trust(address),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _trust(self, address: Address) -> dict[str, Any]:
        """Client options to trust the certificate of a fingerprint, if one is given."""
        if not address.fingerprint:
            return {}
        try:
            context = pinned(address.host, address.port, address.fingerprint, REQUEST_SECONDS)
        except OSError as error:
            raise StoreError(f"{self.shown} cannot be reached: {error}") from error
        return {"ssl_context": context}

    def version(self) -> str:
        """Version of the server; empty if this user may not read it."""
        response = self._ask(self._client.options(ignore_status=(403, 404, 405)).info)
        number: str = response.get("version", {}).get("number", "") if isinstance(response, dict) else ""
        return number

    # The index

    def mappings(self) -> dict[str, Any] | None:
        """Mapping of the index; None if the index does not exist."""
        with self._errors():
            try:
                indices = self._retry(self._client.indices.get_mapping, index=self.name)
            except elasticsearch.NotFoundError as error:
                if error.meta.headers.get("x-elastic-product") != "Elasticsearch":
                    raise StoreError(f"{self.shown} is not an Elasticsearch: check the URL") from error
                return None
        if len(indices) > 1:
            raise StoreError(f"{self.shown} is an alias of {len(indices)} indices, {' and '.join(indices)}: keep one")
        ((index, metadata),) = indices.items()
        # If the alias were gone, a write without require_alias would create an index of its name with any mapping.
        self._require_alias = index != self.name
        mappings: dict[str, Any] = metadata["mappings"]
        return mappings

    def create(self, index: str, **definition: Any) -> None:
        """Create an index with these mappings, settings and aliases, unless it exists by now."""
        with self._errors():
            try:
                self._retry(self._client.indices.create, index=index, **definition)
            except elasticsearch.BadRequestError as error:
                if error.error not in ("resource_already_exists_exception", "invalid_alias_name_exception"):
                    raise

    def put_template(self, name: str, **definition: Any) -> None:
        """Create an index template; nothing happens if the user lacks the right."""
        with self._errors():
            try:
                self._retry(self._client.indices.put_index_template, name=name, **definition)
            except elasticsearch.AuthorizationException:
                return

    def refresh(self) -> None:
        """Make written documents visible to searches."""
        self._ask(self._client.indices.refresh, index=self.name)

    def bytes(self) -> int:
        """Size of the index on the server's disks."""
        statistics = self._ask(self._client.indices.stats, index=self.name, metric="store")
        size: int = statistics["_all"]["total"]["store"]["size_in_bytes"]
        return size

    # Single documents

    def get(self, document_id: str) -> tuple[dict[str, Any], dict[str, int]] | None:
        """Document and the identification of its version; None if it does not exist."""
        response = self._ask(self._client.options(ignore_status=404).get, index=self.name, id=document_id)
        if not response.get("found"):
            return None
        return response["_source"], {"if_seq_no": response["_seq_no"], "if_primary_term": response["_primary_term"]}

    def documents(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Existing documents of these ids in their current version, in this order."""
        ids = iter(ids)
        documents = []
        while part := list(islice(ids, PAGE)):
            documents += [response["_source"] for response in self._multi_get(part) if response.get("found")]
        return documents

    def _multi_get(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Response for each of these ids; retried on errors, as while an alias moves."""
        for pause in (*RETRY_SECONDS, None):
            responses: list[dict[str, Any]] = self._ask(self._client.mget, index=self.name, ids=ids)["docs"]
            errors = [response["error"] for response in responses if "error" in response]
            if not errors:
                return responses
            if pause is None:
                raise StoreError(f"{self.shown} answers with an error: {errors[0].get('reason')}")
            time.sleep(pause)
        raise AssertionError

    def replace(self, document_id: str, document: Mapping[str, Any] | None, state: Mapping[str, int] | None) -> bool:
        """Write a document, or delete it with None, if its version is still ``state``; False if it changed."""
        client = self._client.options(ignore_status=409)
        target: dict[str, Any] = {"index": self.name, "id": document_id}
        if document is not None:
            condition: Mapping[str, Any] = {"op_type": "create"} if state is None else state
            alias = {"require_alias": True} if self._require_alias else {}
            response = self._ask(client.index, **target, document=document, **alias, **condition)
        elif state is not None:
            response = self._ask(self._client.options(ignore_status=(404, 409)).delete, **target, **state)
        else:
            return True
        return "error" not in response and response.get("result") != "not_found"

    # Many documents

    def count(self, query: Mapping[str, Any]) -> int:
        """Number of documents that match a query."""
        number: int = self._ask(self._client.count, index=self.name, query=query)["count"]
        return number

    def search(self, **body: Any) -> dict[str, Any]:
        """Response of the server to a search."""
        response: dict[str, Any] = self._ask(
            self._client.search, index=self.name, allow_partial_search_results=False, **body
        )
        return response

    def hits(
        self,
        query: Mapping[str, Any],
        order: Sequence[str],
        fields: Sequence[str] | bool,
        size: int,
        snapshot: Snapshot | None = None,
        after: Sequence[Any] = (),
    ) -> list[dict[str, Any]]:
        """First documents that match a query.

        Args:
            order: fields to sort by, descending with - in front; "-_score": best match first.
            fields: to return; True: all, False: none.
            size: maximum number of documents.
            snapshot: state of the index; None: the latest.
            after: ``sort`` of the last document of the response before.
        """
        search: dict[str, Any] = {
            "query": query if "-_score" in order else {"constant_score": {"filter": query}},
            "sort": [{field.lstrip("-"): "desc" if field[0] == "-" else "asc"} for field in order],
            "source": fields,
            "size": size,
            "track_total_hits": False,
            "allow_partial_search_results": False,
            **({"search_after": after} if after else {}),
        }
        if snapshot is None or snapshot.id is None:
            response = self._ask(self._client.search, index=self.name, **search)
        else:
            response = self._ask(self._client.search, pit={"id": snapshot.id, "keep_alive": KEEP_ALIVE}, **search)
            snapshot.id = response.get("pit_id", snapshot.id)
        hits: list[dict[str, Any]] = response["hits"]["hits"]
        return hits

    def pages(
        self,
        query: Mapping[str, Any],
        order: Sequence[str],
        fields: Sequence[str] | bool,
        snapshot: Snapshot | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """All documents that match a query, page by page, from one snapshot if the server supports it.

        Args:
            order: as in ``hits``, of fields that together are unique.
        """
        if snapshot is None:
            hits = self.hits(query, order, fields, PAGE)
            if len(hits) < PAGE:
                yield hits
                return
            with self.snapshot() as new_snapshot:
                yield from self.pages(query, order, fields, new_snapshot)
            return
        after: Sequence[Any] = ()
        size = -(-PAGE // 4)  # the caller may stop early
        while True:
            hits = self.hits(query, order, fields, size, snapshot, after)
            yield hits
            if len(hits) < size:
                return
            after, size = hits[-1]["sort"], min(2 * size, PAGE)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Snapshot of the index for later searches."""
        client = self._client.options(ignore_status=(400, 404, 405))
        snapshot = Snapshot(self._ask(client.open_point_in_time, index=self.name, keep_alive=KEEP_ALIVE).get("id"))
        try:
            yield snapshot
        finally:
            if snapshot.id is not None:
                self._ask(self._client.options(ignore_status=404).close_point_in_time, id=snapshot.id)

    def bulk(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write all documents, with retries for those that a busy server rejects.

        Raises:
            RefusedError: documents that can never be written; the rest of the same request is written.
        """
        for request in _requests(lines, lambda: self._max_bulk_bytes):
            refused: list[str] = []
            pending = request
            for pause in (*RETRY_SECONDS, None):
                pending = self._send(pending, refused)
                if not pending:
                    break
                if pause is None:
                    raise StoreError(f"{self.shown} is too busy to take more words: try again later")
                time.sleep(pause)
            if refused:
                raise RefusedError(f"{self.shown} refuses {' and '.join(refused)}")

    def _send(self, operations: Sequence[Operation], refused: list[str]) -> list[Operation]:
        """Send operations, in halves if they are too large for one request, and return those to send again.

        Documents that can never be written are added to ``refused``.
        """
        alias = {"require_alias": True} if self._require_alias else {}
        lines = [line for operation in operations for line in operation.lines]
        try:
            response = self._ask(self._client.bulk, index=self.name, operations=lines, **alias)
        except TooLargeError:
            if len(operations) == 1:
                size = f"{operations[0].size / 1e6:.1f} MB"
                refused.append(f"{operations[0].id} ({size}, larger than it accepts: {LIMIT})")
                return []
            self._max_bulk_bytes = min(self._max_bulk_bytes, sum(operation.size for operation in operations) // 2)
            middle = len(operations) // 2
            return self._send(operations[:middle], refused) + self._send(operations[middle:], refused)
        return self._rejected(operations, response["items"], refused) if response["errors"] else []

    def _rejected(
        self, operations: Sequence[Operation], items: Sequence[Mapping[str, Any]], refused: list[str]
    ) -> list[Operation]:
        """Operations to send again; documents that can never be written are added to ``refused``."""
        rejected: list[Operation] = []
        for operation, item in zip(operations, items, strict=True):
            (result,) = item.values()
            status, error = result["status"], result.get("error", {})
            message = _message(status, error.get("type") or "")
            if status in BUSY and message != BLOCKED:
                rejected.append(operation)
            elif status == 400:
                refused.append(f"{result['_id']} ({error.get('reason')})")
            elif error:
                message = message or f"answers with an error (status {status}): {error.get('reason')}"
                raise StoreError(f"{self.shown} {message}")
        return rejected

    # Requests

    def _ask(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Response to a method of the client, with retries; errors become StoreError."""
        with self._errors():
            return self._retry(method, **arguments)

    def _retry(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Response to a method of the client; while the server is busy it is retried, then the client's own error."""
        for pause in (*RETRY_SECONDS, None):
            try:
                body = method(**arguments).body
            except elasticsearch.ApiError as error:
                self._reached = True
                if error.status_code not in BUSY or pause is None or _message_of(error) == BLOCKED:
                    raise
            except elastic_transport.ConnectionError:
                # A server that was reached before may come back; otherwise fail at once.
                if not self._reached or pause is None:
                    raise
            else:
                self._reached = True
                return body
            time.sleep(pause)
        raise AssertionError

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors of the client into StoreError."""
        try:
            yield
        except elastic_transport.ConnectionTimeout as error:
            raise StoreError(f"{self.shown} does not answer within {REQUEST_SECONDS:.0f} seconds") from error
        except elastic_transport.TlsError as error:
            raise StoreError(f"{self.shown} cannot be reached safely: {error.message}") from error
        except elastic_transport.ConnectionError as error:
            raise StoreError(f"{self.shown} cannot be reached: is the server running, and the URL right?") from error
        except (elasticsearch.UnsupportedProductError, elastic_transport.SerializationError) as error:
            raise StoreError(f"{self.shown} is not an Elasticsearch: check the URL") from error
        except elasticsearch.ApiError as error:
            if error.status_code == TOO_LARGE:
                raise TooLargeError(f"{self.shown} refuses a request of this size: {LIMIT}") from error
            message = _message_of(error) or f"answers with an error (status {error.status_code}){_reason(error)}"
            raise StoreError(f"{self.shown} {message}") from error


def _requests(lines: Iterable[Mapping[str, Any]], max_bytes: Callable[[], int]) -> Iterator[list[Operation]]:
    """Bulk operations of lines, grouped into requests of at most ``max_bytes()`` and MAX_BULK operations."""
    request: list[Operation] = []
    size = 0
    for operation in _operations(iter(lines)):
        if request and (size + operation.size > max_bytes() or len(request) == MAX_BULK):
            yield request
            request, size = [], 0
        request.append(operation)
        size += operation.size
    if request:
        yield request


def _operations(lines: Iterator[Mapping[str, Any]]) -> Iterator[Operation]:
    """Bulk operations of lines: an "index" is followed by its document."""
    for action in lines:
        ((kind, target),) = action.items()
        parts = [action, next(lines)] if kind == "index" else [action]
        yield Operation(target["_id"], tuple(_JSON.dumps(part) for part in parts))


_JSON = elastic_transport.JsonSerializer()


def _reason(error: elasticsearch.ApiError) -> str:
    """Reason given in an error response, after a colon; empty if there is none."""
    cause = error.body.get("error") if isinstance(error.body, dict) else None
    reason = cause.get("reason") if isinstance(cause, dict) else cause
    return f": {reason}" if isinstance(reason, str) and reason else ""


def _message_of(error: elasticsearch.ApiError) -> str:
    """Message for an error response; empty if unknown."""
    cause = error.body.get("error") if isinstance(error.body, dict) else None
    return _message(error.status_code, cause.get("type") or "" if isinstance(cause, dict) else "")


def _message(status: int, kind: str) -> str:
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
