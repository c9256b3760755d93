"""The command line: playback, clips and lists of hits, export and import of transcripts, and ``watch``."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cli
from audiosearch.audio.reader import probe
from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import Location, Recording

REPOSITORY = Path(cli.__file__).parent


def run(*arguments: str | Path) -> Result:
    """Run ``audiosearch`` in this process."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An index of three recordings of ten seconds with "human things" at 4 s; the file of the last is missing."""
    path = tmp_path / "store.db"
    with open_index(str(path), create=True) as index:
        for number, name in enumerate(("one.wav", "two.wav", "missing.wav")):
            file = tmp_path / "talks" / name
            file.parent.mkdir(exist_ok=True)
            with wave.open(str(file), "wb") as sound:
                sound.setparams((1, 2, 8000, 0, "NONE", ""))
                tone = 9000 * np.sin(2 * np.pi * 440 * np.arange(80_000) / 8000)
                sound.writeframes(tone.astype("<i2").tobytes())
            status = file.stat()
            location = Location(str(file), status.st_size, status.st_mtime_ns)
            words = (Word("human", 4.0, 4.4, 0.9 - number / 4), Word("things", 4.5, 5.0, 0.9 - number / 4))
            recording = Recording(f"{number}bcdef" * 5 + "00", (location,), 10.0, "model", "2024-05-06T07:08:09+00:00")
            index.add(recording, words)
        file.unlink()
    return path


class TestQuery:
    """Clips, lists and playback of ``audiosearch query``"""

    def test_clips_and_supercut(self, store: Path) -> None:
        clips, target = store.parent / "clips", store.parent / "all.flac"
        arguments = ("human things", "--store", store, "--clips", clips, "--supercut", target, "--padding", "0.5")
        for _ in range(2):
            result = run("query", *arguments, "--json", "--gap", "1")
            assert result.exit_code == 2
            assert len(result.stdout.splitlines()) == 3
            assert f"{store.parent}/talks/missing.wav: does not exist" in result.stderr
            assert f"2 clips in {clips}.\n" in result.stderr
            assert f"{target}: 2 hits, 5 s.\n" in result.stderr
            assert sorted(path.name for path in clips.iterdir()) == [
                "001_one_0h00m04.0s_human-things.wav",
                "002_two_0h00m04.0s_human-things.wav",
            ]
        assert probe(clips / "001_one_0h00m04.0s_human-things.wav").duration == 2.0
        assert probe(target).duration == pytest.approx(5.0)
        whole = run("query", "human things", "--path", store.parent / "talks" / "o*", "--store", store, *arguments[3:5])
        assert whole.exit_code == 0

    def test_files_of_others_are_never_replaced(self, store: Path) -> None:
        clips = store.parent / "clips"
        clips.mkdir()
        foreign = clips / "002_two_0h00m04.0s_human-things.wav"
        foreign.write_bytes(b"foreign")
        result = run("query", "human things", "--store", store, "--clips", clips)
        assert result.exit_code == 2
        assert result.stderr == f"Error: {foreign}: exists already and was not made by audiosearch; name another.\n"
        assert list(clips.iterdir()) == [foreign]
        result = run("query", "human things", "--store", store, "--supercut", store.parent / "talks" / "one.wav")
        assert (result.exit_code, result.stdout) == (2, "")

    def test_formats(self, store: Path) -> None:
        assert run("query", "human", "--store", store, "--format", "csv").stdout.count("\n") == 4
        assert run("query", "human", "--store", store, "--format", "m3u").stdout.startswith("#EXTM3U\n#EXTINF:1,one")
        edl = run("query", "human", "--store", store, "--format", "edl", "--fps", "24", "--padding", "0").stdout
        assert "00:00:04:00 00:00:04:10 01:00:00:00 01:00:00:10\n" in edl
        result = run(
            "query", "human", "--path", store.parent / "talks/one.wav", "--store", store, "--format", "audacity"
        )
        assert result.stdout == "4.000000\t4.400000\thuman\n"

    @pytest.mark.parametrize(
        "wrong",
        [
            ["--padding", "1"],
            ["--gap", "1", "--clips", "x"],
            ["--fps", "25", "--format", "csv"],
            ["--json", "--format", "csv"],
            ["--counts", "--play"],
            ["--clip-format", "mp3"],
            ["--supercut", "a.wav", "--gap", "nan"],
            ["--supercut", "a.wav", "--padding", "-1"],
        ],
    )
    def test_options_that_exclude_each_other(self, store: Path, wrong: list[str]) -> None:
        result = run("query", "human", "--store", store, *wrong)
        assert (result.exit_code, result.stdout) == (2, "")

    def test_no_player(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(store.parent))
        monkeypatch.setattr("audiosearch.audio.player._has_device", lambda: False)
        result = run("query", "human", "--store", store, "--play")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: No player is available: install ffplay")


