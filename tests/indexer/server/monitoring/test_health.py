"""Health of a server, asked without a token and under any host name."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from indexer.server.monitoring import health

TOKEN = "correct horse battery staple"


def test_health_needs_no_token_and_tells_nothing(serve: Any, own_library: Any) -> None:
    client = serve(own_library, token=TOKEN)
    for path in ("/health", "/health/live"):
        for host in ("localhost", "10.2.3.4:8765", "pod.example.org"):
            response = client.get(path, headers={"host": host})
            assert (response.status_code, response.json()) == (200, {"status": "ok"}), (path, host)
        assert client.head(path).status_code == 200
        assert client.post(path).status_code == 405
    assert client.get("/health/other").status_code == 401
    assert client.get("/", headers={"host": "pod.example.org"}).status_code == 421


def test_index_that_cannot_be_read_is_not_ready(
    serve: Any, own_library: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)
    client = serve(own_library)
    assert client.get("/health").status_code == 200
    with closing(sqlite3.connect(own_library.store)) as connection, connection:
        connection.execute("DROP TABLE recordings")
    with caplog.at_level(logging.WARNING, "indexer.server.monitoring.health"):
        failed = client.get("/health")
    assert failed.status_code == 503
    assert failed.json() == {"status": "failed", "error": "the index cannot be read; see the log of the server"}
    assert str(own_library.store) in caplog.text
    assert client.get("/health/live").status_code == 200


def test_silent_index_is_not_ready(serve: Any, own_library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MAX_WAIT", 0.0)
    failed = serve(own_library).get("/health")
    assert (failed.status_code, failed.json()["error"]) == (503, "the index has not answered within 0 seconds")
