"""Store, model and channels to use: option of the command, else environment variable, else configuration file.

Every query reads these settings, so nothing heavy is imported; YAML only if there is a configuration file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import ConfigError, did_you_mean, reason_of
from audiosearch.types import CHANNEL_MODES, MAX_CHANNEL

STORE_VARIABLE = "AUDIOSEARCH_STORE"
MODEL_VARIABLE = "AUDIOSEARCH_MODEL"
CONFIG_VARIABLE = "AUDIOSEARCH_CONFIG"


SETTINGS = ("store", "model", "channels")
"""Names in the configuration file."""

CHANNEL_CHOICES = "auto, mix, split or the number of a channel"


@dataclass(frozen=True, slots=True)
class Settings:
    """Store, model and channels that commands use unless options name others.

    Args:
        store: path of a database or URL of an Elasticsearch index.
        model: file or folder of the recognizer's model; None: the installed one.
        channels: of ``types.SoundSelection``.
    """

    store: str
    model: Path | None
    channels: str = "auto"


def load_settings(store: str | None = None, model: Path | None = None, channels: str | None = None) -> Settings:
    """Merge command-line options, environment variables and configuration file.

    Args:
        store: value of ``--store``; None: not given.
        model: value of ``--model``; None: not given.
        channels: value of ``--channels``; None: not given.

    Raises:
        ConfigError: the configuration file is malformed, or CONFIG_VARIABLE names a file that does not exist.
    """
    configured = _read_configuration()
    return Settings(
        store=store or os.environ.get(STORE_VARIABLE) or configured.get("store") or str(default_store()),
        model=model or _path(os.environ.get(MODEL_VARIABLE)) or _path(configured.get("model")),
        channels=channels or configured.get("channels") or "auto",
    )


def default_store() -> Path:
    """Path of the database in the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("audiosearch", appauthor=False)) / "index.db"


def configuration_path() -> Path:
    """Path of the configuration file, which need not exist."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("audiosearch", appauthor=False)) / "config.yaml"


def is_channel_choice(text: str) -> bool:
    """True for a value of ``types.SoundSelection.channels``."""
    return text in CHANNEL_MODES or (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_CHANNEL)


def cache_folder() -> Path:
    """The user's cache folder of this program, which may be deleted at any time."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("audiosearch", appauthor=False))


def is_url(store: str) -> bool:
    """True if ``store`` is the URL of a server, False if it is a path."""
    return store.startswith(("http://", "https://"))


def _read_configuration() -> dict[str, str]:
    """Settings in the configuration file; relative paths start at its folder."""
    path = configuration_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if os.environ.get(CONFIG_VARIABLE):
            raise ConfigError(f"{path}: there is no such file; {CONFIG_VARIABLE} names it.") from None
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({reason_of(error)}); it should be a YAML file.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; it should be a YAML file.") from error

    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML ({reason_of(error)}).") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must contain lines such as 'store: ~/talks.db'.")
    for key, value in values.items():
        if key not in SETTINGS:
            hint = did_you_mean(str(key), SETTINGS)
            raise ConfigError(f"{path}: there is no setting {key}; there are store, model and channels.{hint}")
        if key == "channels" and not is_channel_choice(str(value)):
            raise ConfigError(f"{path}: channels must be {CHANNEL_CHOICES} (given: {value!r}).")
        if key != "channels" and (not isinstance(value, str) or not value):
            raise ConfigError(f"{path}: {key} must be a path or URL (given: {value!r}).")
    return {
        key: str(value) if key == "channels" or is_url(value) else str(path.parent / Path(value).expanduser())
        for key, value in values.items()
    }


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None
