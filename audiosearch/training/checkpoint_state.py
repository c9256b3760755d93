"""Checkpoint of a run in one file, without pickle: all that resuming needs.

The order of utterances, augmentation, dropout, learning rate and averaging are functions of the seed and the step, so
there is no random state to store: only weights, moments and a few numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import Tensor

from audiosearch.acoustic.checkpoint import load_tensors, read_settings, save_tensors
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config
from audiosearch.errors import ModelError

FORMAT = "audiosearch-training"
VERSION = "1"
FILE_NAME = "state.safetensors"


@dataclass
class Progress:
    """Position of a run, and sums for its reports.

    Args:
        step: completed optimizer steps, including skipped ones.
        epoch: counted from 0.
        position: completed steps of the epoch.
        best: word and character error rate of the best validation.
        validated: step of the last validation.
        skipped, skipped_in_a_row: steps with a non-finite loss or gradient.
        loss, labels, gradient_norm, steps: sums since the last report.
        data: fingerprint of the training utterances.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    best: tuple[float, float] | None = None
    validated: int = -1
    skipped: int = 0
    skipped_in_a_row: int = 0
    loss: float = 0.0
    labels: int = 0
    gradient_norm: float = 0.0
    steps: int = 0
    data: str = ""


@dataclass(frozen=True)
class TrainingState:
    """A checkpoint of a run.

    Args:
        tensors: by part (``weights``, ``average``, and ``exp_avg``, ``exp_avg_sq``, ``step`` of the optimizer), then
            by the name of the parameter.
    """

    progress: Progress
    tensors: Mapping[str, Mapping[str, Tensor]]
    config: Config
    alphabet: Alphabet
    path: Path = field(default=Path())


def save_state(path: Path, state: TrainingState) -> None:
    """Write a checkpoint, replacing the previous one atomically."""
    tensors = {f"{part}/{name}": tensor for part, named in state.tensors.items() for name, tensor in named.items()}
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "progress": json.dumps(asdict(state.progress)),
        "config": state.config.model_dump_json(),
        "alphabet": json.dumps(state.alphabet.labels),
    }
    save_tensors(path, tensors, metadata)


def load_state(path: Path) -> TrainingState:
    """Read a checkpoint.

    Raises:
        ModelError: the file is missing, damaged or no training checkpoint.
    """
    flat, metadata = load_tensors(path, FORMAT, VERSION)
    config, alphabet = read_settings(path, metadata)
    try:
        values = json.loads(metadata["progress"])
        values["best"] = tuple(values["best"]) if values["best"] is not None else None
        progress = Progress(**values)
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: its progress is damaged; start a new run with --init and the best model.") from error
    tensors: dict[str, dict[str, Tensor]] = {}
    for key, tensor in flat.items():
        part, _, name = key.partition("/")
        tensors.setdefault(part, {})[name] = tensor
    return TrainingState(progress, tensors, config, alphabet, path)
