"""Watched folders: incomplete files wait, moved recordings are kept."""

from __future__ import annotations

import os
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from transcribers import FakeTranscriber

from audiosearch.errors import AudioError, WatchError
from audiosearch.types import Transcript, Word
from indexer.index import Index, open_index
from indexer.ingest.ingest import Record
from indexer.ingest.watch import Finished, changes, follow

Step = Callable[[], set[str]]


class OneWordTranscriber(FakeTranscriber):
    """Transcribes every recording as one word, and keeps a log."""

    def __init__(self) -> None:
        self.transcribed: list[str] = []

    def transcribe(self, path: Path) -> Transcript:
        self.transcribed.append(path.name)
        if "broken" in path.name:
            raise AudioError(f"{path}: is broken.")
        return Transcript(str(path), 1.0, (Word("heard", 0.5, 1.0, 0.9),))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(str(tmp_path / "store.db"), create=True) as opened:
        yield opened


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    folder.mkdir()
    return folder


def sound(path: Path, text: str = "", *, age: float = 100.0) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((text or path.name).encode() * 1000)
    os.utime(path, (time.time() - age,) * 2)
    return path


def watched(
    index: Index, transcriber: OneWordTranscriber, talks: Path, *steps: Step, prune: bool = True
) -> list[Record | Finished]:
    """The records of ``follow``, with one second per step; a step returns the changed paths."""
    now = 0.0

    def changed() -> Iterator[set[str]]:
        nonlocal now
        for step in steps:
            now += 1.0
            yield step()

    return list(follow(index, transcriber, [talks], changed(), settle=2.0, clock=lambda: now, prune=prune))


def names(index: Index) -> list[str]:
    return [Path(location.path).name for recording in index.recordings() for location in recording.locations]


def nothing() -> set[str]:
    return set()


def test_runs_at_the_start_and_after_settled_changes(index: Index, talks: Path) -> None:
    sound(talks / "a.wav")
    transcriber = OneWordTranscriber()
    steps = watched(
        index,
        transcriber,
        talks,
        nothing,
        nothing,
        lambda: {str(sound(talks / "b.wav"))},
        nothing,
        nothing,
        nothing,
        nothing,
    )
    assert sum(isinstance(step, Finished) for step in steps) == 2
    assert transcriber.transcribed == ["a.wav", "b.wav"]


def test_growing_file_waits_without_delaying_others(index: Index, talks: Path) -> None:
    transcriber = OneWordTranscriber()
    seen: list[list[str]] = []

    def grow() -> set[str]:
        seen.append(names(index))
        return {str(sound(talks / "growing.wav", "x" * (len(seen) + 1), age=100))}

    def grow_and_add() -> set[str]:
        return {*grow(), str(sound(talks / "other.wav"))}

    watched(index, transcriber, talks, grow, grow_and_add, grow, grow, grow, nothing, nothing, nothing, nothing)
    assert seen[-1] == ["other.wav"]
    assert sorted(names(index)) == ["growing.wav", "other.wav"]
    assert transcriber.transcribed.count("growing.wav") == 1


def test_recent_and_partial_files_wait(index: Index, talks: Path) -> None:
    young = sound(talks / "young.wav", age=0)
    sound(talks / "talk.mp3.part")
    sound(talks / "talk.wav.CRDOWNLOAD")
    transcriber = OneWordTranscriber()

    def rest() -> set[str]:
        os.utime(young, (time.time() - 100,) * 2)
        return set()

    watched(index, transcriber, talks, nothing, nothing)
    assert transcriber.transcribed == []
    watched(index, transcriber, talks, nothing, nothing, rest, nothing, nothing)
    assert transcriber.transcribed == ["young.wav"]


def test_moved_and_removed_files(index: Index, talks: Path) -> None:
    transcriber = OneWordTranscriber()

    def move() -> set[str]:
        (talks / "a.wav").rename(talks / "b.wav")
        return {str(talks / "a.wav"), str(talks / "b.wav")}

    def remove() -> set[str]:
        (talks / "c.wav").unlink()
        return {str(talks / "c.wav")}

    for name in ("a.wav", "c.wav", "d.wav"):
        sound(talks / name)
    watched(index, transcriber, talks, nothing, move, nothing, nothing, remove, nothing, nothing, prune=False)
    assert sorted(names(index)) == ["b.wav", "c.wav", "d.wav"]
    watched(index, transcriber, talks, nothing)
    assert sorted(names(index)) == ["b.wav", "d.wav"]
    assert len(transcriber.transcribed) == 3


def test_nothing_is_pruned_while_a_file_is_written(index: Index, talks: Path) -> None:
    """A copy followed by the removal of the original is a move."""
    transcriber = OneWordTranscriber()
    original = sound(talks / "a.wav", "text")
    sound(talks / "z.wav")
    watched(index, transcriber, talks, nothing)

    def copy() -> set[str]:
        copied = sound(talks / "b.wav", "text", age=0)
        original.unlink()
        return {str(copied), str(original)}

    def touch() -> set[str]:
        return {str(talks / "b.wav")}

    def rest() -> set[str]:
        os.utime(talks / "b.wav", (time.time() - 100,) * 2)
        return set()

    watched(index, transcriber, talks, nothing, copy, touch, touch, touch, rest, nothing, nothing, nothing)
    assert sorted(names(index)) == ["b.wav", "z.wav"]
    assert sorted(transcriber.transcribed) == ["a.wav", "z.wav"]


def test_broken_file_is_retried_after_a_change(index: Index, talks: Path) -> None:
    transcriber = OneWordTranscriber()
    sound(talks / "broken.wav")

    def add_recording() -> set[str]:
        return {str(sound(talks / "other.wav"))}

    def mend() -> set[str]:
        return {str(sound(talks / "broken.wav", "longer than before"))}

    watched(index, transcriber, talks, nothing, add_recording, nothing, nothing)
    assert transcriber.transcribed == ["broken.wav", "other.wav"]
    watched(index, transcriber, talks, nothing, nothing, mend, nothing, nothing)
    assert transcriber.transcribed.count("broken.wav") == 3


def test_real_file_system_events(index: Index, talks: Path) -> None:
    """Changes made by a thread, reported by the operating system."""
    transcriber = OneWordTranscriber()
    deep = talks / "new" / "deep"

    def live() -> None:
        deep.mkdir(parents=True)
        with sound(deep / "grows.wav", age=0).open("ab") as file:
            for _ in range(6):
                time.sleep(0.2)
                file.write(b"\0" * 1000)
                file.flush()
        (talks / ".hidden.wav").write_bytes((deep / "grows.wav").read_bytes())
        sound(talks / "a.wav").rename(talks / "b.wav")

    worker = threading.Thread(target=live)
    deadline = time.monotonic() + 30
    finished = 0
    for record in follow(index, transcriber, [talks], until(deadline, talks), settle=0.6):
        finished += isinstance(record, Finished)
        if finished == 1 and not worker.ident:
            worker.start()
        if len(names(index)) == 2 and isinstance(record, Finished) and not worker.is_alive():
            break
    worker.join()
    assert sorted(names(index)) == ["b.wav", "grows.wav"]
    assert transcriber.transcribed.count("grows.wav") == 1


def until(deadline: float, folder: Path) -> Iterator[set[str]]:
    for batch in changes([folder]):
        yield batch
        if time.monotonic() > deadline:
            return


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(WatchError, match="no such folder"):
        next(changes([tmp_path / "none"]))
