"""Logs of the server: formats, levels, and what is never in them."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from audiosearch.display import SHOWN
from indexer.server.monitoring.logs import configure, redacted

TOKEN = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _restored_loggers(serve: Any) -> Iterator[None]:
    """Restore the loggers before the servers of ``serve`` end."""
    loggers = [logging.getLogger(name) for name in SHOWN]
    before = [(logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    yield
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate


def lines(capsys: pytest.CaptureFixture[str], expected: int = 1, part: str = "/api/search") -> list[str]:
    """Lines with a part; a response reaches its client before its line is written."""
    found: list[str] = []
    deadline = time.monotonic() + 10
    while len(found) < expected and time.monotonic() < deadline:
        found += [line for line in capsys.readouterr().err.splitlines() if part in line]
        time.sleep(0.01)
    return found


def test_requests_are_logged_from_info_on(serve: Any, own_library: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client = serve(own_library, token=TOKEN)
    search = {"q": "human", "token": TOKEN}
    headers = {"authorization": f"Bearer {TOKEN}", "cookie": "audiosearch=0123456789"}
    client.get("/api/search", params=search, headers=headers)
    configure("warning", as_json=False)
    client.get("/api/search", params=search, headers=headers)
    client.get("/")
    assert lines(capsys, 0) == [], "quiet by default"
    configure("info", as_json=False)
    client.get("/api/search", params={"q": "human"}, headers=headers)
    (line,) = lines(capsys)
    assert "info    127.0.0.1 GET /api/search 200, " in line
    assert "human" not in line
    configure("debug", as_json=False)
    client.get("/api/search", params=search, headers=headers)
    debugged = lines(capsys)
    assert "/api/search?q=human&token=[removed] 400" in debugged[0]
    assert not any(secret in "".join(debugged) for secret in ("battery", "0123456789"))


def test_json_lines(serve: Any, own_library: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client = serve(own_library)
    configure("info", as_json=True)
    client.get("/api/search", params={"q": "human"})
    (line,) = lines(capsys)
    record = json.loads(line)
    assert record["time"].endswith("Z")
    assert (record["level"], record["logger"]) == ("info", "indexer.server.access")
    assert (record["client"], record["method"], record["status"]) == ("127.0.0.1", "GET", 200)
    assert (record["path"], record["route"]) == ("/api/search", "/api/search")
    assert record["bytes"] > 100
    assert 0 < record["wait_ms"] <= record["duration_ms"]
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("indexer.server").error("failed", exc_info=sys.exc_info())
    (line,) = lines(capsys, part="failed")
    assert "ValueError" in json.loads(line)["traceback"]


def test_paths_cannot_forge_lines(serve: Any, own_library: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client = serve(own_library)
    configure("info", as_json=False)
    client.get("/api/search/%0a2026%1b[2J\u2028")
    (line,) = lines(capsys)
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("query", "logged"),
    [
        ("q=a&token=b", "q=a&token=[removed]"),
        ("%74oken=b&q=a", "%74oken=[removed]&q=a"),
        ("TOKEN=b=c&x", "TOKEN=[removed]&x"),
        ("api_key=b&access-token=c", "api_key=[removed]&access-token=[removed]"),
        ("q=token", "q=token"),
        ("", ""),
    ],
)
def test_secrets_are_removed_from_queries(query: str, logged: str) -> None:
    assert redacted(query) == logged
