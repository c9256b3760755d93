"""Transcripts of the index as documents and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from audiosearch.errors import OutputError
from audiosearch.transcripts.writers import FORMATS, JOINABLE
from audiosearch.types import Alternative, Word
from indexer.export.transcripts import document, in_places, names_of, write_files
from indexer.index import Index, open_index
from indexer.types import Location, Recording


def recording(identity: str, *paths: str) -> Recording:
    places = tuple(Location(path, 1, 1) for path in paths)
    return Recording(identity * 16, places, 9.0, "model", "2024-05-06T07:08:09+00:00")


RECORDINGS = [recording("ab", "/talks/one.mp3"), recording("cd", "/more/One.wav"), recording("ef", "/talks/x/two.mp3")]


@pytest.fixture
def index(url: str) -> Iterator[Index]:
    with open_index(url, create=True) as opened:
        for number, one in enumerate(RECORDINGS):
            other = (Alternative("thinks", 0.2),)
            opened.add(one, (Word("human", 1.0, 1.5, 0.9), Word("things", 2.0, 2.5, number / 4, other)))
        yield opened


def test_several_in_one_document(index: Index) -> None:
    objects = [json.loads(line) for line in "".join(document(index, RECORDINGS, "json")).splitlines()]
    assert [one["id"] for one in objects] == ["ab" * 16, "cd" * 16, "ef" * 16]
    assert (objects[0]["path"], objects[0]["model"], objects[0]["duration"]) == ("/talks/one.mp3", "model", 9.0)
    assert objects[0]["words"][1]["alternatives"] == [{"text": "thinks", "probability": 0.2}]
    ctm = "".join(document(index, RECORDINGS, "ctm")).splitlines()
    assert [line.split()[0] for line in ctm[::2]] == ["one-abababababab", "One-cdcdcdcdcdcd", "two"]
    table = "".join(document(index, RECORDINGS, "csv")).splitlines()
    assert len(table) == 7
    assert table[0] == "path,start,end,confidence,word"
    for form in set(FORMATS) - set(JOINABLE):
        with pytest.raises(OutputError, match="give --output FOLDER"):
            list(document(index, RECORDINGS, form))
        assert "thinks" not in "".join(document(index, RECORDINGS[:1], form))


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_each(form: str, index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "deep"
    written = list(write_files(index, RECORDINGS, form, folder, force=False))
    assert sorted(written) == sorted(folder.iterdir())
    for one, path in zip(RECORDINGS, written, strict=True):
        assert path.read_text(encoding="utf-8") == "".join(document(index, [one], form)).replace(
            *("one 1 ", "one-abababababab 1 ") if one.path.endswith("one.mp3") else ("One 1 ", "One-cdcdcdcdcdcd 1 ")
        )
    written[0].write_text("corrected by hand")
    written[1].unlink()
    with pytest.raises(OutputError, match="--force"):
        list(write_files(index, RECORDINGS, form, folder, force=False))
    assert written[0].read_text() == "corrected by hand"
    assert not written[1].exists()
    assert list(write_files(index, RECORDINGS, form, folder, force=True)) == written
    assert written[0].read_text() != "corrected by hand"


def test_names_and_places() -> None:
    assert list(names_of(RECORDINGS).values()) == ["one-abababababab", "One-cdcdcdcdcdcd", "two"]
    assert in_places(RECORDINGS, "/talks") == [RECORDINGS[0], RECORDINGS[2]]
    assert in_places(RECORDINGS, "/talks/one.mp3") == [RECORDINGS[0]]
    assert in_places(RECORDINGS, "/talks/on") == []
