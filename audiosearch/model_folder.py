"""Files of a model folder: finding it, checksums, and the settings fitted to the model.

``checksums.txt`` lies beside the model in the format of ``sha256sum`` (``sha256sum -c`` verifies it too). A folder
without one, such as a training run, is not verified. ``decoder.yaml`` and ``calibration.yaml`` are not listed in it,
since users, ``audiosearch tune`` and ``audiosearch calibrate`` write them; errors in them are reported by name.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from audiosearch.errors import ConfigError, ModelError
from audiosearch.files import atomic_write
from audiosearch.settings import MODEL_VARIABLE, Settings, configuration_path, load_settings

if TYPE_CHECKING:
    from audiosearch.config import DecoderConfig

CHECKSUMS_NAME = "checksums.txt"
NETWORK_NAMES = ("model.safetensors", "best.safetensors", "last.safetensors")
"""Files of networks: of a model, and the best and the last one of a training run."""
DECODER_NAME = "decoder.yaml"
"""Decoder settings tuned for the model, such as ``alpha: 0.6``."""
CALIBRATION_NAME = "calibration.yaml"
"""Weights that map scores to probabilities; ``decoding/confidence.py`` describes the sections."""
CALIBRATION_REMEDY = "delete the file and run 'audiosearch calibrate' again"

SHIPPED_MODEL = Path(__file__).parent / "models" / "english"
"""Folder of the model that is installed with the program."""

Section = Mapping[str, "float | tuple[float, ...]"]
_COPIED = {".safetensors", ".bin", ".yaml", ".txt", ".md"}
_SECTIONS = ("word", "alternative", "sound")
_CHECKSUM_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_REMEDY = "install audiosearch or copy the model again"


def find_model(path: Path | None, settings: Settings | None = None) -> Path:
    """Path of the model to use: ``path``, else that of the settings, else SHIPPED_MODEL.

    It loads nothing, so that a wrong path is reported at once.

    Args:
        settings: settings that the caller has read; None: read them if ``path`` is None.

    Raises:
        ModelError: there is no such file or folder.
        ConfigError: the settings must be read and the user's configuration file is malformed.
    """
    if path is not None:
        if not path.exists():
            raise ModelError(f"{path}: there is no such model; give the path of a model file or folder.")
        return path
    configured = (settings or load_settings()).model
    if configured is None:
        if SHIPPED_MODEL.exists():
            return SHIPPED_MODEL
        raise ModelError(f"{SHIPPED_MODEL}: no model is installed; name one by --model or {MODEL_VARIABLE}.")
    if configured.exists():
        return configured
    if os.environ.get(MODEL_VARIABLE):
        raise ModelError(f"{configured}: there is no such model; the environment variable {MODEL_VARIABLE} names it.")
    raise ModelError(f"{configured}: there is no such model; 'model:' in {configuration_path()} names it.")


def network_file(path: Path) -> Path:
    """The file of the network in a model folder; a path of a file is that of the network.

    Raises:
        ModelError: the folder holds none.
    """
    if not path.is_dir():
        return path
    for name in NETWORK_NAMES:
        if (path / name).is_file():
            return path / name
    raise ModelError(f"{path}: the folder holds no {NETWORK_NAMES[0]}; give the path of a model.")


def require_writable(model: Path) -> Path:
    """Folder of a model's file or folder, for commands that store settings there.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    folder = model if model.is_dir() else model.parent
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"{folder}: cannot be written to; copy the model to your own folder and name it by --model.")
    return folder


def check_not_installed(model: Path) -> None:
    """Refuse to store settings beside the installed model, which all programs on the machine use.

    Raises:
        ConfigError: it is that model.
    """
    if _folder(model).resolve() == SHIPPED_MODEL.resolve():
        raise ConfigError(
            f"{SHIPPED_MODEL}: the installed model is not changed; give --output FOLDER for a copy of it with the new "
            "settings, or name this folder by --model."
        )


