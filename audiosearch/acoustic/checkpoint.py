"""Model files: weights, settings and alphabet in one safetensors file, read without pickle.

A model folder holds ``model.safetensors`` and optionally a language model. The folder of a training run is a model
folder too, with its ``best.safetensors``.
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
from audiosearch.errors import ConfigError, ModelError, reason_of
from audiosearch.files import atomic_write
from audiosearch.model_folder import network_file, verify
from audiosearch.types import Seconds

FORMAT = "audiosearch-model"
VERSION = "1"
SCALES = ".scales"
"""Suffix of the tensor with the row scales of an 8-bit matrix."""


@dataclass(frozen=True, slots=True)
class AcousticModel:
    """Trained network with its features, settings and alphabet; in evaluation mode, on the CPU, in float32.

    Args:
        fingerprint: 16 hexadecimal digits of a hash over the weights, the alphabet, and the settings of features and
            network.
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
        """Start time of emission frame 0, relative to the first sample."""
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
    """Write a model file atomically.

    Args:
        dtype: of the weights in the file, for instance ``torch.float16`` to halve its size; loading converts them to
            float32. ``torch.int8`` stores matrices as integers with a scale for each row (as ``quantized.py`` uses
            them) and other tensors in half precision.
        notes: further metadata, such as the origin of the weights.
    """
    metadata = {
        **(notes or {}),
        "format": FORMAT,
        "version": VERSION,
        "config": config.model_dump_json(),
        "alphabet": json.dumps(alphabet.labels),
    }
    if dtype == torch.int8:
        tensors = _quantize_matrices(network_state)
    else:
        tensors = {name: tensor.to(dtype or tensor.dtype) for name, tensor in network_state.items()}
    save_tensors(path, tensors, metadata)


def load_model(path: Path) -> AcousticModel:
    """Load a model from a file or folder.

    Raises:
        ModelError: there is no model; it is corrupt, of another kind or of a newer version; or its checksum differs.
    """
    path = network_file(path)
    verify(path)
    tensors, metadata = load_tensors(path, FORMAT, VERSION)
    config, alphabet = read_settings(path, metadata)
    network = DeepSpeech(config.model, config.features.bins, len(alphabet), initialize=False)
    load_weights(network, _dequantize_matrices(tensors), path)
    network.eval()
    return AcousticModel(network, Features(config.features), config, alphabet, _fingerprint(tensors, config, alphabet))


def read_settings(path: Path, metadata: Mapping[str, str]) -> tuple[Config, Alphabet]:
    """Parse settings and alphabet from the metadata of a model or training state."""
    try:
        config = parse_config(json.loads(metadata["config"]), source=str(path))
        return config, Alphabet(tuple(json.loads(metadata["alphabet"])))
    except ConfigError as error:
        raise ModelError(f"{error} The model was made by another version of audiosearch.") from error
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: its settings are damaged; copy or train the model anew.") from error


def load_weights(network: DeepSpeech, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy weights, as float32, into a network; ``path`` is named in errors."""
    expected = network.state_dict()
    wrong = [name for name, tensor in expected.items() if name not in tensors or tensors[name].shape != tensor.shape]
    wrong += [name for name in tensors if name not in expected]
    if wrong:
        raise ModelError(f"{path}: the weights do not fit the network's settings ({wrong[0]}).")
    network.load_state_dict({name: tensors[name].float() for name in expected})


def _quantize_matrices(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert matrices to 8-bit integers with a scale for each row, other tensors to half precision."""
    stored = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2:
            stored[name] = tensor.half()
            continue
        rows = tensor.float().flatten(1)
        scales = rows.abs().amax(1) / 127
        integers = (rows / scales.where(scales > 0, 1).unsqueeze(1)).round().to(torch.int8)
        stored |= {name: integers.view(tensor.shape), name + SCALES: scales}
    return stored


def _dequantize_matrices(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo ``_quantize_matrices``; tensors without scales are returned as they are."""
    weights = {}
    for name, tensor in tensors.items():
        scales = tensors.get(name + SCALES)
        if scales is not None and scales.shape == tensor.shape[:1]:
            tensor = tensor.float() * scales.view(-1, *[1] * (tensor.ndim - 1))
        if not (name.endswith(SCALES) and name.removesuffix(SCALES) in tensors):
            weights[name] = tensor
    return weights


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata to a safetensors file, atomically."""
    contents = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            save_file(contents, temporary, dict(metadata))
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)  # safetensors makes it readable by its owner alone
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be written ({reason_of(error)}).") from error


def load_tensors(path: Path, kind: str, version: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Load tensors and metadata of a safetensors file that this program wrote.

    Raises:
        ModelError: the file is missing, corrupt, of another kind or of a newer version.
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


def _fingerprint(tensors: Mapping[str, Tensor], config: Config, alphabet: Alphabet) -> str:
    """Hash everything that determines emissions; not the file itself, since the order of its metadata varies."""
    settings = [config.features.model_dump(mode="json"), config.model.model_dump(mode="json"), alphabet.labels]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
