"""Indexes and outputs where nothing can be written: read-only folders, and media that are mounted read-only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

import cli
from audiosearch.errors import StoreError
from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import Phrase, Query, Recording

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

HELLO = Query((Phrase.of("hello world"),))

SCRIPT = """
import json, sys
from click.testing import CliRunner
import cli
results = []
for command in json.load(sys.stdin):
    result = CliRunner().invoke(cli.main, command)
    is_fault = result.exception is not None and not isinstance(result.exception, SystemExit)
    results.append([result.exit_code, result.stdout, repr(result.exception) if is_fault else result.stderr])
json.dump(results, sys.stdout)
"""


@pytest.fixture
def copied(tmp_path: Path, recording: MakeRecording, spoken: MakeWords) -> Path:
    """A folder with an index that was copied while it was being written, with its log."""
    folder = tmp_path / "medium"
    folder.mkdir()
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        index.add(recording(1), spoken("hello world"))
        for name in ("library.db", "library.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
    assert (folder / "library.db-wal").stat().st_size > 0
    return folder


@pytest.fixture
def complete(tmp_path: Path, recording: MakeRecording, spoken: MakeWords) -> Path:
    """A folder with a complete index."""
    folder = tmp_path / "medium"
    with open_index(str(folder / "library.db"), create=True) as index:
        index.add(recording(1), spoken("hello world"))
    return folder


def on_read_only_medium(folder: Path, commands: list[list[str]]) -> list[tuple[int, str, str]]:
    """Status, output and errors of commands while a folder is mounted read-only, for them alone."""
    mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", str(folder)]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system mounts nothing for a single process")
    done = subprocess.run(
        [*alone, sys.executable, "-c", SCRIPT],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)},
    )
    return [(status, output, errors) for status, output, errors in json.loads(done.stdout)]


@pytest.mark.parametrize("log", [False, True])
def test_index_on_a_read_only_medium(log: bool, complete: Path) -> None:
    """It can be searched, also with an empty log beside it, and not be changed."""
    store = complete / "library.db"
    if log:
        (complete / "library.db-wal").touch()
    before = store.read_bytes()
    found, listed, removed, indexed, new = on_read_only_medium(
        complete,
        [
            ["query", "hello world", "--store", str(store)],
            ["list", "--store", str(store)],
            ["remove", "/recordings", "--store", str(store)],
            ["import", str(store), "--store", str(store)],
            ["import", str(store), "--store", str(complete / "new.db")],
        ],
    )
    assert found[0] == 0
    assert "«hello world»" in found[1]
    assert listed[0] == 0
    for status, _, errors in (removed, indexed):
        assert (status, errors) == (
            1,
            f"Error: {store} cannot be written: its medium is read-only; name another\n",
        )
    assert new[0] == 1
    assert new[2] == f"Error: {complete}/new.db cannot be written: its medium is read-only; name another\n"
    assert store.read_bytes() == before


def test_index_with_its_log_on_a_read_only_medium(copied: Path) -> None:
    store = copied / "library.db"
    commands = [[name, "--store", str(store)] for name in ("list", "info")]
    for status, output, errors in on_read_only_medium(copied, [["query", "hello", "--store", str(store)], *commands]):
        assert status in (1, 2)
        assert output == ""
        assert errors == (
            f"Error: {store} was copied or its medium made read-only while it was being written: library.db-wal holds "
            "additions that can only be read where files can be written; copy both to such a folder\n"
        )
    with open_index(str(store), create=False) as index:  # where files can be written
        assert len(index.search(HELLO, 9).hits) == 1


def test_outputs_on_a_read_only_medium(complete: Path) -> None:
    """Every command that writes a file says which cannot be written."""
    store, text = str(complete.parent / "library.db"), complete.parent / "text.txt"
    shutil.copy(complete / "library.db", store)
    text.write_text("a human saying things\n" * 9)
    out = str(complete / "out")
    commands = [
        ["export", "--all", "--format", "srt", "--output", out, "--store", store],
        ["export", "--all", "--format", "srt", "--output", str(complete), "--store", store],
        ["export", "--all", "--format", "csv", "--output", out, "--store", store],
        ["query", "hello", "--clips", out, "--store", store],
        ["copy", store, out],
        ["manifest", str(complete), "--kind", "txt"],
        ["train", "--train", str(text), "--output", out],
        ["lm", str(text), "-o", out],
        ["lm", "--arpa", str(text), "-o", out],
    ]
    for command, (status, _, errors) in zip(commands, on_read_only_medium(complete, commands), strict=True):
        assert status in (1, 2), (command, errors)
        assert errors.startswith("Error: ") or command[0] == "export", (command, errors)
        assert "Errno" not in errors
        assert "/." not in errors, "the name of a hidden file"
        assert "Error(" not in errors, (command, errors)


@pytest.fixture
def guarded(copied: Path, unprivileged: Callable[[], Path]) -> Iterator[Path]:
    """The copied index in a folder that this user cannot write."""
    contents = {path.name: path.read_bytes() for path in copied.iterdir()}
    folder = unprivileged() / "guarded"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_index_with_its_log_in_a_read_only_folder(guarded: Path) -> None:
    with pytest.raises(StoreError, match=r"library\.db-wal holds additions .* copy both to such a folder"):
        open_index(str(guarded / "library.db"), create=False)
    with pytest.raises(StoreError, match="cannot be opened or written: check its permissions"):
        open_index(str(guarded / "library.db"), create=True)
    assert len(list(guarded.iterdir())) == 2


def test_a_medium_that_is_made_read_only_between_two_writes(
    complete: Path, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the medium, and what was stored stays."""

    class Medium:
        f_flag = os.ST_RDONLY

    with open_index(str(complete / "library.db"), create=True) as index:
        index.add(recording(2), spoken("hello world"))
        connection = index._file.connection  # type: ignore[attr-defined]
        with monkeypatch.context() as patched:
            patched.setattr("indexer.sqlite.file.os.statvfs", lambda path: Medium())
            connection.pragma("query_only", True)
            with pytest.raises(StoreError, match="cannot be written: its medium is read-only; name another"):
                index.add(recording(3), spoken("hello world"))
            with pytest.raises(StoreError, match="its medium is read-only"):
                index.remove("id001")
        connection.pragma("query_only", False)
        assert len(index.search(HELLO, 9).hits) == 2


@pytest.mark.parametrize("error", [apsw.FullError("disk full"), apsw.IOError("disk I/O error")])
def test_nothing_that_was_stored_is_lost_when_a_disk_fails(
    error: apsw.Error, complete: Path, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording that cannot be replaced keeps its words."""

    def failing(*arguments: object) -> None:
        raise error

    with open_index(str(complete / "library.db"), create=True) as index:
        monkeypatch.setattr("indexer.sqlite.index.add_emissions", failing)
        with pytest.raises(StoreError, match=r"cannot be read or written, is the disk full\? \(disk"):
            index.add(recording(1), spoken("other words"))
        assert len(index.search(HELLO, 9).hits) == 1
        assert [word.text for word in index.words("id001")] == ["hello", "world"]
