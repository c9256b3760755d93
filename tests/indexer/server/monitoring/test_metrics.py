"""Metrics, read by Prometheus's own parser."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from indexer.server.index_pool import IndexPool
from indexer.server.monitoring.metrics import Metrics

TOKEN = "correct horse battery staple"


def samples(client: httpx.Client, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Values by name and labels."""
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """The key of a value in ``samples``."""
    return f"audiosearch_{name}", frozenset(labels.items())


def test_requests_searches_and_sizes_are_counted(serve: Any, own_library: Any) -> None:
    client, identity = serve(own_library), own_library.ids["talk.wav"]
    for _ in range(3):
        client.get(f"/r/{identity}")
    client.get("/r/absent")
    client.get("/nothing/here")
    client.get("/api/search", params={"q": "human", "mode": "words"})
    client.get("/api/search", params={"q": "human", "mode": "loud"})
    client.get(f"/api/recordings/{identity}/peaks")
    sound = client.get(f"/api/recordings/{identity}/audio").content
    values = samples(client)
    assert values[key("requests_total", method="GET", route="/r/{id}", status="200")] == 3
    assert values[key("requests_total", method="GET", route="/r/{id}", status="404")] == 1
    assert values[key("requests_total", method="GET", route="none", status="404")] == 1
    assert values[key("requests_total", method="GET", route="/api/search", status="400")] == 1
    assert values[key("response_wait_seconds_count", route="/r/{id}")] == 4
    assert values[key("sent_bytes_total", route="/api/recordings/{id}/audio")] == len(sound)
    assert values[key("searches_total", mode="words")] == 1
    assert values[key("hits_total")] > 0
    assert values[key("streams_open")] == 0
    assert values[key("index_up")] == 1
    assert values[key("index_recordings")] == 1
    assert values[key("index_words")] == len(own_library.words["talk.wav"])
    assert 0 < values[key("index_hours")] < 1
    assert values[key("cache_bytes", cache="peaks")] > 0
    assert values[key("cache_bytes", cache="decoded")] == 0
    assert values["process_resident_memory_bytes", frozenset()] > 0


def test_open_streams_are_counted(serve: Any, own_library: Any) -> None:
    client, path = serve(own_library), f"/api/recordings/{own_library.ids['talk.wav']}/audio"
    with contextlib.closing(IndexPool(str(own_library.store))) as index_pool:
        metrics = Metrics(index_pool, {})
        metrics.begin("/api/recordings/{id}/audio")
        assert b"audiosearch_streams_open 1.0" in metrics.text()
    for _ in range(3):
        client.get(path)
        client.get(path, headers={"range": "bytes=0-0"})
        client.get("/api/recordings/absent/audio")
    assert samples(client)[key("streams_open")] == 0


def test_labels_come_from_no_request(serve: Any, own_library: Any) -> None:
    client = serve(own_library)
    counts = []
    for round_ in range(3):
        for number in range(5):
            client.request(f"VERB{round_}{number}", f"/secret{round_}{number}")
            client.get("/api/search", params={"q": "x", "mode": f"mode{round_}{number}"})
        values = samples(client)
        counts.append(len(values))
    labels = {value for _, pairs in values for _, value in pairs}
    assert not any(part in label for label in labels for part in ("secret", "VERB", "mode1"))
    assert counts[1] == counts[2]


def test_metrics_need_the_token_unless_they_are_open(serve: Any, own_library: Any) -> None:
    client = serve(own_library, token=TOKEN)
    refused = client.get("/metrics")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert samples(client, authorization=f"Bearer {TOKEN}")[key("index_up")] == 1
    opened = serve(own_library, token=TOKEN, open_metrics=True)
    assert samples(opened)[key("index_up")] == 1
    assert opened.get("/api/library").status_code == 401


def test_metrics_are_served_while_the_index_cannot_be_read(serve: Any, own_library: Any) -> None:
    client = serve(own_library)
    own_library.store.write_bytes(b"x" * 100_000)
    deadline = time.monotonic() + 20
    while samples(client)[key("index_up")] and time.monotonic() < deadline:
        time.sleep(0.5)
    assert samples(client)[key("index_up")] == 0
