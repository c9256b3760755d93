"""An updated index equals a new one after any changes of the folder and any interruption."""

from __future__ import annotations

import hashlib
import os
import random
import wave
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from transcribers import FakeTranscriber

import cli
from audiosearch.errors import AudioError, RefusedError, UnknownRecordingError
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery
from audiosearch.types import PackedEmissions, Seconds, Transcript, Word
from indexer.corrections import Change, CorrectedWords
from indexer.index import Index
from indexer.ingest.ingest import CrawlSummary, Indexed, Record, Relocated, Removed, Started, ingest
from indexer.ingest.shard import ALL, Shard
from indexer.ingest.walk import Failed
from indexer.types import Count, Location, Page, Query, Recording, Statistics, StoredEmissions

CLOCK = count(10**18, 10**9)  # so that no two changes of a file fall into one tick


class Killed(BaseException):
    """Simulated kill -9."""


class MemoryIndex(Index):
    """Index in dictionaries, without search. Its ``fuse``-th next change raises Killed, before or after it is made."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Recording, tuple[Word, ...]]] = {}
        self.kept_emissions: dict[str, tuple[PackedEmissions, ...]] = {}
        self.profiles: dict[str, AcousticProfile] = {}
        self.fuse = -1
        self.kill_after = False

    def _change(self, change: Callable[[], object]) -> None:
        self.fuse -= 1
        if self.fuse == 0 and not self.kill_after:
            raise Killed
        change()
        if self.fuse == 0:
            raise Killed

    def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
        def change() -> None:
            self.kept[recording.id] = recording, tuple(words)
            self.kept_emissions[recording.id] = tuple(emissions)

        self._change(change)

    def relocate(self, recording_id: str, locations: Sequence[Location]) -> None:
        if recording_id not in self.kept:
            raise UnknownRecordingError(f"memory holds no recording {recording_id}")
        recording, words = self.kept[recording_id]
        self._change(lambda: self.kept.update({recording_id: (replace(recording, locations=tuple(locations)), words)}))

    def remove(self, recording_id: str) -> None:
        self._change(lambda: self.kept.pop(recording_id, None))

    def recordings(self) -> list[Recording]:
        return sorted((recording for recording, _ in self.kept.values()), key=lambda recording: recording.path)

    def recording(self, recording_id: str) -> Recording | None:
        return self.kept[recording_id][0] if recording_id in self.kept else None

    def words(self, recording_id: str) -> tuple[Word, ...]:
        return self.kept[recording_id][1]

    def corrected_words(self, recording_id: str) -> CorrectedWords:
        return CorrectedWords(self.words(recording_id))

    def revise(self, recording_id: str, change: Change) -> CorrectedWords:
        raise NotImplementedError

    def is_writable(self) -> bool:
        return True

    def emissions(self, recording_id: str) -> tuple[PackedEmissions, ...]:
        return self.kept_emissions[recording_id]

    def words_between(self, recording_id: str, first: int, end: int) -> tuple[Word, ...]:
        return self.kept[recording_id][1][first:end]

    def keep_acoustic_profile(self, model: str, profile: AcousticProfile) -> None:
        self.profiles[model] = profile

    def acoustic_profiles(self) -> Mapping[str, AcousticProfile]:
        return self.profiles

    def emissions_duration(self) -> Seconds:
        return sum(recording.duration for recording, _ in self.kept.values() if recording.model in self.profiles)

    def stored_emissions(self, recordings: Iterable[str] | None = None) -> Iterator[StoredEmissions]:
        raise NotImplementedError

    def candidate_emissions(
        self, query: KeywordQuery, limit: int, recordings: Collection[str] | None = None
    ) -> Iterator[StoredEmissions]:
        raise NotImplementedError

    def search(self, query: Query, limit: int, after: str | None = None) -> Page:
        raise NotImplementedError

    def count(self, query: Query) -> list[Count]:
        raise NotImplementedError

    def occurring(self, texts: Collection[str], slop: int = 0) -> list[str]:
        raise NotImplementedError

    def similar_words(self, word: str, limit: int) -> list[str]:
        raise NotImplementedError

    def statistics(self) -> Statistics:
        words = sum(len(words) for _, words in self.kept.values())
        return Statistics(len(self.kept), words, sum(recording.duration for recording, _ in self.kept.values()), 0)

    def close(self) -> None:
        pass

    def __enter__(self) -> MemoryIndex:
        return self

    def __exit__(self, *about: object) -> None:
        pass


class Speller(FakeTranscriber):
    """Transcribes a recording as the hash of its bytes."""

    def __init__(self, fingerprint: str = "speller", broken: Iterable[Path] = ()) -> None:
        self.fingerprint = fingerprint
        self.broken = set(broken)
        self.transcribed: list[str] = []

    def transcribe(self, path: Path) -> Transcript:
        if path in self.broken:
            raise AudioError(f"{path}: is broken.")
        self.transcribed.append(path.name)
        return Transcript(str(path), 0.1, (Word(spelled(path), 0.0, 0.1, 1.0),))


class BatchSpeller(Speller):
    """A speller that transcribes all recordings before it yields the first transcript."""

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        results: list[Transcript | AudioError] = []
        for path in paths:
            try:
                results.append(self.transcribe(path))
            except AudioError as error:
                results.append(error)
        yield from results


def spelled(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamp(path: Path) -> None:
    time = next(CLOCK)
    os.utime(path, ns=(time, time))


def sound(path: Path, seed: int) -> Path:
    """Audio file of fixed size; its content depends on the seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(random.Random(seed).randbytes(1600))
    stamp(path)
    return path


