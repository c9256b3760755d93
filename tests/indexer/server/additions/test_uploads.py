"""Uploads: names, sizes, contents, and other files that are never touched."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from indexer.server.additions import uploads
from indexer.server.additions.uploads import UploadError, Uploads, file_name


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_upload_is_indexed_and_played(site: Any, tmp_path: Path) -> None:
    content = site.sound(tmp_path / "source.wav").read_bytes()
    job = site.ended(site.upload("../../My “talk”.wav", content))
    assert (job["state"], job["added"], job["is_upload"], job["name"]) == ("done", 1, True, "My “talk”.wav")
    assert (site.uploads / "My “talk”.wav").read_bytes() == content
    assert site.client.get(f"/api/recordings/{job['indexed'][0]}/audio").content == content
    assert site.client.get("/api/search", params={"q": "added words"}).json()["hits"]


def test_no_file_is_replaced(site: Any, tmp_path: Path) -> None:
    contents = [site.sound(tmp_path / f"{number}.wav").read_bytes() for number in range(3)]
    for content in contents:
        site.ended(site.upload("talk.wav", content))
    names = ["talk.wav", "talk (2).wav", "talk (3).wav"]
    assert [(site.uploads / name).read_bytes() for name in names] == contents
    again = site.ended(site.upload("other.wav", contents[0]))
    assert (again["added"], again["known"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "content", "status", "sentence"),
    [
        ("notes.txt", b"only text", 415, "notes.txt: "),
        ("page.mp3", b"<html>" * 1000, 415, "page.mp3: "),
        ("empty.wav", b"", 415, "empty.wav: "),
        ("archive.zip", b"PK\x03\x04" + b"\0" * 2_000, 415, "archive.zip: "),
        ("cut.wav", b"RIFF\0\0\0\0WAVEfmt ", 415, "cut.wav: "),
        ("", b"x", 400, "name must be"),
        ("folder/", b"x", 400, "name must be"),
        ("a" * 2000, b"x", 400, "name must be"),
        ("long.wav", b"x" * 1_000_001, 413, "at most 1 MB"),
    ],
)
def test_unusable_uploads_leave_nothing(site: Any, name: str, content: bytes, status: int, sentence: str) -> None:
    response = site.upload(name, content)
    assert (response.status_code, sentence in response.json()["error"]) == (status, True), response.text
    assert str(site.uploads) not in response.text
    assert list(site.uploads.iterdir()) == []
    assert site.client.get("/api/additions").json()["jobs"] == []


def test_length_may_be_unknown_and_is_limited_all_the_same(site: Any, tmp_path: Path) -> None:
    content = site.sound(tmp_path / "source.wav").read_bytes()
    headers = {"content-type": "application/octet-stream"}
    chunked = site.client.post("/api/uploads?name=a.wav", content=iter([content[:7], content[7:]]), headers=headers)
    assert site.ended(chunked)["state"] == "done"
    pieces = iter([content, *[b"x" * 65536] * 20])
    assert site.client.post("/api/uploads?name=b.wav", content=pieces, headers=headers).status_code == 413
    assert [path.name for path in site.uploads.iterdir()] == ["a.wav"]


def test_full_disk(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MIN_FREE_BYTES", shutil.disk_usage(tmp_path).total)
    response = site.upload("talk.wav", site.sound(tmp_path / "source.wav").read_bytes())
    assert (response.status_code, response.json()["error"]) == (
        507,
        "the disk of the server has no space for this file",
    )
    assert site.client.get("/api/additions").json()["free_bytes"] == 0


def test_client_that_leaves_leaves_nothing(site: Any) -> None:
    parts = urlsplit(str(site.client.base_url))
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        head = "POST /api/uploads?name=a.wav HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: {site.client.headers['authorization']}\r\n"
        head += "Content-Type: application/octet-stream\r\nContent-Length: 500000\r\n\r\n"
        connection.sendall(head.encode() + b"RIFF" * 1000)
        wait_for(lambda: list(site.uploads.iterdir()))
    wait_for(lambda: not list(site.uploads.iterdir()))
    assert site.client.get("/api/additions").json()["jobs"] == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("talk.mp3", "talk.mp3"),
        ("C:\\Users\\me\\talk.MP3", "talk.MP3"),
        ("../../../etc/cron.d/talk.wav", "talk.wav"),
        (".hidden.wav", "hidden.wav"),
        ("..", "recording"),
        (".wav", "wav"),
        ("a\0b\n c\u202e.wav", "ab c.wav"),
        ("con.wav", "_con.wav"),
        ("a:b?.wav", "a_b_.wav"),
        ("a" * 300 + ".flac", "a" * 180 + ".flac"),
        ("x.wav/../../y.ogg", "y.ogg"),
        ("talk.not a suffix", "talk.not a suffix"),
    ],
)
def test_names_are_made_safe(typed: str, name: str) -> None:
    assert file_name(typed) == name


def test_names_that_are_none() -> None:
    for typed in ("", "/", "a/", " "):
        with pytest.raises(UploadError):
            file_name(typed)


def test_leftovers_of_a_killed_server_are_deleted_after_a_day(tmp_path: Path) -> None:
    old, recent, other = tmp_path / ".upload-1.wav", tmp_path / ".upload-2.wav", tmp_path / "talk.wav"
    for path in (old, recent, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    Uploads(tmp_path, 1)
    assert sorted(tmp_path.iterdir()) == sorted([recent, other])
