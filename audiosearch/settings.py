"""Where the store and the model are: an option, else the environment, else the configuration file, else the default.

Read at the start of every query, so nothing heavy is imported; YAML only where there is a configuration file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import ConfigError

STORE_VARIABLE = "AUDIOSEARCH_STORE"
MODEL_VARIABLE = "AUDIOSEARCH_MODEL"
CONFIG_VARIABLE = "AUDIOSEARCH_CONFIG"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the commands of the index go by.

    Args:
        store: path of a database or URL of an Elasticsearch index.
        model: file or folder of the model that transcribes; None: the one that comes with the program.
    """

    store: str
    model: Path | None


def load_settings(store: str | None = None, model: Path | None = None) -> Settings:
    """Settings with ``store`` and ``model`` as the command line gave them, None where it did not.

    Raises:
        ConfigError: the configuration file is malformed or does not exist where the environment says.
    """
    written = _read_configuration()
    return Settings(
        store=store or os.environ.get(STORE_VARIABLE) or written.get("store") or str(default_store()),
        model=model or _path(os.environ.get(MODEL_VARIABLE)) or _path(written.get("model")),
    )


def default_store() -> Path:
    """The database in the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("audiosearch", appauthor=False)) / "index.db"


def configuration_path() -> Path:
    """The configuration file, which need not exist."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("audiosearch", appauthor=False)) / "config.yaml"


def is_url(store: str) -> bool:
    """Whether ``store`` names a server rather than a file."""
    return store.startswith(("http://", "https://"))


def _read_configuration() -> dict[str, str]:
    """Keys of the configuration file; relative paths in it count from its folder."""
    path = configuration_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if os.environ.get(CONFIG_VARIABLE):
            raise ConfigError(f"{path}: there is no such file; {CONFIG_VARIABLE} names it.") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); it should be a YAML file.") from error

    import yaml

    try:
        written = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {str(error).splitlines()[0]}.") from error
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise ConfigError(f"{path}: must hold lines such as 'store: ~/talks.db'.")
    for key, value in written.items():
        if key not in ("store", "model"):
            raise ConfigError(f"{path}: there is no setting {key}; there are store and model.")
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{path}: {key} must be a path or URL (given: {value!r}).")
    return {
        key: value if is_url(value) else str(path.parent / Path(value).expanduser()) for key, value in written.items()
    }


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None
