"""The command ``audiosearch serve``."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from indexer.server.addresses import lan_addresses

TOKEN = "correct horse battery staple"


def start(repository: Path, *arguments: object, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """Server process and the first line of its output."""
    process = subprocess.Popen(
        [sys.executable, "cli.py", "serve", "--port", "0", *map(str, arguments)],
        cwd=repository,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and standard error."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


def test_serves_until_stopped(repository: Path, library: Any) -> None:
    process, line = start(repository, "--store", library.store)
    try:
        match = re.fullmatch(r"Listening at (http://127\.0\.0\.1:\d+/) until Ctrl-C\.\n", line)
        assert match, line
        assert httpx.get(f"{match[1]}api/library").json()["recordings"] == 6
    finally:
        status, errors = stop(process)
    assert status == 130
    assert "Traceback" not in errors


def test_a_public_address_gets_a_new_token(repository: Path, library: Any) -> None:
    process, line = start(repository, "--store", library.store, "--host", "0.0.0.0")
    try:
        match = re.search(r":(\d+)/\?token=([\w-]{32})", line)
        assert match, line
        host = urlsplit(line.split()[2]).hostname
        assert host in ([*lan_addresses(with_ipv6=False), socket.gethostname()])
        api = f"http://127.0.0.1:{match[1]}/api/library"
        assert httpx.get(api).status_code == 401
        assert httpx.get(api, headers={"authorization": f"Bearer {match[2]}"}).status_code == 200
    finally:
        stop(process)


def test_changes_require_a_token_on_every_address(repository: Path, tmp_path: Path) -> None:
    store, uploads = tmp_path / "new" / "store.db", tmp_path / "uploads"
    process, line = start(repository, "--store", store, "--allow-changes", "--uploads", uploads)
    try:
        match = re.search(r"(http://127\.0\.0\.1:\d+/)\?token=([\w-]{32})", line)
        assert match, line
        assert httpx.get(f"{match[1]}api/library").status_code == 401
        headers = {"authorization": f"Bearer {match[2]}"}
        library = httpx.get(f"{match[1]}api/library", headers=headers).json()
        assert (library["changes"], library["recordings"]) == (True, 0)
        assert httpx.get(f"{match[1]}api/additions", headers=headers).json()["uploads"] == str(uploads)
    finally:
        _, errors = stop(process)
    assert "Traceback" not in errors


def test_token_from_the_environment_is_not_printed(repository: Path, library: Any) -> None:
    process, line = start(repository, "--store", library.store, AUDIOSEARCH_TOKEN=TOKEN)
    try:
        port = re.search(r":(\d+)/", line)
        assert port, line
        command_line = Path(f"/proc/{process.pid}/cmdline")
        assert not command_line.exists() or TOKEN.encode() not in command_line.read_bytes()
        api = f"http://127.0.0.1:{port[1]}/api/library"
        assert httpx.get(api).status_code == 401
        assert httpx.get(api, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    finally:
        _, errors = stop(process)
    assert TOKEN not in line + errors


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--store", "/nowhere/store.db"], {}, "there is no index at"),
        (["--host", "999.1.1.1"], {}, "cannot be used"),
        (["--allow-changes", "--uploads", "/proc/none"], {}, "/proc/none: cannot be used for uploads"),
        ([], {"AUDIOSEARCH_TOKEN": "short"}, "AUDIOSEARCH_TOKEN must have at least 16 printable ASCII characters"),
    ],
)
def test_invalid_options(repository: Path, arguments: list[str], environment: dict[str, str], message: str) -> None:
    process, _ = start(repository, *arguments, **environment)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert message in errors
    assert "Traceback" not in errors