def install_player(folder: Path, script: str) -> Path:
    """Write a program ffplay that appends the size of each played file to the returned file."""
    folder.mkdir()
    program = folder / "ffplay"
    program.write_text(f"#!/bin/sh\nfor last; do :; done\nwc -c < \"$last\" >> '{folder}/played'\n{script}\n")
    program.chmod(0o755)
    return folder / "played"


def test_playback_without_a_terminal_needs_no_keys(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = install_player(tmp_path / "bin", "sleep 0.05")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    result = run("query", "human things", "--store", store, "--play", "--padding", "1")
    assert result.exit_code == 2  # the third is missing
    assert "1/3" in result.stderr
    assert "2/3" in result.stderr
    sizes = [int(line) for line in played.read_text().splitlines()]
    assert len(sizes) == 2
    assert all(3 * 16_000 < size < 3 * 16_000 + 1000 for size in sizes)
    (tmp_path / "bin" / "ffplay").write_text("#!/bin/sh\nexit 3\n")
    result = run("query", "human things", "--store", store, "--play")
    assert result.stderr.endswith("Error: ffplay could not play (exit status 3); is there a sound device?\n")


def test_enter_continues_and_q_stops_the_playback(store: Path, tmp_path: Path) -> None:
    played = install_player(tmp_path / "bin", "exec sleep 60")
    master, slave = pty.openpty()
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "cli", "query", "human things", "--store", str(store), "--play"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        shown = ""

        def wait_for(text: str) -> None:
            nonlocal shown
            deadline = time.monotonic() + 60
            while text not in shown:
                assert time.monotonic() < deadline, shown
                if select.select([master], [], [], 0.2)[0]:
                    shown += os.read(master, 4096).decode(errors="replace")

        def wait_for_sound(count: int) -> None:
            deadline = time.monotonic() + 60
            while not played.exists() or len(played.read_text().splitlines()) < count:
                assert time.monotonic() < deadline, shown
                time.sleep(0.02)

        wait_for("1/3")
        wait_for_sound(1)
        os.write(master, b"\n")
        wait_for("2/3")
        wait_for_sound(2)
        start = time.monotonic()
        os.write(master, b"q")
        assert process.wait(30) == 0
        assert time.monotonic() - start < 10  # less than the minute of ffplay
    os.close(master)


class TestExportAndImport:
    """``audiosearch export`` and ``audiosearch import``"""

    def test_export_and_import(self, store: Path) -> None:
        lines = store.parent / "library.jsonl"
        result = run("export", "--all", "--format", "json", "--store", store, "--output", lines)
        assert (result.exit_code, result.output) == (0, "")
        imported = store.parent / "other.db"
        result = run("import", lines, "--store", imported)
        assert result.stdout == "3 recordings imported.\n"
        assert f"{lines}/one.wav: 2 words (new)\n" in result.stderr
        assert run("query", "human things", "--store", imported, "--json").stdout.count("\n") == 3
        result = run("query", "human things", "--store", imported, "--clips", store.parent / "clips")
        assert result.exit_code == 2
        assert result.stderr.count("was imported without its recording; import it again with --media") == 3
        result = run("import", lines, "--store", imported, "--media", store.parent / "talks", "--json")
        *events, finished = map(json.loads, result.stdout.splitlines())
        assert result.exit_code == 1
        assert [event["event"] for event in events] == ["failed", "replaced", "replaced"]
        assert events[0]["reason"].endswith(f"no recording in {store.parent}/talks has the name missing.wav.")
        assert finished == {"event": "finished", "new": 0, "replaced": 2, "unchanged": 0, "failed": 1}
        assert run("remove", lines, "--store", imported).stdout == "1 recording removed.\n"
        (remaining,) = map(json.loads, run("list", "--store", imported, "--json").stdout.splitlines())
        assert remaining["paths"] == [f"{store.parent}/talks/one.wav", f"{store.parent}/talks/two.wav"]  # equal content

    def test_export_by_path_or_id(self, store: Path) -> None:
        by_path = run("export", store.parent / "talks/one.wav", "--format", "srt", "--store", store)
        assert by_path.stdout == "1\n00:00:04,000 --> 00:00:05,000\nhuman things\n"
        assert run("export", "0bcdef", "--format", "srt", "--store", store).stdout == by_path.stdout
        missing = run("export", "nonsense", "--format", "srt", "--store", store)
        assert (missing.exit_code, missing.stdout) == (1, "")
        assert "nonsense: there is no such file, folder or id" in missing.stderr

    def test_one_file_per_recording(self, store: Path) -> None:
        folder = store.parent / "out"
        result = run("export", store.parent / "talks", "--format", "textgrid", "--output", folder, "--store", store)
        assert result.exit_code == 0
        assert sorted(path.name for path in folder.iterdir()) == ["missing.TextGrid", "one.TextGrid", "two.TextGrid"]
        again = run("export", "--all", "--format", "textgrid", "--output", folder, "--store", store)
        assert again.exit_code == 1
        assert "--force" in again.stderr
        single = run("export", "--all", "--format", "vtt", "--store", store)
        assert single.stderr == "Error: A document of vtt contains one recording, not 3: give --output FOLDER.\n"
        assert run("export", "--format", "vtt", "--store", store).exit_code == 2
        target = folder / "one.vtt"
        assert run("export", "0bcdef", "--format", "vtt", "--output", target, "--store", store).exit_code == 0
        assert target.read_text().startswith("WEBVTT\n")

    def test_files_that_cannot_be_written_are_reported_at_the_end(self, store: Path) -> None:
        folder = store.parent / "out"
        (folder / ".one.partial.srt").mkdir(parents=True)
        result = run("export", "--all", "--format", "srt", "--output", folder, "--store", store)
        assert result.exit_code == 1
        assert result.stdout.splitlines() == [f"{folder}/missing.srt", f"{folder}/two.srt"]
        assert result.stderr.splitlines() == [
            f"2 transcripts in {folder}, 1 failed.",
            f"{folder}/one.srt: cannot be written (Is a directory).",
        ]

    def test_unusable_transcripts_are_reported(self, store: Path) -> None:
        bad = store.parent / "bad.ctm"
        bad.write_text("talk 1 0.5 0.5 fine\ntalk 1 never 0.5 bad\n")
        result = run("import", bad, "--store", store)
        assert (result.exit_code, result.stdout) == (0, "1 recording imported.\n")
        assert f"{bad}, line 2: is no line of CTM" in result.stderr
        assert "1 of 2 words or lines of the file left out." in result.stderr
        bad.write_text('{"words": "none"}')
        result = run("import", bad, "--store", store)
        assert (result.exit_code, result.stdout) == (1, "0 recordings imported, 1 failed.\n")


WATCHER = """
import sys
from pathlib import Path
import cli
from audiosearch.types import Transcript, Word
from indexer.console import lazy_recognizer

class FakeRecognizer:
    fingerprint = "fake"
    def __init__(self, model, **options): pass
    def __enter__(self): return self
    def __exit__(self, *exception): print("closed", flush=True)
    def transcribe_all(self, paths):
        for path in paths: yield Transcript(str(path), 1.0, (Word("heard", 0.5, 1.0, 0.9),))

lazy_recognizer.LazyRecognizer = FakeRecognizer
cli.main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watch_indexes_new_files_and_stops_at_a_signal(store: Path, number: signal.Signals) -> None:
    talks, watched = store.parent / "talks", store.parent / "watched.db"
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "AUDIOSEARCH_MODEL": str(talks),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-c", WATCHER, "watch", str(talks), "--store", str(watched), "--json", "--settle", "0.3"]
    with subprocess.Popen(
        command, cwd=store.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None

        def lines_until_finished() -> list[dict[str, object]]:
            assert process.stdout is not None
            lines: list[dict[str, object]] = []
            while not lines or lines[-1]["event"] != "finished":
                line = process.stdout.readline()
                assert line, process.stderr and process.stderr.read()
                if line.startswith("{"):
                    lines.append(json.loads(line))
            return lines

        os.utime(talks / "one.wav", (1, 1))
        first = lines_until_finished()
        while sum(event["event"] == "indexed" for event in first) < 1:
            first += lines_until_finished()
        (talks / "new.wav").write_bytes((talks / "one.wav").read_bytes() + b"\0\0")
        later = lines_until_finished()
        while not any(str(event.get("path", "")).endswith("new.wav") for event in later):
            later += lines_until_finished()
        start = time.monotonic()
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)
        assert time.monotonic() - start < 10
    assert process.returncode == 0
    assert out.endswith("closed\n")
    assert errors.endswith("\nStopped; indexed recordings are kept.\n")
    assert "Traceback" not in errors
    with open_index(str(watched), create=False) as index:
        assert len(index.recordings()) == 2
