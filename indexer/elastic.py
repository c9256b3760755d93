"""An index in Elasticsearch; the only file that touches its client.

A recording is a document that names a generation of passages, which hold its words. It is replaced in steps, of which
one is visible: passages of a new generation are written and refreshed, then the recording names that generation (only
if nobody else changed it meanwhile), then the passages of the old one go. Readers take passages of no generation but
the one that is named, and look again for one that may have been named while they looked. What a killed writer leaves is
never seen, and is deleted when its recording is next added or removed.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import elastic_transport
import elasticsearch

from audiosearch.errors import StoreError, StoreVersionError
from audiosearch.types import Word
from indexer import documents, match, near
from indexer.documents import VERSION
from indexer.passages import STRIDE, Passage, cut, find
from indexer.types import CONTEXT_WORDS, Hit, Location, Phrase, Recording, Statistics

RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before a request is made again that the server was too busy for."""

BUSY = frozenset({429, 502, 503, 504})
"""HTTP statuses after which the same request may succeed."""

REQUEST_SECONDS = 60.0
"""How long one answer may take."""

PAGE = 500
"""Documents of one answer, about 3 MB of passages."""

BULK = 200
"""Documents of one bulk request, about 1.5 MB."""

WRITING_SECONDS = 3600
"""Age after which a generation of passages is no longer being written: it is named by its recording, or an orphan."""

KEPT = 10_000
"""Hits beyond which the worst are dropped while more come in."""


