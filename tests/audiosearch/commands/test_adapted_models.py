"""Models adapted by ``tune`` and ``calibrate``: the installed one is not changed, a copy loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from audiosearch import model_folder
from audiosearch.errors import ConfigError

NAMES = ("model.safetensors", "lm.bin", "decoder.yaml", "calibration.yaml", "checksums.txt")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the installed model."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(name)
    monkeypatch.setattr(model_folder, "SHIPPED_MODEL", folder)
    monkeypatch.delenv("AUDIOSEARCH_MODEL", raising=False)
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(tmp_path / "config.yaml"))
    (tmp_path / "config.yaml").touch()
    return folder


@pytest.mark.parametrize("command", ["tune", "calibrate"])
def test_the_installed_model_is_not_changed_unless_it_is_named(command: str, installed: Path, tmp_path: Path) -> None:
    manifest = str(tmp_path / "dev.jsonl")
    result = CliRunner().invoke(cli.main, [command, manifest])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {installed}: the installed model is not changed; give --output FOLDER")
    for options in (["--model", str(installed)], ["--output", str(tmp_path / "mine")]):
        assert "dev.jsonl" in CliRunner().invoke(cli.main, [command, manifest, *options]).stderr
    assert not (tmp_path / "mine").exists()  # the manifest could not be read
    assert [(installed / name).read_text() for name in NAMES] == list(NAMES)


def test_a_copy_has_all_files_of_the_model(installed: Path, tmp_path: Path) -> None:
    copy = model_folder.copy_model(installed, tmp_path / "models" / "mine")
    assert {path.name: path.read_text() for path in copy.iterdir()} == {name: name for name in NAMES}
    (copy / "decoder.yaml").write_text("tuned")
    with pytest.raises(ConfigError, match="is not empty"):
        model_folder.copy_model(installed, copy)
    assert (copy / "decoder.yaml").read_text() == "tuned"
    one = model_folder.copy_model(installed / "model.safetensors", tmp_path / "one")
    assert one.read_text() == "model.safetensors"
