"""Two processes that write one output: the second is refused at once, in a sentence that names the first."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from audiosearch.data import manifest
from audiosearch.files import lock_folder, lock_output
from audiosearch.types import Word
from indexer.export.transcripts import write_files
from indexer.index import open_index
from indexer.ingest.watch import lock_watch
from indexer.types import Location, Recording


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments], catch_exceptions=False)


def assert_refused(result: Result, name: Path, deed: str = "written") -> None:
    assert result.exit_code in (1, 2)
    assert result.stderr.splitlines() == [
        f"Error: {name}: is being {deed} by another process ({os.getpid()}); wait for it, or name another."
    ]
    assert result.stdout == ""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with open_index(str(path), create=True) as index:
        for name in ("a", "b"):
            recording = Recording(
                name * 32, (Location(f"/talks/{name}.wav", 1, 1),), 9.0, "m", "2024-05-06T07:08:09+00:00"
            )
            index.add(recording, (Word("human", 0.1, 0.4, 0.9),))
    return path


def test_watch(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOSEARCH_MODEL", str(tmp_path))
    talks = tmp_path / "talks"
    talks.mkdir()
    (tmp_path / "link").symlink_to(talks)
    monkeypatch.chdir(tmp_path)
    with lock_watch(str(store), [talks]):
        for folders in (["talks"], ["link"], [tmp_path, talks]):
            assert_refused(run("watch", *folders, "--store", "store.db"), talks, "watched for store.db")
        with lock_watch(str(store), [tmp_path]), lock_watch(str(tmp_path / "other.db"), [talks]):
            pass  # another folder, another index
    with lock_watch(str(store), [talks]):
        pass


def test_lm(tmp_path: Path) -> None:
    if shutil.which("lmplz", path=os.environ.get("AUDIOSEARCH_KENLM_BIN")) is None:
        pytest.skip("there is no lmplz")
    text, model = tmp_path / "text.txt", tmp_path / "lm.bin"
    text.write_text("a human saying things\n")
    model.write_bytes(b"the model before")
    with lock_output(model):
        assert_refused(run("lm", text, "-o", model), model)
        assert_refused(run("lm", text, "--interpolate-on", text, "-o", model), model)
    assert model.read_bytes() == b"the model before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lm.bin", "text.txt"]


def test_manifest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a human\n")
    rejects, output = tmp_path / "rejects.jsonl", tmp_path / "manifest.jsonl"
    rejects.write_text("rows of the first process\n")
    with manifest.manifest_writer(output):
        assert_refused(run("manifest", tmp_path, "--kind", "txt", "--rejects", rejects), output)
    assert rejects.read_text() == "rows of the first process\n"


@pytest.mark.parametrize("command", ["tune", "calibrate"])
def test_settings_of_a_model(command: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with lock_folder(tmp_path):
        assert_refused(run(command, "dev.jsonl", "--model", tmp_path / "model.safetensors"), tmp_path)


def test_export_into_one_folder(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with open_index(str(store), create=False) as index:
        files = write_files(index, index.recordings(), "srt", folder, force=False)
        next(files)
        assert_refused(run("export", "--all", "--format", "vtt", "--output", folder, "--store", store), folder)
        assert len(list(files)) == 1
    assert [path.name for path in sorted(folder.iterdir())] == ["a.srt", "b.srt"]
    assert run("export", "--all", "--format", "vtt", "--output", folder, "--store", store).exit_code == 0


def test_clips_in_one_folder(store: Path, tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        result = run("query", "human", "--clips", tmp_path, "--store", store)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path}: is being written by another process")
