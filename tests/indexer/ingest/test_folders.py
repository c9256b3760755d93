"""Indexing a folder in one call."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from transcribers import FakeTranscriber

from audiosearch.types import Transcript, Word
from indexer import Index, IndexReport, index_folder, open_index, parse_query
from indexer.ingest.ingest import Record


class NameTranscriber(FakeTranscriber):
    """Transcribes a recording as the name of its file."""

    fingerprint = "reader"

    def transcribe(self, path: Path) -> Transcript:
        return Transcript(str(path), 0.5, (Word(path.stem, 0.1, 0.4, 0.9),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings, and a file that only claims to be one."""
    folder = tmp_path / "talks"
    folder.mkdir()
    for number, name in enumerate(("storm", "harbor")):
        soundfile.write(folder / f"{name}.wav", [0.01 * number] * 4000, 8000)
    (folder / "broken.flac").write_bytes(b"fLaC, and then nothing of the kind")
    return folder


def names_of_hits(index: Index, text: str) -> list[str]:
    return [Path(hit.recording.path).name for hit in index.search(parse_query([text]).query, limit=5).hits]


def test_folder_is_indexed_and_searched(folder: Path, tmp_path: Path) -> None:
    records: list[Record] = []
    report = index_folder(folder, tmp_path / "talks.db", NameTranscriber(), progress=records.append)
    assert sorted(Path(recording.path).name for recording in report.indexed) == ["harbor.wav", "storm.wav"]
    assert [Path(failed.path).name for failed in report.failed] == ["broken.flac"]
    assert report.seconds == pytest.approx(1.0)
    assert len(records) > 3
    with open_index(str(tmp_path / "talks.db")) as index:
        assert names_of_hits(index, "storm") == ["storm.wav"]
        assert names_of_hits(index, "lighthouse") == []


def test_second_run_transcribes_nothing_and_prunes(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.flac").unlink()
    store = str(tmp_path / "talks.db")
    index_folder([folder / "storm.wav", str(folder / "harbor.wav")], store, NameTranscriber())
    (folder / "storm.wav").unlink()
    assert index_folder(str(folder), store, NameTranscriber(), prune=True) == IndexReport((), (), unchanged=1)
    with open_index(store) as index:
        assert names_of_hits(index, "storm") == []
