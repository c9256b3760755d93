"""Atomic replacement of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from audiosearch import files
from audiosearch.errors import InUseError
from audiosearch.files import atomic_write, lock_file, lock_folder, lock_output


def test_the_new_content_replaces_the_old_on_success(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("old")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".yaml"
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["settings.yaml"]


def test_an_exception_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("old")

    def fail_midway() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("new")
            raise ValueError("interrupted")

    with pytest.raises(ValueError, match="interrupted"):
        fail_midway()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["settings.yaml"]


def test_a_file_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ö" * 125 + ".json")
    with atomic_write(path) as temporary:
        temporary.write_text("{}")
    assert path.read_text() == "{}"


def test_a_file_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    with atomic_write(path) as temporary:
        temporary.write_text("first")
        with pytest.raises(InUseError, match="written by another process"), atomic_write(path):
            pass
    assert path.read_text() == "first"
    with atomic_write(path) as temporary:
        temporary.write_text("second")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.bin"]


def test_a_folder_is_locked_once(tmp_path: Path) -> None:
    with lock_folder(tmp_path), pytest.raises(InUseError, match="another process"), lock_folder(tmp_path):
        pass
    with lock_folder(tmp_path):
        pass


def test_an_output_is_made_by_one_process_and_its_lock_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / ("ö" * 125 + ".json")
    with lock_output(path):
        with pytest.raises(InUseError, match="another process"), lock_output(path):
            pass
        with atomic_write(path) as temporary:
            temporary.write_text("{}")
    with lock_output(path):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_lock_deleted_by_another_process_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, real = tmp_path / "lock", os.open

    def opened_and_deleted(*arguments: Any) -> int:
        monkeypatch.setattr(os, "open", real)
        descriptor = real(*arguments)
        lock.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", opened_and_deleted)
    with lock_file(lock, "x: is used"):
        assert lock.exists()
        with pytest.raises(InUseError, match=r"x: is used by another process"), lock_file(lock, "x: is used"):
            pass


def test_the_other_process_is_named_where_the_system_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock_folder(tmp_path):
        if files.LOCKS.exists():
            with pytest.raises(InUseError, match=rf"by another process \({os.getpid()}\);"), lock_folder(tmp_path):
                pass
        monkeypatch.setattr(files, "LOCKS", tmp_path / "none")
        with pytest.raises(InUseError, match="by another process;"), lock_folder(tmp_path):
            pass
