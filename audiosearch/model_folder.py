"""The files of a model folder: finding it, checksums, and the settings that were fitted for the model.

``checksums.txt`` lies beside the files, in the format of ``sha256sum``, which checks it too (``sha256sum -c``).
A folder without one, such as a run of the trainer, is taken as it is. ``decoder.yaml`` and ``calibration.yaml`` are
not in it: ``audiosearch tune``, ``calibrate`` and people write to them, and an error in them is reported by its name.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from audiosearch.errors import ConfigError, ModelError
from audiosearch.settings import MODEL_VARIABLE, configuration_path, load_settings

if TYPE_CHECKING:
    from audiosearch.config import DecoderConfig

CHECKSUMS_NAME = "checksums.txt"
DECODER_NAME = "decoder.yaml"
"""Settings of the decoder that were tuned for the model, such as ``alpha: 0.6``."""
CALIBRATION_NAME = "calibration.yaml"
"""Weights that turn scores into probabilities; its sections are described in ``decoding/confidence.py``."""
CALIBRATION_REMEDY = "delete the file and run 'audiosearch calibrate' again"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


SHIPPED_MODEL = Path(__file__).parent / "models" / "english"
"""Folder of the model that is installed with the program."""

Section = Mapping[str, "float | tuple[float, ...]"]
_SECTIONS = ("word", "alternative", "sound")


def find_model(path: Path | None) -> Path:
    """Path of the model to use: ``path``, else that of the settings, else SHIPPED_MODEL.

    It loads nothing, so that a wrong path is reported at once.

    Raises:
        ModelError: there is no such file or folder.
        ConfigError: ``path`` is None and the user's configuration file is malformed.
    """
    if path is not None:
        if not path.exists():
            raise ModelError(f"{path}: there is no such model; give the path of a model file or folder.")
        return path
    configured = load_settings().model
    if configured is None:
        if SHIPPED_MODEL.exists():
            return SHIPPED_MODEL
        raise ModelError(f"{SHIPPED_MODEL}: no model is installed; name one by --model or {MODEL_VARIABLE}.")
    if configured.exists():
        return configured
    if os.environ.get(MODEL_VARIABLE):
        raise ModelError(f"{configured}: there is no such model; the environment variable {MODEL_VARIABLE} names it.")
    raise ModelError(f"{configured}: there is no such model; 'model:' in {configuration_path()} names it.")


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Note these files of a folder as they are now; each must be there."""
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / CHECKSUMS_NAME).write_text("".join(lines), encoding="utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by name of the files that a folder says it holds; nothing where it does not say.

    Raises:
        ModelError: it says so in some other format.
    """
    path = folder / CHECKSUMS_NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read; {_REMEDY}.") from error
    found = [_LINE.fullmatch(line) for line in lines]
    if not all(found):
        raise ModelError(f"{path}: is not what sha256sum writes; {_REMEDY}.")
    return {match[2]: match[1] for match in found if match}


def verify(path: Path) -> None:
    """Nothing, if the checksums beside a file do not name it or it is as they say.

    Raises:
        ModelError: it is missing, or another.
    """
    expected = read_checksums(path.parent).get(path.name)
    if expected is None:
        return
    try:
        found = _sha256(path)
    except OSError as error:
        reason = error.strerror or "an error"
        raise ModelError(f"{path}: is named in {CHECKSUMS_NAME} but cannot be read ({reason}); {_REMEDY}.") from error
    if found != expected:
        raise ModelError(
            f"{path}: is not the file that {CHECKSUMS_NAME} names; {_REMEDY}, "
            f"or delete {CHECKSUMS_NAME} if you have changed the model yourself."
        )


_REMEDY = "install audiosearch or copy the model again"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def save_decoder_settings(folder: Path, tuned: Mapping[str, object]) -> Path:
    """Store settings of the decoder beside the model of a folder; others stored there stay.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    path = folder / DECODER_NAME
    unfinished = path.with_name(path.name + ".tmp")
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        settings = {**(settings or {}), **tuned}
        unfinished.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
    except (yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it.") from error
    return path


def decoder_settings(folder: Path, settings: DecoderConfig) -> DecoderConfig:
    """The settings with those that ``audiosearch tune`` has stored in a model's folder, if it has.

    Raises:
        ConfigError: the file there cannot be read, or names what is no setting.
    """
    from audiosearch.config import parse_config  # loads pydantic

    path = folder / DECODER_NAME
    if not path.exists():
        return settings
    try:
        tuned = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        tuned = None
    if not isinstance(tuned, dict):
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it and tune again.")
    return parse_config({"decoder": {**settings.model_dump(), **tuned}}, str(path)).decoder


def save_calibration(folder: Path, name: str, values: Mapping[str, float | Sequence[float]]) -> Path:
    """Store the section ``word``, ``alternative`` or ``sound`` beside a model; the others stay.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    assert name in _SECTIONS
    path = folder / CALIBRATION_NAME
    sections: dict[str, Mapping[str, float | Sequence[float]]] = {**read_calibration(folder), name: values}
    stored: dict[str, dict[str, object]] = {section: {} for section in _SECTIONS}
    for section, numbers in sections.items():
        for key, value in numbers.items():
            stored[section][key] = list(value) if isinstance(value, Sequence) else value
    unfinished = path.with_name(path.name + ".tmp")
    try:
        unfinished.write_text(yaml.safe_dump(stored, sort_keys=False), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
    return path


def read_calibration(folder: Path) -> dict[str, Section]:
    """Sections ``word``, ``alternative`` and ``sound`` of a folder's calibration; empty where there is none.

    Raises:
        ConfigError: the file cannot be read, or holds other things.
    """
    path = folder / CALIBRATION_NAME
    if not path.exists():
        return {name: {} for name in _SECTIONS}
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        given = None
    if not isinstance(given, dict) or not given.keys() <= set(_SECTIONS):
        raise ConfigError(f"{path}: may hold {', '.join(_SECTIONS)} and nothing else; {CALIBRATION_REMEDY}.")
    sections: dict[str, Section] = {}
    for name in _SECTIONS:
        section = given.get(name) or {}
        if not isinstance(section, dict):
            raise ConfigError(f"{path}: {name} must map names to numbers; {CALIBRATION_REMEDY}.")
        try:
            sections[name] = {str(key): _numbers(value) for key, value in section.items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{path}: {name} holds what is no number; {CALIBRATION_REMEDY}.") from error
    return sections


def _numbers(value: object) -> float | tuple[float, ...]:
    if isinstance(value, list):
        return tuple(_number(one) for one in value)
    return _number(value)


def _number(value: object) -> float:
    if not isinstance(value, (int, float, str)) or not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)
