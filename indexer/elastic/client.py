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
from functools import partial
from itertools import islice
from typing import Any

import elastic_transport
import elasticsearch

from audiosearch.errors import QueryError, RefusedError, StoreError, reason_of
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

TOO_LARGE = 413
"""HTTP status of a request that a proxy or the server refuses for its size."""

LIMIT = "raise its limit, or that of a proxy before it (nginx: client_max_body_size)"

NO_ANSWER = 504
"""HTTP status of a proxy whose server did not answer in time."""

BUSY = frozenset({429, 502, 503, NO_ANSWER})
"""HTTP statuses after which a retry may succeed."""

MAX_SILENCES = 2
"""Timeouts after which a small request that writes is sent again."""

TOO_COMPLEX = re.compile(
    "too_many_(nested_)?clauses|too_many_buckets|maxclausecount|result window is too large|terms query", re.IGNORECASE
)
"""Types and reasons of errors of searches that are beyond the limits of a server."""

BLOCKED = "takes no changes: its disk is nearly full, or it was made read-only"

OLDEST_SERVER = 8
"""Oldest supported major version of servers."""


Lines = Sequence[bytes]
"""Lines of a bulk request, in JSON."""


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


class NoAnswerError(StoreError):
    """There was no answer in time, from the server or from the server behind a proxy."""


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
        self.max_bulk_bytes = MAX_BULK_BYTES
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
            raise StoreError(f"{self.shown} cannot be reached: {reason_of(error)}") from error
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

    def put_mapping(self, properties: Mapping[str, Any]) -> None:
        """Add fields to the mapping of the index."""
        self._ask(self._client.indices.put_mapping, index=self.name, properties=properties)

    def is_writable(self) -> bool:
        """Return False if the settings of the index forbid writing; True if this user may not read them."""
        settings = self._client.options(ignore_status=403).indices.get_settings
        response = self._ask(settings, index=self.name, name="index.blocks.*", flat_settings=True)
        if "error" in response:
            return True
        blocks = [name for index in response.values() for name, on in index["settings"].items() if on == "true"]
        return not {"index.blocks.write", "index.blocks.read_only", "index.blocks.read_only_allow_delete"} & {*blocks}

    def put_template(self, name: str, **definition: Any) -> None:
        """Create an index template; nothing happens if the user lacks the right."""
        with self._errors():
            try:
                self._retry(self._client.indices.put_index_template, name=name, **definition)
            except elasticsearch.AuthorizationException:
                return

    def refresh(self) -> None:
        """Make written documents visible to searches."""
        self._ask(self._client.indices.refresh, patience=MAX_SILENCES, index=self.name)

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
                raise StoreError(f"{self.shown} answers with an error: {' '.join(kind_and_reason(errors[0]))}")
            time.sleep(pause)
        raise AssertionError

    def replace(self, document_id: str, document: Mapping[str, Any] | None, state: Mapping[str, int] | None) -> bool:
        """Write a document, or delete it with None, if its version is still ``state``; False if it changed."""
        client = self._client.options(ignore_status=409)
        target: dict[str, Any] = {"index": self.name, "id": document_id}
        if document is not None:
            condition: Mapping[str, Any] = {"op_type": "create"} if state is None else state
            alias = {"require_alias": True} if self._require_alias else {}
            write = partial(self._ask, client.index, patience=MAX_SILENCES)
            response = write(**target, document=document, **alias, **condition)
        elif state is not None:
            delete = self._client.options(ignore_status=(404, 409)).delete
            response = self._ask(delete, patience=MAX_SILENCES, **target, **state)
        else:
            return True
        return "error" not in response and response.get("result") != "not_found"

    # Many documents

    def count(self, query: Mapping[str, Any]) -> int:
        """Number of documents that match a query."""
        number: int = self._ask(self._client.count, patience=MAX_SILENCES, index=self.name, query=query)["count"]
        return number

    def search(self, **body: Any) -> dict[str, Any]:
        """Response of the server to a search."""
        return self._search(index=self.name, allow_partial_search_results=False, **body)

    def _search(self, **body: Any) -> dict[str, Any]:
        """Response to a search; QueryError if it is beyond the limits of the server."""
        sentence = f"the query is too large for {self.shown}: give fewer or shorter texts, and fewer paths"
        with self._errors():
            try:
                response: dict[str, Any] = self._retry(self._client.search, **body)
            except elasticsearch.ApiError as error:
                if error.status_code == TOO_LARGE or TOO_COMPLEX.search(" ".join(_causes(error.body))):
                    raise QueryError(sentence) from error
                raise
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
            response = self._search(index=self.name, **search)
        else:
            response = self._search(pit={"id": snapshot.id, "keep_alive": KEEP_ALIVE}, **search)
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

    def send_bulk(self, lines: Lines) -> dict[str, Any]:
        """Response to one bulk request (``bulk.py``).

        Raises:
            TooLargeError: the request is too large.
            NoAnswerError: there is no answer in time; documents may be written.
        """
        alias = {"require_alias": True} if self._require_alias else {}
        again = BUSY - {NO_ANSWER}
        response: dict[str, Any] = self._ask(
            self._client.bulk, again=again, index=self.name, operations=list(lines), **alias
        )
        return response

    # Requests

    def _ask(self, method: Callable[..., Any], /, **arguments: Any) -> Any:
        """Response to a method of the client, with retries; errors become StoreError."""
        with self._errors():
            return self._retry(method, **arguments)

    def _retry(
        self, method: Callable[..., Any], /, again: frozenset[int] = BUSY, patience: int = 0, **arguments: Any
    ) -> Any:
        """Response to a method of the client; while the server is busy it is retried, then the client's own error.

        Args:
            again: statuses after which to retry.
            patience: timeouts after which to retry.
        """
        for pause in (*RETRY_SECONDS, None):
            try:
                body = method(**arguments).body
            except elasticsearch.ApiError as error:
                self._reached = True
                if error.status_code not in again or pause is None or _message_of(error) == BLOCKED:
                    raise
            except elastic_transport.ConnectionError:
                # A server that was reached before may come back; otherwise fail at once.
                if not self._reached or pause is None:
                    raise
            except elastic_transport.ConnectionTimeout:
                patience -= 1
                if not self._reached or pause is None or patience < 0:
                    raise
            else:
                self._reached = True
                if not isinstance(body, dict):  # a page of a proxy
                    raise StoreError(f"{self.shown} is not an Elasticsearch: check the URL")
                return body
            time.sleep(pause)
        raise AssertionError

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors of the client into StoreError."""
        try:
            yield
        except elastic_transport.ConnectionTimeout as error:
            raise NoAnswerError(f"{self.shown} does not answer within {REQUEST_SECONDS:.0f} seconds") from error
        except elastic_transport.TlsError as error:
            raise StoreError(f"{self.shown} cannot be reached safely: {error.message}") from error
        except (elasticsearch.UnsupportedProductError, elastic_transport.SerializationError) as error:
            raise StoreError(f"{self.shown} is not an Elasticsearch: check the URL") from error
        except elastic_transport.TransportError as error:
            raise StoreError(f"{self.shown} cannot be reached: is the server running, and the URL right?") from error
        except elasticsearch.ApiError as error:
            if error.status_code == TOO_LARGE:
                raise TooLargeError(f"{self.shown} refuses a request of this size: {LIMIT}") from error
            kind = NoAnswerError if error.status_code == NO_ANSWER else StoreError
            raise kind(f"{self.shown} {_message_of(error) or _unknown(error)}") from error


def kind_and_reason(error: object) -> tuple[str, str]:
    """Type and reason of an error in a response; empty where the server does not state them."""
    if not isinstance(error, dict):
        return "", error if isinstance(error, str) else ""
    kind, reason = error.get("type"), error.get("reason")
    return kind if isinstance(kind, str) else "", reason if isinstance(reason, str) else ""


def _causes(body: object) -> list[str]:
    """Types and reasons in an error response, the outermost first."""
    causes = [body.get("error") if isinstance(body, dict) else None]
    for cause in causes:
        roots = cause.get("root_cause") if isinstance(cause, dict) else None
        inner = cause.get("caused_by") if isinstance(cause, dict) else None
        causes += [*(roots if isinstance(roots, list) else []), *([inner] if inner else [])]
    return [text for cause in causes for text in kind_and_reason(cause) if text]


def _unknown(error: elasticsearch.ApiError) -> str:
    """Message for any other error response, with the innermost reason if there is one."""
    reason = next((f": {cause}" for cause in reversed(_causes(error.body)) if " " in cause), "")
    return f"answers with an error (status {error.status_code}){reason}"


def _message_of(error: elasticsearch.ApiError) -> str:
    """Message for an error response; empty if unknown."""
    cause = error.body.get("error") if isinstance(error.body, dict) else None
    return message(error.status_code, kind_and_reason(cause)[0])


def message(status: int, kind: str) -> str:
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
