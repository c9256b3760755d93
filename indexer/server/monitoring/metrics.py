"""Metrics in the text format of Prometheus, served as /metrics; the only module that imports prometheus_client."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from audiosearch.errors import StoreError
from indexer.server.index_pool import IndexPool
from indexer.server.monitoring.exchanges import Exchange

STREAMED = "/audio"
"""End of the routes whose responses are streams of sound."""

CACHE_SECONDS = 60
"""Maximum age of the sizes of the caches."""

WAIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the histogram of waiting times, in seconds."""

MEDIA_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counts of one server since its start. All labels have few values: no ids, paths or texts of users."""

    def __init__(self, index_pool: IndexPool, cache_sizes: dict[str, Callable[[], int]]) -> None:
        """Metrics of a server.

        Args:
            cache_sizes: functions that return the bytes of caches, by name.
        """
        self._index_pool, self._cache_sizes = index_pool, cache_sizes
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "audiosearch_requests", "Completed requests.", ("method", "route", "status"), registry=registry
        )
        self._waits = Histogram(
            "audiosearch_response_wait_seconds",
            "Time until the response began.",
            ("route",),
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._sent = Counter("audiosearch_sent_bytes", "Bytes of response bodies.", ("route",), registry=registry)
        self._streams = Gauge("audiosearch_streams_open", "Responses with sound being sent.", registry=registry)
        self._searches = Counter("audiosearch_searches", "Pages of hits, by search mode.", ("mode",), registry=registry)
        self._hits = Counter("audiosearch_hits", "Hits returned.", registry=registry)
        self._up = Gauge("audiosearch_index_up", "1 if the index can be read.", registry=registry)
        self._recordings = Gauge("audiosearch_index_recordings", "Recordings in the index.", registry=registry)
        self._words = Gauge("audiosearch_index_words", "Words in the index.", registry=registry)
        self._hours = Gauge("audiosearch_index_hours", "Hours of sound in the index.", registry=registry)
        self._bytes = Gauge("audiosearch_index_bytes", "Size of the index.", registry=registry)
        self._caches = Gauge("audiosearch_cache_bytes", "Size of a cache.", ("cache",), registry=registry)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def begin(self, route: str) -> None:
        """Count a response that begins."""
        if route.endswith(STREAMED):
            self._streams.inc()

    def observe(self, exchange: Exchange) -> None:
        """Count a complete exchange."""
        self._requests.labels(exchange.method, exchange.route, str(exchange.status)).inc()
        self._waits.labels(exchange.route).observe(exchange.wait)
        self._sent.labels(exchange.route).inc(exchange.length)
        if exchange.route.endswith(STREAMED) and exchange.status != 499:
            self._streams.dec()

    def count_search(self, mode: str, hits: int) -> None:
        """Count a page of hits."""
        self._searches.labels(mode).inc()
        self._hits.inc(hits)

    def text(self) -> bytes:
        """All metrics; those of the index keep their last value while it cannot be read."""
        try:
            statistics = self._index_pool.statistics()
        except StoreError:
            self._up.set(0)
        else:
            self._up.set(1)
            self._recordings.set(statistics.recordings)
            self._words.set(statistics.words)
            self._hours.set(statistics.seconds / 3600)
            self._bytes.set(statistics.bytes)
        for name, size in self._sizes(int(monotonic() / CACHE_SECONDS)).items():
            self._caches.labels(name).set(size)
        return generate_latest(self._registry)

    @lru_cache(maxsize=1)  # noqa: B019 (a server has one)
    def _sizes(self, period: int) -> dict[str, int]:
        return {name: size() for name, size in self._cache_sizes.items()}
