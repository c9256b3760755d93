"""Checks of the settings and of stores."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audiosearch.diagnosis.doctor import Check
from audiosearch.diagnosis.packages import version
from audiosearch.settings import Settings
from indexer.doctor import check_index, examine
from indexer.index import open_index
from indexer.types import Recording

if TYPE_CHECKING:
    from scripted_server import Answer, Script

EMPTY = {"hits": {"total": {"value": 7}}, "aggregations": {"words": {"value": 0}, "duration_ms": {"value": 0}}}
STATS = {"_all": {"total": {"store": {"size_in_bytes": 1}}}}


def checks_of(store: str | Path) -> dict[str, Check]:
    return {check.name: check for check in check_index(Settings(str(store), None))}


@pytest.fixture
def library(tmp_path: Path, recording: Callable[..., Recording]) -> Path:
    """A store with one recording."""
    path = tmp_path / "library.db"
    with open_index(str(path), create=True) as index:
        index.add(recording(1), [])
    return path


def test_store(library: Path) -> None:
    checks = checks_of(library)
    assert list(checks) == ["settings", "SQLite", "store"]
    assert checks["settings"].value.startswith("no configuration file")
    assert checks["store"] == Check("Index", "store", f"{library}: 1 recording, can be written")


def test_read_only_store(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != library.parent)
    check = checks_of(library)["store"]
    assert (check.status, check.value) == ("warning", f"{library}: 1 recording, read-only")
    assert str(library.parent) in check.advice


def test_missing_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "er" / "library.db"
    check = checks_of(path)["store"]
    assert (check.status, check.value) == ("ok", f"{path}: does not exist yet")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    check = checks_of(path)["store"]
    assert check.status == "problem"
    assert str(tmp_path) in check.advice


def test_files_that_are_no_store(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ann")
    check = checks_of(path)["store"]
    assert check.status == "problem"
    assert "is not an index of audiosearch" in check.advice
    assert "is not a file" in checks_of(tmp_path)["store"].advice


def test_settings_name_variables_without_values(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_PASSWORD", "hunter2")
    checks = checks_of(library)
    assert "$AUDIOSEARCH_ELASTICSEARCH_PASSWORD" in checks["settings"].value
    assert "hunter2" not in repr(checks)


def answers(number: str) -> Callable[[str, str, str], Answer]:
    """Answers of a server of this version with an index."""
    from scripted_server import MAPPED

    def answer(method: str, path: str, body: str) -> Answer:
        bodies: dict[str, Any] = {"/": {"version": {"number": number}}, "/library/_search": EMPTY}
        if path.endswith("/_mapping"):
            return MAPPED
        return 200, bodies.get(path, STATS)

    return answer


def test_server(script: Script) -> None:
    ours = int(version("elasticsearch").partition(".")[0])
    for theirs in (ours, ours + 1):
        script.answer = answers(f"{theirs}.2.1")
        checks = checks_of(script.url)
        assert checks["Elasticsearch"].status == "ok"
        assert checks["Elasticsearch"].value.startswith(f"{theirs}.2.1 at http://")
        assert checks["store"].value == f"{script.url}: 7 recordings"
    answer = answers("9.2.1")
    script.answer = lambda method, path, body: (403, {}) if path == "/" else answer(method, path, body)
    checks = checks_of(script.url)
    assert checks["Elasticsearch"].status == "ok"
    assert checks["Elasticsearch"].value.startswith("unknown version at http://")
    assert checks["store"].status == "ok"


@pytest.mark.elastic
def test_real_server(elastic_url: str, recording: Callable[..., Recording]) -> None:
    with open_index(elastic_url, create=True) as index:
        index.add(recording(1), [])
    checks = checks_of(elastic_url)
    assert checks["Elasticsearch"].status == "ok"
    assert checks["store"].value == f"{elastic_url}: 1 recording"


def test_unsupported_server(script: Script) -> None:
    ours = int(version("elasticsearch").partition(".")[0])
    script.answer = answers(f"{ours + 2}.0.0")
    checks = checks_of(script.url)
    assert "store" not in checks
    assert checks["Elasticsearch"].status == "problem"
    assert f"elasticsearch=={ours + 2}.*" in checks["Elasticsearch"].advice
    script.answer = lambda method, path, body: (400, {"error": {"type": "media_type_header_exception"}, "status": 400})
    assert "is older than the client" in checks_of(script.url)["Elasticsearch"].advice


def test_unreachable_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    check = checks_of(f"http://127.0.0.1:{port}/library")["Elasticsearch"]
    assert (check.status, check.value) == ("problem", "not reached")
    assert f"http://127.0.0.1:{port} cannot be reached" in check.advice


def test_settings_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(tmp_path / "config.yaml"))
    checks = {check.name: check for check in examine()}
    assert checks["settings"].status == "problem"
    assert "there is no such file" in checks["settings"].advice
    assert checks["model"].status == "ok"
    assert "store" not in checks


def test_home_folder_is_not_printed(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(library.parent))
    checks = {check.name: check for check in examine(str(library))}
    assert checks["store"].value == "~/library.db: 1 recording, can be written"
