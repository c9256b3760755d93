"""Everything that a resumed run needs, in one file; no pickle.

The order of utterances, augmentation, dropout, the learning rate and the averaging are functions of the seed and
the step. So there is no random state to keep: what is left are weights, moments and a few numbers.
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
    """Where a run is.

    Args:
        step: optimizer steps done, skipped ones among them.
        epoch: counted from 0.
        position: steps of the epoch done.
        best: word and character error rate of the best validation.
        validated: step of the last validation.
        skipped: steps with a non-finite loss, in all and in a row.
        loss, labels, samples, steps: sums since the last report.
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
    """Write a checkpoint in place of the last one, all or nothing."""
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
    """The checkpoint in a file.

    Raises:
        ModelError: it is missing, damaged or not a checkpoint of training.
    """
    flat, metadata = load_tensors(path, FORMAT, VERSION)
    config, alphabet = read_settings(path, metadata)
    try:
        values = json.loads(metadata["progress"])
        values["best"] = tuple(values["best"]) if values["best"] is not None else None
        progress = Progress(**values)
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: its progress is damaged; begin anew, with --init from the best model.") from error
    tensors: dict[str, dict[str, Tensor]] = {}
    for key, tensor in flat.items():
        part, _, name = key.partition("/")
        tensors.setdefault(part, {})[name] = tensor
    return TrainingState(progress, tensors, config, alphabet, path)
