"""Two concurrent runs over one folder, one of which prunes: both succeed, and no recording is lost or doubled."""

from __future__ import annotations

import os
import random
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from transcribers import FakeTranscriber

from audiosearch.errors import AudioError
from audiosearch.types import Transcript, Word
from indexer.index import Index, open_index
from indexer.ingest.ingest import CrawlSummary, Record, ingest
from indexer.ingest.walk import Failed


class PrefixTranscriber(FakeTranscriber):
    """Transcribes a recording as its first bytes."""

    def transcribe(self, path: Path) -> Transcript:
        try:
            return Transcript(str(path), 0.1, (Word(path.read_bytes()[44:54].hex(), 0.0, 0.1, 1.0),))
        except OSError as error:
            raise AudioError(f"{path}: cannot be read") from error


def sound(path: Path, seed: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(random.Random(seed).randbytes(1600))
    os.utime(path, ns=(seed * 10**9, seed * 10**9))  # the clock of files is too coarse


def crawled(index: Index, folder: Path, *, prune: bool = False) -> Iterator[Record]:
    """A run that has crawled and changed nothing yet."""
    run = ingest(index, PrefixTranscriber(), [folder], prune=prune)
    for record in run:
        if isinstance(record, CrawlSummary):
            return run
    raise AssertionError("the crawl did not end")


def file_names(index: Index) -> list[str]:
    """Names of the files of all recordings."""
    return [Path(location.path).name for recording in index.recordings() for location in recording.locations]


def test_recordings_moved_during_a_pruning_run(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "talks"
    folder.mkdir()
    with open_index(url, create=True) as index, open_index(url, create=True) as second:
        for number, name in enumerate(("a", "b", "stays")):
            sound(folder / f"{name}.wav", number)
        list(ingest(index, PrefixTranscriber(), [folder]))
        words = {recording.id: index.words(recording.id) for recording in index.recordings()}

        (folder / "a.wav").rename(tmp_path / "elsewhere.wav")
        pruning = crawled(second, folder, prune=True)  # a is gone
        (tmp_path / "elsewhere.wav").rename(folder / "c.wav")
        moving = crawled(index, folder)  # a lies at c
        list(pruning)
        assert file_names(index) == ["b.wav", "stays.wav"]
        assert not any(isinstance(record, Failed) for record in moving)
        assert file_names(index) == ["b.wav", "c.wav", "stays.wav"]

        (folder / "b.wav").rename(tmp_path / "elsewhere.wav")
        pruning = crawled(second, folder, prune=True)  # b is gone
        (tmp_path / "elsewhere.wav").rename(folder / "d.wav")
        list(crawled(index, folder))  # b lies at d
        list(pruning)
        assert file_names(index) == ["c.wav", "d.wav", "stays.wav"]

        (folder / "c.wav").unlink()
        runs = [crawled(store, folder, prune=True) for store in (index, second)]
        for run in runs:
            list(run)
        assert file_names(index) == ["d.wav", "stays.wav"]
        assert all(index.words(recording.id) == words[recording.id] for recording in index.recordings())


@pytest.mark.parametrize("seed", range(4))
def test_interleaved_runs(tmp_path: Path, seed: int) -> None:
    """After random changes during two runs, one more run makes the index correct."""
    chance = random.Random(seed)
    folder = tmp_path / "talks"
    folder.mkdir()
    sound(folder / "stays.wav", 9999)  # an empty folder is never pruned
    with open_index(str(tmp_path / "l.db"), create=True) as index:
        for round_ in range(12):
            for number in range(4):
                path = folder / f"{chance.randrange(6)}.wav"
                if path.exists() and chance.random() < 0.6:
                    path.rename(folder / f"{chance.randrange(6)}.wav") if chance.random() < 0.5 else path.unlink()
                else:
                    sound(path, 100 + 10 * round_ + number)
            runs = [crawled(index, folder, prune=True)]
            for path in sorted(folder.glob("?.wav"))[:2]:
                path.rename(folder / f"{chance.randrange(6)}.wav")
            runs.append(crawled(index, folder, prune=True))
            while runs:
                run = chance.choice(runs)
                if next(run, None) is None:
                    runs.remove(run)
            list(ingest(index, PrefixTranscriber(), [folder], prune=True))
            assert sorted(file_names(index)) == sorted(path.name for path in folder.iterdir())
            for recording in index.recordings():
                transcripts = {
                    PrefixTranscriber().transcribe(Path(location.path)).words for location in recording.locations
                }
                assert transcripts == {index.words(recording.id)}
