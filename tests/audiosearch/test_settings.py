"""Precedence: command line, environment variable, configuration file, default."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audiosearch.errors import ConfigError
from audiosearch.settings import Settings, load_settings


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "settings" / "config.yaml"
    path.parent.mkdir()
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(path))
    return path


def test_default_store_lies_in_the_data_folder() -> None:
    assert load_settings() == Settings(f"{os.environ['XDG_DATA_HOME']}/audiosearch/index.db", None)


def test_configuration_file_is_found_in_the_user_s_folder() -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "audiosearch" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("store: /tmp/talks.db")
    assert load_settings().store == "/tmp/talks.db"
    path.unlink()


def test_order_of_precedence(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.write_text("store: talks.db\nmodel: ~/model\n")
    assert load_settings() == Settings(str(configuration.parent / "talks.db"), Path.home() / "model")
    monkeypatch.setenv("AUDIOSEARCH_STORE", "http://localhost:9200/talks")
    monkeypatch.setenv("AUDIOSEARCH_MODEL", "here")
    assert load_settings() == Settings("http://localhost:9200/talks", Path("here"))
    assert load_settings("given.db", Path("there")) == Settings("given.db", Path("there"))


def test_url_in_the_configuration_file_is_no_relative_path(configuration: Path) -> None:
    configuration.write_text("store: https://host:9200/talks\n")
    assert load_settings().store == "https://host:9200/talks"


def test_empty_configuration_file_leaves_the_defaults(configuration: Path) -> None:
    configuration.write_text("# store:\n")
    assert load_settings().store.endswith("index.db")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stroe: x", "there is no setting stroe"),
        ("store: [1]", "store must be a path or URL"),
        ("store: ''", "store must be a path or URL"),
        ("just text", "must contain lines such as"),
        ("a: b: c", "is not valid YAML"),
        ("\0", "is not valid YAML"),
    ],
)
def test_malformed_configuration_file_is_reported(configuration: Path, text: str, sentence: str) -> None:
    configuration.write_text(text)
    with pytest.raises(ConfigError, match=sentence) as error:
        load_settings()
    assert str(configuration) in str(error.value)


def test_configuration_file_named_by_the_environment_must_exist(configuration: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings()


@pytest.mark.parametrize("value", ["auto", "split", "2"])
def test_channels_are_configured(configuration: Path, value: str) -> None:
    configuration.write_text(f"channels: {value}\n")
    assert load_settings().channels == value
    assert load_settings(channels="mix").channels == "mix"


@pytest.mark.parametrize("value", ["both", "0", "-2", "1.5", "[1]", "yes"])
def test_other_channels_are_reported(configuration: Path, value: str) -> None:
    configuration.write_text(f"channels: {value}\n")
    with pytest.raises(ConfigError, match="channels must be auto, mix, split or the number of a channel"):
        load_settings()