def run(
    index: Index,
    *paths: Path,
    speller: Speller | None = None,
    prune: bool = False,
    again: bool = False,
    shard: Shard = ALL,
) -> list[Record]:
    return list(ingest(index, speller or Speller(), paths, prune=prune, again=again, shard=shard))


def summary(records: Sequence[Record]) -> CrawlSummary:
    (only,) = [record for record in records if isinstance(record, CrawlSummary)]
    return only


def content(index: Index) -> dict[str, list[str]]:
    """Paths of each recording by its text."""
    return {
        index.words(recording.id)[0].text: [location.path for location in recording.locations]
        for recording in index.recordings()
    }


def expected(folder: Path) -> dict[str, list[str]]:
    """Expected ``content``, read from the files."""
    paths: dict[str, list[str]] = {}
    for path in sorted(map(str, folder.rglob("*.wav"))):
        paths.setdefault(spelled(Path(path)), []).append(path)
    return paths


def mutate(folder: Path, draw: random.Random) -> None:
    """Apply a random change to a folder."""
    files = sorted(folder.rglob("*.wav"))
    target = folder / draw.choice(["", "a", "b/c"]) / f"{draw.randrange(10**6)}.wav"
    first, second = draw.choice(files), draw.choice(files)
    change = draw.choice(["new", "change", "rename", "copy", "over", "swap", "delete", "touch", "move over"])
    target.parent.mkdir(parents=True, exist_ok=True)
    if change == "new":
        sound(target, draw.randrange(10**9))
    elif change == "change":
        sound(first, draw.randrange(10**9))
    elif change == "rename":
        first.rename(target)
    elif change == "copy":
        target.write_bytes(first.read_bytes())
        stamp(target)
    elif change == "over":
        first.write_bytes(second.read_bytes())
        stamp(first)
    elif change == "swap" and first != second:
        first.rename(target)
        second.rename(first)
        target.rename(second)
    elif change == "delete" and len(files) > 2:
        first.unlink()
    elif change == "touch":
        stamp(first)
    elif change == "move over" and len(files) > 2:
        first.rename(second)


