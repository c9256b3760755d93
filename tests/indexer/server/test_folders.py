"""Folders of the library, and the state of the files of recordings, those with only a transcript included."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import NO_MEDIA, Location, Recording

WORDS = [Word("hello", 0.0, 0.5, 0.9)]


class Store(NamedTuple):
    store: Path


@pytest.fixture
def client(tmp_path: Path, serve: Any) -> Any:
    """Client of a library of a recording, of copies, of the transcripts of one file, and of lost files."""
    talks = tmp_path / "talks"
    (talks / "deep").mkdir(parents=True)
    for name in ("a.wav", "deep/a copy.wav", "week.ctm"):
        (talks / name).touch()
    paths = {
        "recording": ("model", ["a.wav", "deep/a copy.wav"]),
        "monday": (f"{NO_MEDIA}ctm", ["week.ctm/monday"]),
        "tuesday": (f"{NO_MEDIA}ctm", ["week.ctm/tuesday [2]"]),
        "lost-transcript": (f"{NO_MEDIA}vtt", ["lost.vtt/lost"]),
        "lost": ("model", ["lost.wav"]),
    }
    with open_index(str(tmp_path / "store.db"), create=True) as index:
        for identity, (model, names) in paths.items():
            locations = tuple(Location(f"{talks}/{name}", 1, 1) for name in names)
            index.add(Recording(identity, locations, 1.0, model, "2024-05-01"), WORDS)
    return serve(Store(tmp_path / "store.db"))


def test_folders_are_where_files_and_transcripts_lie(client: Any, tmp_path: Path) -> None:
    talks = f"{tmp_path}/talks"
    folders = client.get("/api/library").json()["folders"]
    assert folders == [{"path": talks, "recordings": 5}, {"path": f"{talks}/deep", "recordings": 1}]

    def found(path: str) -> set[str]:
        hits = client.get("/api/search", params={"q": "hello", "path": path}).json()["hits"]
        return {hit["id"] for hit in hits}

    assert found(talks) == {"recording", "monday", "tuesday", "lost-transcript", "lost"}
    assert found(f"{talks}/deep") == {"recording"}
    assert found(f"{talks}/week.ctm") == {"monday", "tuesday"}, "a transcript file is a filter too"


def test_records_say_which_files_exist(client: Any) -> None:
    expected = {
        "recording": (True, True),
        "monday": (False, True),
        "tuesday": (False, True),
        "lost-transcript": (False, False),
        "lost": (True, False),
    }
    records = client.get("/api/search", params={"q": "hello"}).json()["recordings"]
    assert {record["id"]: (record["has_media"], record["has_file"]) for record in records} == expected
    for identity, state in expected.items():
        record = client.get(f"/api/recordings/{identity}").json()
        assert (record["has_media"], record["has_file"]) == state
