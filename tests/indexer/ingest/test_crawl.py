"""Results of a crawl, one situation at a time; test_ingest.py mixes them at random."""

from __future__ import annotations

import os
import wave
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from indexer.ingest.crawl import Crawl, content_id, crawl
from indexer.ingest.walk import Failed, walk
from indexer.types import Recording


def sound(path: Path, seed: int) -> Path:
    """A tenth of a second of audio that is like no other seed's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join((seed * 7919 + n * n % 977).to_bytes(4, "little")[:2] for n in range(800)))
    return path


def recording(*paths: Path, model: str = "m") -> Recording:
    """Recording of an index whose files have the same content."""
    identities = {content_id(path)[0] for path in paths}
    assert len(identities) == 1
    locations = sorted((content_id(path)[1] for path in paths), key=lambda location: location.path)
    return Recording(identities.pop(), tuple(locations), 0.1, model, "2024-01-01T00:00:00+00:00")


def run(paths: Sequence[Path], known: Sequence[Recording] = ()) -> tuple[Crawl, list[Failed]]:
    """The result of a crawl and the failures on the way."""
    failures: list[Failed] = []
    steps = crawl(paths, known)
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            return stop.value, failures
        if isinstance(step, Failed):
            failures.append(step)


def names(result: Crawl) -> list[list[str]]:
    """File names of each discovery."""
    return [[Path(location.path).name for location in discovery.locations] for discovery in result.discoveries]


def test_audio_is_detected_by_content_and_empty_audio_files_are_reported(tmp_path: Path) -> None:
    sound(tmp_path / "talk.wav", 1)
    sound(tmp_path / "no-suffix", 2)
    sound(tmp_path / "deep" / "er" / "copy of talk.bin", 1)
    (tmp_path / "notes.txt").write_text("just text, not sound")
    (tmp_path / "lies.wav").write_text("text file named .wav, long enough to look at")
    (tmp_path / "empty.mp3").touch()
    result, failures = run([tmp_path])
    assert names(result) == [["copy of talk.bin", "talk.wav"], ["no-suffix"]]
    assert [Path(failure.path).name for failure in failures] == ["empty.mp3", "lies.wav"]
    assert "is empty" in failures[0].sentence
    assert all(failure.path in failure.sentence for failure in failures)
    assert result.discoveries[0].duration == pytest.approx(0.1)
    assert result.files == 6


def test_other_files_do_not_reach_the_audio_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(500):
        (tmp_path / f"{number}.o").write_bytes(b"\x7f" + bytes(range(256)) * 4)
    (tmp_path / "code.ts").write_text("export const kind = 'text';")
    sound(tmp_path / "one", 1)
    opened: list[str] = []

    def ask(path: Path) -> bool:
        opened.append(path.name)
        return True

    monkeypatch.setattr("audiosearch.audio.reader.is_audio", ask)
    result, failures = run([tmp_path])
    assert opened == ["one"]
    assert result.files == 502
    assert failures == []


def test_a_file_that_is_named_is_always_tried(tmp_path: Path) -> None:
    path = tmp_path / "stream.bin"
    path.write_bytes(b"\x01" * 40 + sound(tmp_path / "a.wav", 1).read_bytes())
    (tmp_path / "a.wav").unlink()
    plain = sound(tmp_path / "unnamed", 2)
    assert names(run([tmp_path])[0]) == [["unnamed"]]
    result, failures = run([path, plain])
    assert names(result) == [["unnamed"]]
    assert [failure.sentence.partition(": ")[0] for failure in failures] == [str(path)]


def test_shared_suffixes_are_passed_over_in_silence(tmp_path: Path) -> None:
    for name in ("data.ts", "library.sf", "old.mod", "lies.mts"):
        (tmp_path / name).write_bytes(b"\x7f" + bytes(range(256)) * 4)
    result, failures = run([tmp_path])
    assert result.discoveries == ()
    assert [Path(failure.path).name for failure in failures] == ["lies.mts"]


def test_hidden_files_are_skipped_unless_given(tmp_path: Path) -> None:
    hidden = sound(tmp_path / ".hidden.wav", 1)
    inside = sound(tmp_path / ".trash" / "a.wav", 2)
    assert names(run([tmp_path])[0]) == []
    assert names(run([tmp_path, hidden, inside.parent])[0]) == [[".hidden.wav"], ["a.wav"]]


def test_links_never_loop_and_real_paths_are_preferred(tmp_path: Path) -> None:
    sound(tmp_path / "z" / "a.wav", 1)
    (tmp_path / "a-link").symlink_to(tmp_path / "z")
    (tmp_path / "z" / "up").symlink_to(tmp_path)
    (tmp_path / "z" / "self").symlink_to("self")
    (tmp_path / "z" / "nowhere.wav").symlink_to("missing")
    elsewhere = sound(tmp_path.parent / f"{tmp_path.name}-elsewhere" / "b.wav", 2)
    (tmp_path / "m").symlink_to(elsewhere.parent)
    listed = [entry.path for entry in walk([str(tmp_path)]) if not isinstance(entry, Failed)]
    assert listed == [str(tmp_path / "z" / "a.wav"), str(tmp_path / "m" / "b.wav")]


def test_path_given_twice_is_crawled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sound(tmp_path / "in" / "a.wav", 1)
    monkeypatch.chdir(tmp_path / "in")
    result, failures = run([Path(), path, tmp_path, Path("../in/a.wav")])
    assert names(result) == [["a.wav"]]
    assert result.files == 1
    assert failures == []


def test_unusable_given_paths_are_reported(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not sound")
    os.mkfifo(tmp_path / "pipe")
    result, failures = run([tmp_path / "missing", text, tmp_path / "pipe", tmp_path])
    assert [Path(failure.path).name for failure in failures] == ["missing", "text", "pipe"]
    assert result.discoveries == ()


def test_known_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = recording(sound(tmp_path / "a.wav", 1))
    for name in ("content_id", "is_recording", "_duration"):
        monkeypatch.setattr(f"indexer.ingest.crawl.{name}", lambda path, **_: pytest.fail(f"{path} was read"))
    result, _ = run([tmp_path], [known])
    assert result == Crawl((), (), (), {}, (known,), 1)


def test_renamed_copied_and_touched(tmp_path: Path) -> None:
    first, second, third = (sound(tmp_path / f"{name}.wav", seed) for seed, name in enumerate("abc"))
    known = [recording(first), recording(second), recording(third)]
    first.rename(tmp_path / "moved.wav")
    (tmp_path / "copy.wav").write_bytes(second.read_bytes())
    os.utime(third, ns=(1, 1))
    result, _ = run([tmp_path], known)
    assert not result.discoveries
    assert not result.missing
    changes = [
        (
            Path(change.recording.path).name,
            [Path(path).name for path in change.added],
            [Path(path).name for path in change.left],
        )
        for change in result.relocations
    ]
    assert changes == [("a.wav", ["moved.wav"], ["a.wav"]), ("b.wav", ["copy.wav"], []), ("c.wav", [], [])]
    assert result.relocations[2].locations[0].modified_ns == 1


def test_swapped_names_stay_alive(tmp_path: Path) -> None:
    first, second = sound(tmp_path / "a.wav", 1), sound(tmp_path / "b.wav", 2)
    os.utime(second, ns=(1, 1))
    known = [recording(first), recording(second)]
    first.rename(tmp_path / "c")
    second.rename(first)
    (tmp_path / "c").rename(second)
    result, _ = run([tmp_path], known)
    assert [change.added for change in result.relocations] == [(str(second),), (str(first),)]
    assert result.missing == ()
    assert result.overwritten == {}


def test_changed_content_is_recorded_as_overwriting(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", 1)
    known = recording(path)
    sound(path, 2)
    os.utime(path, ns=(1, 1))
    result, _ = run([tmp_path], [known])
    assert names(result) == [["a.wav"]]
    assert [missing.recording for missing in result.missing] == [known]
    assert result.overwritten == {str(path): result.discoveries[0].id}


def test_recording_replaced_by_text_is_missing(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", 1)
    known = recording(path)
    path.write_text("no longer sound")
    result, failures = run([tmp_path], [known])
    assert [missing.recording for missing in result.missing] == [known]
    assert len(failures) == 1


class TestGone:
    """Only what certainly vanished under the given paths may be forgotten."""

    def test_under_the_given_paths_alone(self, tmp_path: Path) -> None:
        inside, beside = sound(tmp_path / "in" / "a.wav", 1), sound(tmp_path / "inside" / "b.wav", 2)
        sound(tmp_path / "in" / "stays.wav", 3)
        known = [recording(inside), recording(beside)]
        inside.unlink()
        beside.unlink()
        result, _ = run([tmp_path / "in"], known)
        assert [missing.recording for missing in result.missing] == [known[0]]
        result, _ = run([tmp_path / "in" / "stays.wav"], known)
        assert result.missing == ()

    @pytest.mark.parametrize("empty", [True, False])
    def test_never_when_the_folder_is_missing_or_empty(self, tmp_path: Path, empty: bool) -> None:
        path = sound(tmp_path / "drive" / "a.wav", 1)
        sound(tmp_path / "other.wav", 2)
        known = [recording(path)]
        path.unlink()
        if not empty:
            path.parent.rmdir()
        for given in ([path.parent], [tmp_path, path.parent]):
            result, failures = run(given, known)
            assert result.missing == ()
            assert [failure.path for failure in failures] == [str(path.parent)]

    def test_never_behind_a_link_that_leads_nowhere(self, tmp_path: Path) -> None:
        path = sound(tmp_path / "drive" / "a.wav", 1)
        link = tmp_path / "talks" / "drive"
        sound(tmp_path / "talks" / "b.wav", 2)
        link.symlink_to(path.parent)
        known = [recording(link / "a.wav")]
        path.unlink()
        path.parent.rmdir()
        assert run([tmp_path / "talks"], known)[0].missing == ()

    def test_never_what_is_there_but_cannot_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = sound(tmp_path / "a.wav", 1)
        known = [recording(path)]
        os.utime(path, ns=(1, 1))

        def refuse(path: Path, **_: object) -> bool:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("indexer.ingest.crawl.is_recording", refuse)
        result, failures = run([tmp_path], known)
        assert not result.missing
        assert not result.relocations
        assert [failure.sentence for failure in failures] == [f"{path}: cannot be read (Permission denied)."]

    def test_copy_elsewhere_is_kept_until_the_recording_moves(self, tmp_path: Path) -> None:
        here, away = sound(tmp_path / "here" / "a.wav", 1), sound(tmp_path / "away" / "a.wav", 1)
        known = [recording(here, away)]
        away.unlink()
        assert run([here.parent], known)[0].relocations == ()
        here.rename(here.with_name("b.wav"))
        (change,) = run([here.parent], known)[0].relocations
        assert [location.path for location in change.locations] == [str(here.with_name("b.wav"))]


def test_non_unicode_names_are_reported(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav", 1).rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav"))
    _, failures = run([tmp_path])
    assert len(failures) == 1
    failures[0].sentence.encode()


def test_file_being_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sound(tmp_path / "a.wav", 1)
    real, now = os.fstat, count(10**18)

    def write_and_look(file: int) -> os.stat_result:
        os.utime(path, ns=(0, next(now)))
        return real(file)

    monkeypatch.setattr(os, "fstat", write_and_look)
    result, failures = run([path])
    assert result.discoveries == ()
    assert "changed while it was read" in failures[0].sentence