@pytest.mark.parametrize("seed", range(12))
def test_updated_index_equals_a_new_one(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    index, speller = MemoryIndex(), Speller()
    for name in "pqrs":
        sound(tmp_path / f"{name}.wav", draw.randrange(10**9))
    for _ in range(12):
        known = set(content(index))
        speller.transcribed.clear()
        records = run(index, tmp_path, speller=speller, prune=True)
        assert content(index) == expected(tmp_path)
        assert len(speller.transcribed) == len(set(content(index)) - known), (
            "only new recordings are transcribed, each once"
        )
        assert not [record for record in records if isinstance(record, Failed)]
        assert summary(run(index, tmp_path, speller=speller)).new == 0
        for _ in range(draw.randrange(1, 5)):
            mutate(tmp_path, draw)


@pytest.mark.parametrize("kill_after", [False, True])
@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_second_run_completes_a_run_killed_at_any_change(
    tmp_path: Path, seed: int, prune: bool, kill_after: bool
) -> None:
    draw = random.Random(seed)
    before = MemoryIndex()
    for name in "pqrs":
        sound(tmp_path / f"{name}.wav", draw.randrange(10**9))
    run(before, tmp_path)
    for _ in range(8):
        mutate(tmp_path, draw)
    stopped = []
    for fuse in range(1, 100):
        index = MemoryIndex()
        index.kept = dict(before.kept)
        index.fuse, index.kill_after = fuse, kill_after
        try:
            run(index, tmp_path, prune=prune)
        except Killed:
            run(index, tmp_path, prune=prune)
            stopped.append(content(index))
        else:
            break
    assert len(stopped) > 2
    assert all(ended == content(index) for ended in stopped)


def test_file_overwritten_with_known_content(tmp_path: Path) -> None:
    index = MemoryIndex()
    path, copied = sound(tmp_path / "a.wav", 1), sound(tmp_path / "b.wav", 2)
    run(index, tmp_path)
    path.write_bytes(copied.read_bytes())
    stamp(path)
    run(index, tmp_path)
    assert content(index) == expected(tmp_path)


def test_copies_are_transcribed_once_and_renamed_files_not_again(tmp_path: Path) -> None:
    index, speller = MemoryIndex(), Speller()
    sound(tmp_path / "a.wav", 1)
    sound(tmp_path / "copy.wav", 1)
    records = run(index, tmp_path, speller=speller)
    assert [type(record) for record in records[-3:]] == [CrawlSummary, Started, Indexed]
    assert speller.transcribed == ["a.wav"]
    (tmp_path / "a.wav").rename(tmp_path / "z.wav")
    records = run(index, tmp_path, speller=speller)
    (moved,) = [record for record in records if isinstance(record, Relocated)]
    assert (moved.added, moved.left) == ((str(tmp_path / "z.wav"),), (str(tmp_path / "a.wav"),))
    assert speller.transcribed == ["a.wav"]


@pytest.mark.parametrize("kind", [Speller, BatchSpeller])
def test_bad_file_is_reported_and_the_others_are_indexed(tmp_path: Path, kind: type[Speller]) -> None:
    index = MemoryIndex()
    bad = sound(tmp_path / "a.wav", 1)
    sound(tmp_path / "b.wav", 2)
    records = run(index, tmp_path, speller=kind(broken=[bad]))
    assert [record.sentence for record in records if isinstance(record, Failed)] == [f"{bad}: is broken."]
    assert list(content(index).values()) == [[str(tmp_path / "b.wav")]]
    assert summary(run(index, tmp_path)).new == 1, "it is tried again"


def test_changed_content_replaces_only_once_transcribed(tmp_path: Path) -> None:
    index = MemoryIndex()
    path = sound(tmp_path / "a.wav", 1)
    run(index, path)
    old = content(index)
    sound(path, 2)
    run(index, path, speller=Speller(broken=[path]))
    assert content(index) == old
    records = run(index, path)
    assert isinstance(records[-1], Removed)
    assert records[-1].replaced
    assert content(index) == expected(tmp_path)


def test_file_changing_during_transcription_is_not_indexed(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", 1)

    class Slow(Speller):
        def transcribe(self, path: Path) -> Transcript:
            transcript = super().transcribe(path)
            sound(path, 2)
            return transcript

    index = MemoryIndex()
    records = run(index, path, speller=Slow())
    assert isinstance(records[-1], Failed)
    assert content(index) == {}
    run(index, path)
    assert content(index) == expected(tmp_path)


def test_missing_recordings_are_kept_and_counted_until_pruned(tmp_path: Path) -> None:
    index = MemoryIndex()
    gone, stays = sound(tmp_path / "a.wav", 1), sound(tmp_path / "b.wav", 2)
    run(index, tmp_path)
    gone.unlink()
    before = content(index)
    assert summary(run(index, tmp_path)).missing == 1
    assert content(index) == before
    assert summary(run(index, stays, prune=True)).missing == 0
    assert content(index) == before
    records = run(index, tmp_path, prune=True)
    assert isinstance(records[-1], Removed)
    assert content(index) == expected(tmp_path)


def test_outdated_transcripts_are_renewed_only_on_request(tmp_path: Path) -> None:
    index = MemoryIndex()
    sound(tmp_path / "a.wav", 1)
    sound(tmp_path / "b.wav", 2)
    run(index, tmp_path, speller=Speller("old"))
    (tmp_path / "a.wav").rename(tmp_path / "c.wav")
    better = Speller("new")
    sound(tmp_path / "d.wav", 3)
    assert summary(run(index, tmp_path, speller=better)).outdated == 2
    assert better.transcribed == ["d.wav"]
    records = run(index, tmp_path, speller=better, again=True)
    assert (summary(records).new, summary(records).again) == (2, 2)
    assert better.transcribed == ["d.wav", "b.wav", "c.wav"]
    assert {recording.model for recording in index.recordings()} == {"new"}
    assert summary(run(index, tmp_path, speller=better, again=True)).new == 0


def test_transcriber_is_unused_without_work(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no recording")
    transcriber: Speller = None  # type: ignore[assignment]
    index = MemoryIndex()
    assert summary(list(ingest(index, transcriber, [tmp_path]))).files == 1
    sound(tmp_path / "a.wav", 1)
    run(index, tmp_path)
    (tmp_path / "a.wav").rename(tmp_path / "b.wav")
    assert summary(list(ingest(index, transcriber, [tmp_path]))).files == 2


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Ids of recordings that changed."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("seed", range(6))
def test_shards_together_index_everything(tmp_path: Path, seed: int) -> None:
    """In any order each shard changes only its own recordings, and after all of them no work is left."""
    draw = random.Random(seed)
    index, speller = MemoryIndex(), Speller()
    for number in range(8):
        sound(tmp_path / f"{number}.wav", draw.randrange(10**9))
    for _ in range(8):
        known = set(content(index))
        speller.transcribed.clear()
        shards = [Shard(number, 3) for number in (1, 2, 3)]
        draw.shuffle(shards)
        for shard in shards:
            before = dict(index.kept)
            run(index, tmp_path, speller=speller, shard=shard, prune=True)
            assert all(shard.owns(name) for name in changes(before, index.kept))
        assert content(index) == expected(tmp_path)
        assert len(speller.transcribed) == len(set(content(index)) - known), (
            "every recording is transcribed by one shard"
        )
        for shard in shards:
            assert summary(run(index, tmp_path, speller=speller, shard=shard)).new == 0
        for _ in range(draw.randrange(1, 5)):
            mutate(tmp_path, draw)


@pytest.mark.parametrize("seed", range(4))
def test_replaced_recordings_are_removed_by_the_next_run_of_their_shard(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    index = MemoryIndex()
    files = [sound(tmp_path / f"{number}.wav", draw.randrange(10**9)) for number in range(6)]
    shards = [Shard(number, 4) for number in (1, 2, 3, 4)]
    for turn in range(3):
        for shard in shards * (1 + bool(turn)):
            run(index, tmp_path, shard=shard)
        assert content(index) == expected(tmp_path)
        for path in draw.sample(files, 3):
            sound(path, draw.randrange(10**9))


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "1/3 "])
def test_invalid_shards(text: str) -> None:
    assert Shard.parse("3/3") == Shard(3, 3)
    with pytest.raises(ValueError, match="is not like 3/10"):
        Shard.parse(text)
    result = CliRunner().invoke(cli.main, ["index", "folder", "--part", text])
    assert result.exit_code == 2
    assert "is not like 3/10, from 1/10 to 10/10." in result.stderr


def test_refused_recording_is_reported_and_the_others_are_indexed(tmp_path: Path) -> None:
    refused = spelled(sound(tmp_path / "a.wav", 1))
    sound(tmp_path / "b.wav", 2)

    class RefusingIndex(MemoryIndex):
        def add(self, recording: Recording, words: Sequence[Word], emissions: Sequence[PackedEmissions] = ()) -> None:
            if words[0].text == refused:
                raise RefusedError(f"{recording.path}: cannot be indexed.")
            super().add(recording, words, emissions)

    index = RefusingIndex()
    records = run(index, tmp_path)
    assert [record.path for record in records if isinstance(record, Failed)] == [str(tmp_path / "a.wav")]
    assert list(content(index).values()) == [[str(tmp_path / "b.wav")]]
