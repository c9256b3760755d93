"""Two runs over one folder at the same time, of which one forgets what is gone: both end well, with one copy."""

from __future__ import annotations

import os
import random
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from audiosearch.alphabet import Alphabet
from audiosearch.errors import AudioError
from audiosearch.spotting.scoring import AcousticProfile, SpottingCalibration
from audiosearch.types import Transcript, Word
from indexer.index import Index, open_index
from indexer.ingest.ingest import Failed, Found, Record, ingest


class Hearer:
    """Hears of each recording how it begins."""

    fingerprint = "hearer"
    sounding = AcousticProfile(Alphabet(), SpottingCalibration())

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
    """A run that has seen what is there, and done nothing yet."""
    run = ingest(index, Hearer(), [folder], prune=prune)
    for record in run:
        if isinstance(record, Found):
            return run
    raise AssertionError("there was no end of the crawl")


def there(index: Index) -> list[str]:
    """Where recordings lie, one after the other."""
    return [Path(place.path).name for one in index.recordings() for place in one.locations]


def test_what_one_run_moves_and_the_other_forgets(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "talks"
    folder.mkdir()
    with open_index(url, create=True) as index, open_index(url, create=True) as other:
        for number, name in enumerate(("a", "b", "stays")):
            sound(folder / f"{name}.wav", number)
        list(ingest(index, Hearer(), [folder]))
        words = {one.id: index.words(one.id) for one in index.recordings()}

        (folder / "a.wav").rename(tmp_path / "elsewhere.wav")
        forgets = crawled(other, folder, prune=True)  # a is gone
        (tmp_path / "elsewhere.wav").rename(folder / "c.wav")
        moves = crawled(index, folder)  # a lies at c
        list(forgets)
        assert there(index) == ["b.wav", "stays.wav"]
        assert not any(isinstance(record, Failed) for record in moves)
        assert there(index) == ["b.wav", "c.wav", "stays.wav"]

        (folder / "b.wav").rename(tmp_path / "elsewhere.wav")
        forgets = crawled(other, folder, prune=True)  # b is gone
        (tmp_path / "elsewhere.wav").rename(folder / "d.wav")
        list(crawled(index, folder))  # b lies at d
        list(forgets)
        assert there(index) == ["c.wav", "d.wav", "stays.wav"]

        (folder / "c.wav").unlink()
        runs = [crawled(one, folder, prune=True) for one in (index, other)]
        for run in runs:
            list(run)
        assert there(index) == ["d.wav", "stays.wav"]
        assert all(index.words(one.id) == words[one.id] for one in index.recordings())


@pytest.mark.parametrize("seed", range(4))
def test_runs_that_take_turns(tmp_path: Path, seed: int) -> None:
    """Whatever befalls the files meanwhile; a run after them finds all in order."""
    chance = random.Random(seed)
    folder = tmp_path / "talks"
    folder.mkdir()
    sound(folder / "stays.wav", 9999)  # nothing is forgotten of an empty folder
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
            list(ingest(index, Hearer(), [folder], prune=True))
            assert sorted(there(index)) == sorted(path.name for path in folder.iterdir())
            for one in index.recordings():
                heard = {Hearer().transcribe(Path(place.path)).words for place in one.locations}
                assert heard == {index.words(one.id)}
