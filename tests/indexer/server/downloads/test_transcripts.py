"""Transcripts as files, and names of downloaded files."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from click.testing import CliRunner

import cli
from audiosearch.transcripts.writers import FORMATS
from indexer.index import open_index
from indexer.server.downloads.file_names import attachment, safe_name
from indexer.types import NO_MEDIA, Location


def file_name(response: httpx.Response) -> str:
    """Name of a downloaded file, as browsers read it."""
    header = response.headers["content-disposition"]
    assert header.isascii()
    match = re.fullmatch(r"attachment; filename=\"[^\"\\%/]+\"; filename\*=UTF-8''([\w%.~-]+)", header)
    assert match is not None, header
    return unquote(match[1], errors="strict")


@pytest.mark.parametrize("form", FORMATS)
def test_files_are_those_of_export(client: httpx.Client, library: Any, form: str) -> None:
    identity = library.ids["talks/first talk.wav"]
    exported = CliRunner().invoke(cli.main, ["export", identity, "--store", str(library.store), "--format", form])
    assert exported.exit_code == 0, exported.output
    response = client.get(f"/api/recordings/{identity}/transcript", params={"format": form})
    assert response.status_code == 200
    assert response.content == exported.stdout_bytes
    assert file_name(response).startswith("first talk.")
    assert response.headers["content-type"] in (
        *("application/json", "application/x-subrip"),
        *(f"text/{kind}; charset=utf-8" for kind in ("plain", "csv", "vtt")),
    )


def test_suffixes(client: httpx.Client, library: Any) -> None:
    path = f"/api/recordings/{library.ids['talks/first talk.wav']}/transcript"
    names = {
        form: file_name(client.get(path, params={"format": form})) for form in ("srt", "vtt", "text", "txt", "json")
    }
    assert [name.removeprefix("first talk") for name in names.values()] == [".srt", ".vtt", ".txt", ".txt", ".json"]


@pytest.mark.parametrize(
    "query", ["format=docx", "format=", "format=srt&offset=3", "format=srt&format=vtt", "format=SRT"]
)
def test_bad_values_are_named(client: httpx.Client, library: Any, query: str) -> None:
    response = client.get(f"/api/recordings/{library.ids['talks/first talk.wav']}/transcript?{query}")
    assert response.status_code == 400
    assert "format" in response.json()["error"]
    assert client.get("/api/recordings/nobody/transcript?format=srt").status_code == 404


HOSTILE_NAMES = {
    "plain talk": "plain talk",
    "😀 über 👩‍👧 北京": "😀 über 👩‍👧 北京",
    "e\u0301te\u0301": "été",
    "say \"no\"; x='1'\r\nX-Evil: 1": "say _no_; x='1' X-Evil_ 1",
    "tab\tand\x07bell\x1b[0m": "tab andbell[0m",
    "gpj.\u202e\u2066kcah\u200f\ufeff": "gpj.kcah",
    "../../etc/passwd": "_.._etc_passwd",
    "c:\\temp\\*?<>|": "c__temp______",
    "100% done": "100% done",
    "שלום עולם": "שלום עולם",
    "name.": "name",
    " .. ": "recording",
    "\u2028\u2029": "recording",
    "???": "recording",
    "caf\udce9": "caf_",
    "CON": "_CON",
    "aux.talk": "_aux.talk",
    "console": "console",
}


@pytest.mark.parametrize(("stem", "expected"), HOSTILE_NAMES.items())
def test_names_are_safe(stem: str, expected: str) -> None:
    name = safe_name(stem)
    assert name == expected
    header = attachment(f"{name}.srt")["content-disposition"]
    assert file_name(httpx.Response(200, headers={"content-disposition": header})) == f"{name}.srt"


def test_long_names_end_with_a_whole_character() -> None:
    assert safe_name("😀" * 100) == "😀" * 45
    assert len(safe_name("é" * 300).encode()) == 180


@pytest.mark.parametrize("name", ['quote " newline\n emoji 😀 \u202e mark', "caf\udce9"])
def test_recordings_of_any_name_are_downloaded(serve: Any, own_library: Any, name: str) -> None:
    path = own_library.folder / f"{name}.wav"
    shutil.move(own_library.folder / "talk.wav", path)
    status = path.stat()
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        words = index.words(recording.id)
        index.add(replace(recording, locations=(Location(str(path), status.st_size, status.st_mtime_ns),)), words)
    client = serve(own_library)
    for form in FORMATS:
        response = client.get(f"/api/recordings/{recording.id}/transcript", params={"format": form})
        assert response.status_code == 200
        assert file_name(response).startswith(safe_name(name))


def test_transcripts_without_media_are_downloaded(serve: Any, own_library: Any) -> None:
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        index.add(replace(recording, model=f"{NO_MEDIA}vtt"), index.words(recording.id))
    Path(recording.path).unlink()
    response = serve(own_library).get(f"/api/recordings/{recording.id}/transcript?format=vtt")
    assert response.text.startswith("WEBVTT")


def test_a_required_token_is_required_for_files_too(serve: Any, own_library: Any) -> None:
    token = "correct horse battery staple"
    client = serve(own_library, token=token)
    path = f"/api/recordings/{own_library.ids['talk.wav']}/transcript?format=srt"
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"authorization": f"Bearer {token}"}).text.startswith("1\n00:00:")