def copy_model(model: Path, folder: Path) -> Path:
    """Copy a model with the files of its folder into a new folder, and return the path of the copy.

    Raises:
        ConfigError: the folder holds something, or cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(f"{folder}: is not empty; name another folder, or this model by --model.")
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(_folder(model).iterdir()):
            if path.is_file() and path.suffix in _COPIED and not path.name.startswith("."):
                shutil.copyfile(path, folder / path.name)
        if model.is_file() and model.suffix not in _COPIED:
            shutil.copyfile(model, folder / model.name)
    except OSError as error:
        raise ConfigError(f"{folder}: the model cannot be copied there ({error.strerror}).") from error
    return folder if model.is_dir() else folder / model.name


def _folder(model: Path) -> Path:
    return model if model.is_dir() else model.parent


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Write ``checksums.txt`` for these files of a folder, all of which must exist."""
    lines = [f"{sha256(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / CHECKSUMS_NAME).write_text("".join(lines), encoding="utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """Return SHA-256 digests by file name from ``checksums.txt``; empty if the folder has none.

    Raises:
        ModelError: the file cannot be read or has another format.
    """
    path = folder / CHECKSUMS_NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read; {_REMEDY}.") from error
    matches = [_CHECKSUM_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        raise ModelError(f"{path}: is not in the format of sha256sum; {_REMEDY}.")
    return {match[2]: match[1] for match in matches if match}


def verify(path: Path) -> None:
    """Verify a file against ``checksums.txt`` beside it; unlisted files pass.

    Raises:
        ModelError: the file is listed but missing or different.
    """
    expected = read_checksums(path.parent).get(path.name)
    if expected is None:
        return
    try:
        digest = sha256(path)
    except OSError as error:
        reason = error.strerror or "an error"
        raise ModelError(f"{path}: is named in {CHECKSUMS_NAME} but cannot be read ({reason}); {_REMEDY}.") from error
    if digest != expected:
        raise ModelError(
            f"{path}: does not match its checksum in {CHECKSUMS_NAME}; {_REMEDY}, "
            f"or delete {CHECKSUMS_NAME} if you have changed the model yourself."
        )


def sha256(path: Path) -> str:
    """SHA-256 digest of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def save_decoder_settings(folder: Path, tuned: Mapping[str, object]) -> Path:
    """Store decoder settings beside a model; settings stored before are kept unless named again.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    path = folder / DECODER_NAME
    _write_yaml(path, {**_read_decoder_settings(path), **tuned})
    return path


def decoder_settings(folder: Path, settings: DecoderConfig) -> DecoderConfig:
    """Return ``settings`` updated with those that ``audiosearch tune`` stored in a model folder.

    Raises:
        ConfigError: the stored file cannot be read, or names an unknown setting.
    """
    from audiosearch.config import parse_config  # loads pydantic

    path = folder / DECODER_NAME
    tuned = _read_decoder_settings(path)
    return parse_config({"decoder": {**settings.model_dump(), **tuned}}, str(path)).decoder if tuned else settings


def _read_decoder_settings(path: Path) -> dict[str, Any]:
    settings = _read_yaml(path)
    if settings is None:
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it and tune again.")
    return settings


def save_calibration(folder: Path, name: str, values: Mapping[str, float | Sequence[float]]) -> Path:
    """Store the section ``word``, ``alternative`` or ``sound`` beside a model; the other sections are kept.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    assert name in _SECTIONS
    path = folder / CALIBRATION_NAME
    sections: dict[str, Mapping[str, float | Sequence[float]]] = {**read_calibration(folder), name: values}
    plain = {
        section: {
            key: list(value) if isinstance(value, Sequence) else value for key, value in sections[section].items()
        }
        for section in _SECTIONS
    }
    _write_yaml(path, plain)
    return path


def read_calibration(folder: Path) -> dict[str, Section]:
    """Return the sections ``word``, ``alternative`` and ``sound`` of a model's calibration; empty without one.

    Raises:
        ConfigError: the file cannot be read, or holds anything else.
    """
    path = folder / CALIBRATION_NAME
    stored = _read_yaml(path)
    if stored is None or not stored.keys() <= set(_SECTIONS):
        raise ConfigError(f"{path}: may hold {', '.join(_SECTIONS)} and nothing else; {CALIBRATION_REMEDY}.")
    sections: dict[str, Section] = {}
    for name in _SECTIONS:
        section = stored.get(name) or {}
        if not isinstance(section, dict):
            raise ConfigError(f"{path}: {name} must map names to numbers; {CALIBRATION_REMEDY}.")
        try:
            sections[name] = {str(key): _finite_numbers(value) for key, value in section.items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{path}: {name} holds a value that is not a number; {CALIBRATION_REMEDY}.") from error
    return sections


def _read_yaml(path: Path) -> dict[str, Any] | None:
    """Return the mapping in a YAML file, an empty one if there is no file or content, None for anything else."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    if content is None:
        return {}
    return content if isinstance(content, dict) else None


def _write_yaml(path: Path, content: Mapping[str, object]) -> None:
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error


def _finite_numbers(value: object) -> float | tuple[float, ...]:
    if isinstance(value, list):
        return tuple(_finite_number(element) for element in value)
    return _finite_number(value)


def _finite_number(value: object) -> float:
    if not isinstance(value, (int, float, str)) or not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)
