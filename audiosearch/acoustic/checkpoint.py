"""Model files: weights, settings and alphabet in one safetensors file. Nothing is ever unpickled.

A model folder holds ``model.safetensors`` and, where there is a language model, what belongs to it; a run folder
of the trainer serves too, for its ``best.safetensors``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from audiosearch.acoustic.features import Features
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config, parse_config
from audiosearch.errors import ConfigError, ModelError
from audiosearch.files import atomic_write
from audiosearch.model_folder import verify
from audiosearch.types import Seconds

FORMAT = "audiosearch-model"
VERSION = "1"
FILE_NAMES = ("model.safetensors", "best.safetensors", "last.safetensors")
"""What is looked for in a folder, in this order."""
SCALES = ".scales"
"""Ends the name of what the rows of a matrix of 8-bit integers are multiplied by."""


@dataclass(frozen=True, slots=True)
class AcousticModel:
    """A trained network with all that is needed to run it; in evaluation mode, on the CPU, in float32.

    Args:
        fingerprint: 16 hexadecimal digits that change with the weights, the alphabet, or the settings of features
            or network.
    """

    network: DeepSpeech
    features: Features
    config: Config
    alphabet: Alphabet
    fingerprint: str

    @property
    def frame_duration(self) -> Seconds:
        """Time between emission frames."""
        return self.network.stride * self.features.hop_length / self.config.features.sample_rate

    @property
    def emission_start(self) -> Seconds:
        """Time at which the stretch that emission frame 0 stands for begins, from the first sample."""
        return self.network.center_offset * self.features.hop_length / self.config.features.sample_rate


def save_model(
    path: Path,
    network_state: Mapping[str, Tensor],
    config: Config,
    alphabet: Alphabet,
    *,
    dtype: torch.dtype | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write a model file; it appears under its name only when it is complete.

    Args:
        dtype: of the weights in the file, for instance ``torch.float16`` to halve it; loading widens them again. With
            ``torch.int8`` matrices are integers times a scale for each row, as the layers for processors hold them
            (``quantized.py``), and the rest is in half precision.
        notes: further metadata, such as where the weights come from.
    """
    metadata = {
        **(notes or {}),
        "format": FORMAT,
        "version": VERSION,
        "config": config.model_dump_json(),
        "alphabet": json.dumps(alphabet.labels),
    }
    if dtype == torch.int8:
        tensors = _narrowed(network_state)
    else:
        tensors = {name: tensor.to(dtype or tensor.dtype) for name, tensor in network_state.items()}
    save_tensors(path, tensors, metadata)


def load_model(path: Path) -> AcousticModel:
    """The model in a file, or in a folder's ``model.safetensors``.

    Raises:
        ModelError: there is none, or it is corrupt, of another kind or of a newer version, or not the file that the
            checksums beside it name.
    """
    path = _model_file(path)
    verify(path)
    tensors, metadata = load_tensors(path, FORMAT, VERSION)
    config, alphabet = read_settings(path, metadata)
    network = DeepSpeech(config.model, config.features.bins, len(alphabet), initialize=False)
    load_weights(network, _widened(tensors), path)
    network.eval()
    return AcousticModel(network, Features(config.features), config, alphabet, _fingerprint(tensors, config, alphabet))


def read_settings(path: Path, metadata: Mapping[str, str]) -> tuple[Config, Alphabet]:
    """Settings and alphabet in the metadata of a model or training state."""
    try:
        config = parse_config(json.loads(metadata["config"]), source=str(path))
        return config, Alphabet(tuple(json.loads(metadata["alphabet"])))
    except ConfigError as error:
        raise ModelError(f"{error} The model was made by another version of audiosearch.") from error
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: its settings are damaged; copy or train the model anew.") from error


def load_weights(network: DeepSpeech, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Fill a network with weights, widened to float32; ``path`` is named in errors."""
    expected = network.state_dict()
    wrong = [name for name, tensor in expected.items() if name not in tensors or tensors[name].shape != tensor.shape]
    wrong += [name for name in tensors if name not in expected]
    if wrong:
        raise ModelError(f"{path}: the weights do not fit the network's settings ({wrong[0]}).")
    network.load_state_dict({name: tensors[name].float() for name in expected})


def _narrowed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as 8-bit integers with the scale of each row, and the rest in half precision."""
    narrowed = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2:
            narrowed[name] = tensor.half()
            continue
        rows = tensor.float().flatten(1)
        scales = rows.abs().amax(1) / 127
        integers = (rows / scales.where(scales > 0, 1).unsqueeze(1)).round().to(torch.int8)
        narrowed |= {name: integers.view(tensor.shape), name + SCALES: scales}
    return narrowed


def _widened(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same without scales; what was never narrowed stays as it is."""
    widened = {}
    for name, tensor in tensors.items():
        scales = tensors.get(name + SCALES)
        if scales is not None and scales.shape == tensor.shape[:1]:
            tensor = tensor.float() * scales.view(-1, *[1] * (tensor.ndim - 1))
        if not (name.endswith(SCALES) and name.removesuffix(SCALES) in tensors):
            widened[name] = tensor
    return widened


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors under a temporary name, then rename: the file is the old one or the new one, never half of one."""
    contents = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            save_file(contents, temporary, dict(metadata))
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)  # safetensors makes it readable by its owner alone
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be written ({error}).") from error


def load_tensors(path: Path, kind: str, version: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file of our own.

    Raises:
        ModelError: it is missing, corrupt, of another kind or of a newer version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("format") == kind and metadata.get("version") == version:
                return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except OSError as error:
        reason = error.strerror or "no such file"
        raise ModelError(f"{path}: cannot be read ({reason}); give the path of a model.") from error
    except SafetensorError as error:
        raise ModelError(f"{path}: is not a model file, or it is damaged.") from error
    if metadata.get("format") != kind:
        raise ModelError(f"{path}: is a safetensors file, but not one of the kind {kind}.")
    raise ModelError(
        f"{path}: is of version {metadata.get('version')} and this program reads {version}; install a newer one."
    )


def _model_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in FILE_NAMES:
        if (path / name).is_file():
            return path / name
    raise ModelError(f"{path}: the folder holds no {FILE_NAMES[0]}; give the path of a model.")


def _fingerprint(tensors: Mapping[str, Tensor], config: Config, alphabet: Alphabet) -> str:
    """Of what emissions depend on; not of the file, whose metadata the library writes in any order."""
    settings = [config.features.model_dump(mode="json"), config.model.model_dump(mode="json"), alphabet.labels]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
