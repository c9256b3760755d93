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
from indexer.elastic.answers import BLOCKED, BUSY, complaint, unwritten
from indexer.elastic.connection import Address, pinned

RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before the retries of a request to a busy server."""

REQUEST_SECONDS = 60.0
"""Timeout of one request."""

PAGE = 500
"""Documents of one response, about 3 MB of passages."""

KEEP_ALIVE = "5m"
"""Time for which the server keeps an unused snapshot."""

BULK = 200
"""Documents of one bulk request, about 1.5 MB."""


SERVERS = (8, 9)
"""Major versions of the servers that this speaks to, whichever of these versions the client library has."""


class _Transport(elastic_transport.Transport):
    """Requests in the form of the oldest server: a client of version 9 would else be refused by servers of version 8.

    A server answers requests of its own major version and of the one before, which it reads from these headers:
    https://www.elastic.co/docs/reference/elasticsearch/rest-apis/compatibility
    """

    def perform_request(self, *arguments: Any, **options: Any) -> elastic_transport.TransportApiResponse:
        headers = options.get("headers") or {}
        for name in ("accept", "content-type"):
            if name in headers:
                headers[name] = re.sub(r"(?<=compatible-with=)\d+", str(min(SERVERS)), headers[name])
        return super().perform_request(*arguments, **options)


@dataclass
class Snapshot:
    """Fixed state of the index; without an id each search sees the latest state."""

    id: str | None


class Server:
    """Requests about one index; every method raises StoreError if the server fails."""

    def __init__(self, address: Address) -> None:
        self.shown = address.shown
        self.name = address.name
        self._reached = False
        self._require_alias = False
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
        answer = self._ask(self._client.options(ignore_status=(403, 404, 405)).info)
        number: str = answer.get("version", {}).get("number", "") if isinstance(answer, dict) else ""
        return number

    # The index

    def mappings(self) -> dict[str, Any] | None:
        """Mapping of the index; None if the index does not exist."""
        with self._errors():
            try:
                answer = self._answer(self._client.indices.get_mapping, index=self.name)
            except elasticsearch.NotFoundError as error:
                if error.meta.headers.get("x-elastic-product") != "Elasticsearch":
                    raise StoreError(f"{self.shown} is not an Elasticsearch: check the URL") from error
                return None
        if len(answer) > 1:
            raise StoreError(f"{self.shown} stands for {len(answer)} indices, {' and '.join(answer)}: let it be one")
        ((index, about),) = answer.items()
        # What is written to a name that has gone would make an index of that name, with any mapping.
        self._require_alias = index != self.name
        mappings: dict[str, Any] = about["mappings"]
        return mappings

    def create(self, index: str, **about: Any) -> None:
        """Create an index with these mappings, settings and aliases, unless it exists by now."""
        with self._errors():
            try:
                self._answer(self._client.indices.create, index=index, **about)
            except elasticsearch.BadRequestError as error:
                if error.error not in ("resource_already_exists_exception", "invalid_alias_name_exception"):
                    raise

    def put_template(self, name: str, **about: Any) -> None:
        """Create an index template; nothing happens if the user lacks the right."""
        with self._errors():
            try:
                self._answer(self._client.indices.put_index_template, name=name, **about)
            except elasticsearch.AuthorizationException:
                return

    def refresh(self) -> None:
        """Make written documents visible to searches."""
        self._ask(self._client.indices.refresh, index=self.name)

    def bytes(self) -> int:
        """Size of the index on the server's disks."""
        answer = self._ask(self._client.indices.stats, index=self.name, metric="store")
        size: int = answer["_all"]["total"]["store"]["size_in_bytes"]
        return size

    # Single documents

    def get(self, document_id: str) -> tuple[dict[str, Any], dict[str, int]] | None:
        """Document and the identification of its version; None if it does not exist."""
        answer = self._ask(self._client.options(ignore_status=404).get, index=self.name, id=document_id)
        if not answer.get("found"):
            return None
        return answer["_source"], {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]}

    def documents(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Existing documents of these ids in their current version, in this order."""
        ids = iter(ids)
        found = []
        while part := list(islice(ids, PAGE)):
            found += [each["_source"] for each in self._multi_get(part) if each.get("found")]
        return found

    def _multi_get(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Response for each of these ids; retried on errors, as while an alias moves."""
        for pause in (*RETRY_SECONDS, None):
            responses: list[dict[str, Any]] = self._ask(self._client.mget, index=self.name, ids=ids)["docs"]
            errors = [each["error"] for each in responses if "error" in each]
            if not errors:
                return responses
            if pause is None:
                raise StoreError(f"{self.shown} answers with an error: {errors[0].get('reason')}")
            time.sleep(pause)
        raise AssertionError

    def replace(self, document_id: str, document: Mapping[str, Any] | None, state: Mapping[str, int] | None) -> bool:
        """Write a document, or delete it with None, if its version is still ``state``; False if it changed."""
        client = self._client.options(ignore_status=409)
        where: dict[str, Any] = {"index": self.name, "id": document_id}
        if document is not None:
            condition: Mapping[str, Any] = {"op_type": "create"} if state is None else state
            alias = {"require_alias": True} if self._require_alias else {}
            answer = self._ask(client.index, **where, document=document, **alias, **condition)
        elif state is not None:
            answer = self._ask(self._client.options(ignore_status=(404, 409)).delete, **where, **state)
        else:
            return True
        return "error" not in answer and answer.get("result") != "not_found"

    # Many documents

    def count(self, query: Mapping[str, Any]) -> int:
        """Number of documents that match a query."""
        number: int = self._ask(self._client.count, index=self.name, query=query)["count"]
        return number

    def search(self, **body: Any) -> dict[str, Any]:
        """Response of the server to a search."""
        whole = {"allow_partial_search_results": False}
        answer: dict[str, Any] = self._ask(self._client.search, index=self.name, **whole, **body)
        return answer

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
            answer = self._ask(self._client.search, index=self.name, **search)
        else:
            answer = self._ask(self._client.search, pit={"id": snapshot.id, "keep_alive": KEEP_ALIVE}, **search)
            snapshot.id = answer.get("pit_id", snapshot.id)
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
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
            with self.snapshot() as own:
                yield from self.pages(query, order, fields, own)
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
        kept = Snapshot(self._ask(client.open_point_in_time, index=self.name, keep_alive=KEEP_ALIVE).get("id"))
        try:
            yield kept
        finally:
            if kept.id is not None:
                self._ask(self._client.options(ignore_status=404).close_point_in_time, id=kept.id)

    def bulk(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write all documents, with retries for those that a busy server rejects.

        Raises:
            RefusedError: some can never be written; the others of the same request are written.
        """
        lines = iter(lines)
        alias = {"require_alias": True} if self._require_alias else {}
        while waiting := list(islice(lines, 2 * BULK)):
            refused: list[str] = []
            for pause in (*RETRY_SECONDS, None):
                answer = self._ask(self._client.bulk, index=self.name, operations=waiting, **alias)
                waiting = unwritten(self.shown, waiting, answer, refused) if answer["errors"] else []
                if not waiting:
                    break
                if pause is None:
                    raise StoreError(f"{self.shown} is too busy to take more words: try again later")
                time.sleep(pause)
            if refused:
                raise RefusedError(f"{self.shown} refuses {' and '.join(refused)}")

    # Requests

    def _ask(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Response of a method of the client."""
        with self._errors():
            return self._answer(method, **arguments)

    def _answer(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Response, or the client's own error; a busy server is retried for a while."""
        for pause in (*RETRY_SECONDS, None):
            try:
                body = method(**arguments).body
            except elasticsearch.ApiError as error:
                self._reached = True
                if error.status_code not in BUSY or pause is None or _message(error) == BLOCKED:
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
            sentence = _message(error) or f"answers with an error (status {error.status_code}): {error}"
            raise StoreError(f"{self.shown} {sentence}") from error


def _message(error: elasticsearch.ApiError) -> str:
    """Message for an error response; empty if unknown."""
    body = error.body if isinstance(error.body, dict) else {}
    about = body.get("error")
    return complaint(error.status_code, about.get("type") or "" if isinstance(about, dict) else "")