class ElasticIndex:
    """An ``Index`` on a server."""

    def __init__(self, url: str, *, create: bool) -> None:
        """Connect to ``http(s)://[user:password@]host[:port]/name``, and make the index with ``create``.

        The environment may give AUDIOSEARCH_ELASTICSEARCH_API_KEY, or AUDIOSEARCH_ELASTICSEARCH_USER and
        AUDIOSEARCH_ELASTICSEARCH_PASSWORD.
        """
        node, self._name, login = _parsed(url)
        self._shown = f"{node['scheme']}://{node['host']}:{node['port']}{node['path_prefix']}/{self._name}"
        self._reached = False
        self._client = elasticsearch.Elasticsearch([node], request_timeout=REQUEST_SECONDS, max_retries=0, **login)
        try:
            mappings = self._mappings()
            if mappings is None and create:
                self._create()
                mappings = self._mappings()
            if mappings is None:
                raise StoreError(f"there is no index at {self._shown}: run `audiosearch index FOLDER` first")
            self._check(mappings)
        except BaseException:
            self._client.close()
            raise

    # Connection

    def _mappings(self) -> dict[str, Any] | None:
        """The mapping of the index, or None where there is none."""
        with self._errors():
            try:
                answer = self._call(self._client.indices.get_mapping, index=self._name)
            except elasticsearch.NotFoundError as error:
                if error.meta.headers.get("x-elastic-product") != "Elasticsearch":
                    raise StoreError(f"{self._shown} is not an Elasticsearch: check the URL") from error
                return None
        # An alias has the mapping of the index that it stands for.
        (index,) = answer.values()
        mappings: dict[str, Any] = index["mappings"]
        return mappings

    def _create(self) -> None:
        with self._errors():
            try:
                self._call(
                    self._client.indices.create,
                    index=self._name,
                    mappings=documents.MAPPINGS,
                    settings=documents.SETTINGS,
                )
            except elasticsearch.BadRequestError as error:
                if error.error != "resource_already_exists_exception":  # somebody was quicker
                    raise

    def _check(self, mappings: Mapping[str, Any]) -> None:
        meta = mappings.get("_meta", {})
        if meta.get("application") != "audiosearch" or not isinstance(meta.get("version"), int):
            raise StoreError(f"{self._shown} is not an index of audiosearch: give another name after the last /")
        if meta["version"] > VERSION:
            raise StoreVersionError(
                f"{self._shown} was written by a newer version of audiosearch (mapping version {meta['version']}, this "
                f"one reads up to {VERSION}): install that version"
            )

    def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """The answer to a method of the client; what the server is too busy for is asked again, for a while."""
        for pause in (*RETRY_SECONDS, None):
            try:
                body = method(**arguments).body
            except elasticsearch.ApiError as error:
                if error.status_code not in BUSY or pause is None:
                    raise
            except elastic_transport.ConnectionError:
                # A server that was there may come back; one that never was is told of at once.
                if not self._reached or pause is None:
                    raise
            else:
                self._reached = True
                return body
            time.sleep(pause)
        raise AssertionError

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What goes wrong with the server becomes a sentence."""
        try:
            yield
        except elastic_transport.ConnectionTimeout as error:
            raise StoreError(f"{self._shown} does not answer within {REQUEST_SECONDS:.0f} seconds") from error
        except elastic_transport.TlsError as error:
            raise StoreError(f"{self._shown} cannot be reached safely: {error.message}") from error
        except elastic_transport.ConnectionError as error:
            raise StoreError(f"{self._shown} cannot be reached: is the server running, and the URL right?") from error
        except (elasticsearch.UnsupportedProductError, elastic_transport.SerializationError) as error:
            raise StoreError(f"{self._shown} is not an Elasticsearch: check the URL") from error
        except elasticsearch.ApiError as error:
            raise StoreError(f"{self._shown} {_complaint(error)}") from error

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def __enter__(self) -> ElasticIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def add(self, recording: Recording, words: Sequence[Word]) -> None:
        """Keep a recording, in the place of one with its id."""
        generation = f"{_generation_before(0)}-{uuid.uuid4().hex[:12]}"
        passages = list(cut(words))
        document = documents.recording_document(recording, generation, len(words))
        with self._errors():
            self._bulk(
                line
                for passage in passages
                for line in (
                    {"index": {"_id": documents.passage_id(recording.id, generation, passage.number)}},
                    documents.passage_document(recording.id, generation, passage),
                )
            )
            self._refresh()
            self._check_written(recording, generation, len(passages))
            replaced = self._replace(recording.id, lambda _: document)
            self._sweep(recording.id, replaced - {generation}, generation)
            self._refresh()

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        """Change where a recording lies."""

        def moved(document: dict[str, Any] | None) -> dict[str, Any]:
            if document is None:
                raise StoreError(f"{self._shown} holds no recording {recording_id}")
            return {**document, "locations": documents.locations_field(locations)}

        with self._errors():
            self._replace(recording_id, moved)
            self._refresh()

    def remove(self, recording_id: str) -> None:
        """Forget a recording."""
        with self._errors():
            self._sweep(recording_id, self._replace(recording_id, lambda _: None), None)
            self._refresh()

    def _replace(self, recording_id: str, change: Callable[[dict[str, Any] | None], dict[str, Any] | None]) -> set[str]:
        """Put what ``change`` makes of a recording's document in its place, with nobody's change in between.

        Returns:
            generations that the document named before, more than one where somebody else was at it too.
        """
        before = set()
        where: dict[str, Any] = {"index": self._name, "id": documents.recording_id(recording_id)}
        while True:
            old = self._call(self._client.options(ignore_status=404).get, **where)
            document = change(old["_source"] if old.get("found") else None)
            condition: dict[str, Any] = {"op_type": "create"}
            if old.get("found"):
                before.add(old["_source"]["generation"])
                condition = {"if_seq_no": old["_seq_no"], "if_primary_term": old["_primary_term"]}
            elif document is None:
                return before
            try:
                if document is None:
                    self._call(self._client.delete, **where, **condition)
                else:
                    self._call(self._client.index, **where, document=document, **condition)
            except elasticsearch.ConflictError:
                continue
            return before

    def _bulk(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write all documents, or raise StoreError; those for which the server is too busy are sent again."""
        lines = iter(lines)
        while waiting := list(islice(lines, 2 * BULK)):
            for pause in (*RETRY_SECONDS, None):
                answer = self._call(self._client.bulk, index=self._name, operations=waiting)
                waiting = self._unwritten(waiting, answer) if answer["errors"] else []
                if not waiting:
                    break
                if pause is None:
                    raise StoreError(f"{self._shown} is too busy to take more words: try again later")
                time.sleep(pause)

    def _unwritten(self, lines: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The lines of a bulk request to be sent again; StoreError for one that can never be written."""
        again: list[Mapping[str, Any]] = []
        pairs = bool(lines) and "index" in lines[0]
        for place, item in enumerate(answer["items"]):
            (result,) = item.values()
            if result["status"] in BUSY:
                again.extend(lines[2 * place : 2 * place + 2] if pairs else lines[place : place + 1])
            elif "error" in result:
                raise StoreError(f"{self._shown} refuses {result['_id']}: {result['error'].get('reason')}")
        return again

    def _refresh(self) -> None:
        """Let searches see what was written."""
        self._call(self._client.indices.refresh, index=self._name)

    def _check_written(self, recording: Recording, generation: str, passages: int) -> None:
        query = {"term": {"generation": generation}}
        count = self._call(self._client.count, index=self._name, query=query)["count"]
        if count != passages:
            raise StoreError(f"{self._shown} lost {passages - count} passages of {recording.path}: index it again")

    def _sweep(self, recording_id: str, replaced: set[str], current: str | None) -> None:
        """Delete passages of a recording that were replaced, or that a killed writer left long ago."""
        query = {
            "bool": {
                "filter": [{"term": {"kind": "passage"}}, {"term": {"recording": recording_id}}],
                "must_not": [{"term": {"generation": current}}] if current else [],
            }
        }
        old = _generation_before(WRITING_SECONDS)
        outdated = [
            hit["_id"]
            for page in self._pages(query, ["passage"], ["generation"])
            for hit in page
            if hit["_source"]["generation"] in replaced or hit["_source"]["generation"] < old
        ]
        self._bulk({"delete": {"_id": one}} for one in outdated)

    # Reading

    def recordings(self) -> list[Recording]:
        """All recordings by path."""
        with self._errors():
            pages = self._pages({"term": {"kind": "recording"}}, ["recording"], True)
            recordings = [documents.recording_of(hit["_source"]) for page in pages for hit in page]
        return sorted(recordings, key=lambda recording: (recording.path, recording.id))

    def words(self, recording_id: str) -> tuple[Word, ...]:
        """What is said in a recording."""
        with self._errors():
            while True:
                generation, length = self._generation(recording_id)
                ids = [documents.passage_id(recording_id, generation, number) for number in range(-(-length // STRIDE))]
                passages = [documents.passage_of(one) for one in self._get(ids)]
                if len(passages) == len(ids):
                    return tuple(word for passage in passages for word in passage.own_words())
                if self._generation(recording_id)[0] == generation:
                    raise StoreError(f"{self._shown} lost words of the recording {recording_id}: index it again")

    def _generation(self, recording_id: str) -> tuple[str, int]:
        """The named generation of a recording and the number of its words."""
        known = self._get([documents.recording_id(recording_id)])
        if not known:
            raise StoreError(f"{self._shown} holds no recording {recording_id}")
        return known[0]["generation"], known[0]["words"]

    def search(self, phrases: Sequence[Phrase], limit: int) -> list[Hit]:
        """The best ``limit`` hits of any of the phrases."""
        if not phrases or limit < 1:
            return []
        recordings: dict[str, Recording] = {}
        owners: dict[tuple[str, int], Passage] = {}
        found: list[match.Found[str]] = []

        def best() -> list[match.Found[str]]:
            return match.best(found, limit, lambda one: (recordings[one].path, one))

        wanted = {"bool": {"should": [documents.candidates(phrase) for phrase in phrases]}}
        query: dict[str, Any] = wanted
        named: dict[str, str] = {}
        old = _generation_before(WRITING_SECONDS)
        with self._errors():
            while True:
                again = {}
                for batch in self._batches(query):
                    for document in self._get(documents.recording_id(one) for one in batch):
                        recording_id, generation = document["recording"], document["generation"]
                        passages = batch[recording_id].get(generation)
                        # All passages of a generation can be found once it is named, which it may not yet have been
                        # when these were looked up: then some of them may be missing here, or all.
                        if passages is None or not (generation < old or named.get(recording_id) == generation):
                            again[recording_id] = generation
                            continue
                        recordings[recording_id] = documents.recording_of(document)
                        for one in find(recording_id, passages, phrases):
                            found.append(one)
                            number = one.first // STRIDE
                            owners[recording_id, number] = passages[number]
                    if len(found) > KEPT + limit:
                        found[:] = best()
                        kept = {(one.recording, one.first // STRIDE) for one in found}
                        owners = {key: passage for key, passage in owners.items() if key in kept}
                if not again:
                    break
                named = again
                query = {"bool": {"must": [wanted], "filter": [{"terms": {"generation": list(again.values())}}]}}
        hits = []
        for one in best():
            owner = owners[one.recording, one.first // STRIDE]
            first = max(one.first - CONTEXT_WORDS, 0)
            words = owner.words(first, one.last + CONTEXT_WORDS + 1)
            hits.append(match.hit(recordings[one.recording], one, words, first))
        return hits

    def near(self, word: str, limit: int) -> list[str]:
        """Other words of the index that are spelt nearly so, nearest first."""
        edits = near.allowed(word)
        if not edits:
            return []
        term = {
            "field": "text",
            "analyzer": "whitespace",
            "suggest_mode": "always",
            "max_edits": edits,
            "prefix_length": 0,
            "min_word_length": 1,
            "accuracy": 0.0,
            "max_term_freq": 2**31 - 1,
            "size": PAGE,
        }
        suggest = {"near": {"text": word, "term": term}}
        with self._errors():
            answer = self._call(self._client.search, index=self._name, size=0, suggest=suggest)
            candidates = [option["text"] for entry in answer["suggest"]["near"] for option in entry["options"]]
            # The server suggests words of deleted passages, too.
            filters = {other: {"term": {"text": other}} for other in near.nearest(word, candidates, PAGE)}
            if not filters:
                return []
            counts = {"near": {"filters": {"filters": filters}}}
            answer = self._call(self._client.search, index=self._name, size=0, aggs=counts)
        buckets = answer["aggregations"]["near"]["buckets"]
        return [other for other in filters if buckets[other]["doc_count"]][: max(limit, 0)]

    def statistics(self) -> Statistics:
        """How much the index holds."""
        sums = {name: {"sum": {"field": name}} for name in ("words", "duration_ms")}
        query = {"term": {"kind": "recording"}}
        with self._errors():
            answer = self._call(
                self._client.search, index=self._name, size=0, query=query, aggs=sums, track_total_hits=True
            )
            store = self._call(self._client.indices.stats, index=self._name, metric="store")
        return Statistics(
            recordings=answer["hits"]["total"]["value"],
            words=int(answer["aggregations"]["words"]["value"]),
            seconds=int(answer["aggregations"]["duration_ms"]["value"]) / 1000,
            bytes=store["_all"]["total"]["store"]["size_in_bytes"],
        )

    def _get(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """The documents of these ids that there are, as they are now, in this order."""
        ids = iter(ids)
        found = []
        while some := list(islice(ids, PAGE)):
            answer = self._call(self._client.mget, index=self._name, ids=some)
            found += [one["_source"] for one in answer["docs"] if one.get("found")]
        return found

    def _pages(
        self, query: Mapping[str, Any], order: Sequence[str], fields: Sequence[str] | bool
    ) -> Iterator[list[dict[str, Any]]]:
        """All documents that a query finds, page by page, of one state of the index."""
        search: dict[str, Any] = {
            "query": {"constant_score": {"filter": query}},
            "sort": [{field: "asc"} for field in order],
            "source": fields,
            "size": PAGE,
            "track_total_hits": False,
        }
        answer = self._call(self._client.search, index=self._name, **search)
        if len(answer["hits"]["hits"]) < PAGE:
            yield answer["hits"]["hits"]
            return
        snapshot = self._call(self._client.open_point_in_time, index=self._name, keep_alive="5m")["id"]
        try:
            while True:
                pit = {"id": snapshot, "keep_alive": "5m"}
                answer = self._call(self._client.search, pit=pit, **search)
                yield answer["hits"]["hits"]
                if len(answer["hits"]["hits"]) < PAGE:
                    return
                snapshot = answer["pit_id"]
                search["search_after"] = answer["hits"]["hits"][-1]["sort"]
        finally:
            self._call(self._client.close_point_in_time, id=snapshot)

    def _batches(self, query: Mapping[str, Any]) -> Iterator[dict[str, dict[str, dict[int, Passage]]]]:
        """Passages that a query finds, by recording, generation and number; each recording whole in one batch."""
        held: dict[str, dict[str, dict[int, Passage]]] = {}
        last = None
        for page in self._pages(query, ["recording", "passage"], True):
            for hit in page:
                source = hit["_source"]
                last = source["recording"]
                generations = held.setdefault(last, {})
                generations.setdefault(source["generation"], {})[source["passage"]] = documents.passage_of(source)
            rest = {last: held.pop(last)} if last in held and len(page) == PAGE else {}
            if held:
                yield held
            held = rest
        if held:
            yield held


def _generation_before(seconds: float) -> str:
    """What every generation begun later is greater than."""
    return f"{time.time_ns() // 1_000_000 - round(1000 * seconds):012x}"


def _parsed(url: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Node, index and login of a URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or 9200
    except ValueError as error:
        raise StoreError(f"the URL of the index cannot be read: {error}") from error
    prefix, _, name = parts.path.rstrip("/").rpartition("/")
    if not parts.hostname or parts.query or parts.fragment or not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,200}", name):
        raise StoreError(
            "the URL of an Elasticsearch index is like http://localhost:9200/library, with a name in small letters"
        )
    node = {"scheme": parts.scheme, "host": parts.hostname, "port": port, "path_prefix": prefix}
    environment = {
        name: os.environ.get(f"AUDIOSEARCH_ELASTICSEARCH_{name}") for name in ("API_KEY", "USER", "PASSWORD")
    }
    if parts.username:
        return node, name, {"basic_auth": (unquote(parts.username), unquote(parts.password or ""))}
    if environment["API_KEY"]:
        return node, name, {"api_key": environment["API_KEY"]}
    if environment["USER"]:
        return node, name, {"basic_auth": (environment["USER"], environment["PASSWORD"] or "")}
    return node, name, {}


def _complaint(error: elasticsearch.ApiError) -> str:
    """What a server's answer means."""
    kind = error.error if isinstance(error.error, str) else ""
    if "cluster_block" in kind or "cluster_block" in str(error.body):
        return "takes no changes: its disk is nearly full, or it was made read-only"
    if error.status_code in (401, 403):
        return (
            "refuses this user: set AUDIOSEARCH_ELASTICSEARCH_API_KEY, or AUDIOSEARCH_ELASTICSEARCH_USER and "
            "AUDIOSEARCH_ELASTICSEARCH_PASSWORD"
        )
    if error.status_code in BUSY:
        return f"is too busy or not ready (status {error.status_code}): try again later"
    if kind == "index_not_found_exception":
        return "is gone: run `audiosearch index FOLDER` again"
    return f"answers with an error (status {error.status_code}): {error}"
