"""Atomic replacement of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.errors import InUseError
from audiosearch.files import atomic_write, lock_folder


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
