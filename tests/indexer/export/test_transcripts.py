"""Transcripts of an index as one document and as files."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audiosearch.errors import OutputError
from audiosearch.transcripts.writers import FORMATS, JOINABLE
from audiosearch.types import Alternative, Word
from indexer.export.transcripts import Unwritten, file_names, recordings_under, render_document, write_files
from indexer.index import Index, open_index
from indexer.types import Location, Recording


def recording(identity: str, *paths: str) -> Recording:
    locations = tuple(Location(path, 1, 1) for path in paths)
    return Recording(identity * 16, locations, 9.0, "model", "2024-05-06T07:08:09+00:00")


RECORDINGS = [recording("ab", "/talks/one.mp3"), recording("cd", "/more/One.wav"), recording("ef", "/talks/x/two.mp3")]


@pytest.fixture
def index(url: str) -> Iterator[Index]:
    with open_index(url, create=True) as opened:
        for number, entry in enumerate(RECORDINGS):
            alternatives = (Alternative("thinks", 0.2),)
            opened.add(entry, (Word("human", 1.0, 1.5, 0.9), Word("things", 2.0, 2.5, number / 4, alternatives)))
        yield opened


def test_several_transcripts_in_one_document(index: Index) -> None:
    objects = [json.loads(line) for line in "".join(render_document(index, RECORDINGS, "json")).splitlines()]
    assert [record["id"] for record in objects] == ["ab" * 16, "cd" * 16, "ef" * 16]
    assert (objects[0]["path"], objects[0]["model"], objects[0]["duration"]) == ("/talks/one.mp3", "model", 9.0)
    assert objects[0]["words"][1]["alternatives"] == [{"text": "thinks", "probability": 0.2}]
    ctm = "".join(render_document(index, RECORDINGS, "ctm")).splitlines()
    assert [line.split()[0] for line in ctm[::2]] == ["one-abababababab", "One-cdcdcdcdcdcd", "two"]
    table = "".join(render_document(index, RECORDINGS, "csv")).splitlines()
    assert len(table) == 7
    assert table[0] == "path,start,end,confidence,word,voice"
    for form in set(FORMATS) - set(JOINABLE):
        with pytest.raises(OutputError, match="give --output FOLDER"):
            list(render_document(index, RECORDINGS, form))
        assert "thinks" not in "".join(render_document(index, RECORDINGS[:1], form))


@pytest.mark.parametrize("form", FORMATS)
def test_one_file_per_recording(form: str, index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "deep"
    written = [path for path in write_files(index, RECORDINGS, form, folder, force=False) if isinstance(path, Path)]
    assert sorted(written) == sorted(folder.iterdir())
    for entry, path in zip(RECORDINGS, written, strict=True):
        text = "".join(render_document(index, [entry], form))
        if form == "ctm":
            text = text.replace("one 1 ", "one-abababababab 1 ").replace("One 1 ", "One-cdcdcdcdcdcd 1 ")
        assert path.read_text(encoding="utf-8") == text
    written[0].write_text("corrected by hand")
    written[1].unlink()
    with pytest.raises(OutputError, match="--force"):
        list(write_files(index, RECORDINGS, form, folder, force=False))
    assert written[0].read_text() == "corrected by hand"
    assert not written[1].exists()
    assert list(write_files(index, RECORDINGS, form, folder, force=True)) == written
    assert written[0].read_text() != "corrected by hand"


def test_file_names_and_recordings_under_a_path() -> None:
    assert list(file_names(RECORDINGS).values()) == ["one-abababababab", "One-cdcdcdcdcdcd", "two"]
    assert recordings_under(RECORDINGS, "/talks") == [RECORDINGS[0], RECORDINGS[2]]
    assert recordings_under(RECORDINGS, "/talks/one.mp3") == [RECORDINGS[0]]
    assert recordings_under(RECORDINGS, "/talks/on") == []


@pytest.mark.parametrize("letter", ["x", "ü", "語", "🎧"])
def test_long_names_are_shortened_to_what_file_systems_allow(letter: str, tmp_path: Path) -> None:
    size = len(letter.encode())
    stems = [letter * (251 // size), letter * (251 // size - 1) + "a", "short"]
    long = [recording(identity, f"/talks/{stem}.mp3") for identity, stem in zip(("ab", "cd", "ef"), stems, strict=True)]
    with open_index(str(tmp_path / "long.db"), create=True) as opened:
        for entry in long:
            opened.add(entry, (Word("human", 1.0, 1.5, 0.9),))
        results = list(write_files(opened, long, "textgrid", tmp_path / "out", force=False))
        written = [path for path in results if isinstance(path, Path)]
    assert len({path.name for path in written}) == 3
    assert [path.stem for path in written][2] == "short"
    assert all(path.is_file() and path.stem.startswith(letter) for path in written[:2])


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.ENAMETOOLONG, errno.EACCES])
def test_files_that_cannot_be_written_are_told_and_the_others_are_written(
    number: int, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def opened(path: Path, *arguments: Any, **options: Any) -> Any:
        if ".two.partial" in path.name:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    index.remove(RECORDINGS[1].id)  # by another process, after the list was read
    first, second, third = write_files(index, RECORDINGS, "srt", tmp_path / "out", force=False)
    assert isinstance(first, Path)
    assert first.read_text().startswith("1\n")
    assert isinstance(second, Unwritten)
    assert "/more/One.wav: was removed" in second.sentence
    assert isinstance(third, Unwritten)
    assert third.sentence == f"{tmp_path}/out/two.srt: cannot be written ({os.strerror(number)})."
    assert [path.name for path in (tmp_path / "out").iterdir()] == [first.name]
