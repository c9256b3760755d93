"""The command line comes before the environment, that before the file, that before the default."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audiosearch.errors import ConfigError
from audiosearch.settings import Settings, load_settings


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "settings" / "config.yaml"
    path.parent.mkdir()
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(path))
    return path


def test_nothing_said_means_the_folder_of_the_user() -> None:
    assert load_settings() == Settings(f"{os.environ['XDG_DATA_HOME']}/audiosearch/index.db", None)


def test_the_file_of_the_user_is_found_without_being_named() -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "audiosearch" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("store: /tmp/written.db")
    assert load_settings().store == "/tmp/written.db"
    path.unlink()


def test_who_wins(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written.write_text("store: written.db\nmodel: ~/model\n")
    assert load_settings() == Settings(str(written.parent / "written.db"), Path.home() / "model")
    monkeypatch.setenv("AUDIOSEARCH_STORE", "http://localhost:9200/talks")
    monkeypatch.setenv("AUDIOSEARCH_MODEL", "here")
    assert load_settings() == Settings("http://localhost:9200/talks", Path("here"))
    assert load_settings("given.db", Path("there")) == Settings("given.db", Path("there"))


def test_a_url_in_the_file_stays_one(written: Path) -> None:
    written.write_text("store: https://host:9200/talks\n")
    assert load_settings().store == "https://host:9200/talks"


def test_an_empty_file_says_nothing(written: Path) -> None:
    written.write_text("# store:\n")
    assert load_settings().store.endswith("index.db")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stroe: x", "there is no setting stroe"),
        ("store: [1]", "store must be a path or URL"),
        ("store: ''", "store must be a path or URL"),
        ("just text", "must hold lines such as"),
        ("a: b: c", "is not valid YAML"),
        ("\0", "is not valid YAML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(written: Path, text: str, sentence: str) -> None:
    written.write_text(text)
    with pytest.raises(ConfigError, match=sentence) as error:
        load_settings()
    assert str(written) in str(error.value)


def test_a_file_that_is_named_must_exist(written: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings()
