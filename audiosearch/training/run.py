"""A training run: validate the settings, decode the audio, train."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from audiosearch.acoustic.checkpoint import load_model
from audiosearch.acoustic.features import Features
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config, TrainerConfig
from audiosearch.data import data_sources
from audiosearch.data.dataset import Collator, Dataset, Recordings, select
from audiosearch.data.events import NO_TEXT, LeftOut
from audiosearch.data.pcm_cache import Reader
from audiosearch.errors import ModelError, TrainingError
from audiosearch.files import atomic_write, lock_folder
from audiosearch.training.checkpoint_state import FILE_NAME, TrainingState, load_state
from audiosearch.training.distributed import choose_device, process_group
from audiosearch.training.events import Finished, Notice, Record
from audiosearch.training.growth import can_grow, widen
from audiosearch.training.metrics_log import MetricsLog
from audiosearch.training.optimization import TrainStep
from audiosearch.training.trainer import Trainer

CONFIG_NAME = "config.yaml"
"""File of the settings in the folder of a run."""

NO_DATA = "there is no training data: name manifests by --train or data.train."

DATA_ADVICE = """A manifest has one JSON object per line: {"audio": "a.flac", "text": "what is said"}.
LibriSpeech is a good start (6.3 GB for the 100 hours):
  audiosearch manifest --download librispeech:train-clean-100 corpora
  audiosearch manifest --download librispeech:dev-clean corpora
  audiosearch train --train corpora/manifest-train-clean-100.jsonl --valid corpora/manifest-dev-clean.jsonl"""


def train(
    config: Config,
    output: Path,
    *,
    resume: bool = False,
    init: Path | None = None,
    max_minutes: float | None = None,
    stop: threading.Event | None = None,
    prepare_only: bool = False,
    read: Reader | None = None,
) -> Iterator[Record]:
    """Train a network and yield reports, in the first of several processes.

    Args:
        output: folder of the run.
        resume: continue from the checkpoint in that folder.
        init: model with the initial weights.
        max_minutes: time limit, after which the run can be resumed.
        stop: when set, end after the current step, resumable.
        prepare_only: end once the audio is decoded.
        read: reads a recording; None: :func:`audiosearch.audio.reader.read`.

    Raises:
        AudioSearchError: an argument or setting is invalid; all are checked before the audio is decoded.
    """
    if not config.data.train:
        raise TrainingError(NO_DATA, DATA_ADVICE)
    stop = stop or threading.Event()
    alphabet = Alphabet()
    device = choose_device(config.trainer)
    sources = data_sources.find_sources(config.data, config.augment)
    state = _checkpoint(config, output) if resume else None
    weights = _initial_weights(config, alphabet, init) if init is not None else None
    if state is None and not prepare_only and (output / FILE_NAME).exists():
        raise TrainingError(f"{output}: contains a run already; resume it with --resume, or give another --output.")
    rate = config.features.sample_rate
    cache = Path(config.data.cache) if config.data.cache else output / "cache"
    with contextlib.ExitStack() as stack:
        processes = stack.enter_context(process_group(device))
        if processes.first:
            _create(output)
            stack.enter_context(lock_folder(output))
            _write_config(config, output)
            yield from _changed_settings(config, state)
            for decoded in data_sources.decode_sources(sources, cache, rate, read):
                yield decoded
                if stop.is_set():
                    yield Finished(0, 0, "stopped", 0, output)
                    return
        processes.wait()
        if prepare_only:
            if processes.first:
                for path in sources:
                    yield Notice(f"The audio of {path} is in {data_sources.cache_folder(cache, path)}.")
            return
        train_recordings = data_sources.load_recordings(config.data.train, cache, rate)
        valid_recordings = data_sources.load_recordings(config.data.valid, cache, rate)
        training, left_out = _training_set(config, train_recordings, alphabet)
        valid, left_out_valid = _validation_set(config.trainer, valid_recordings, alphabet, rate)
        if processes.first:
            yield from left_out + left_out_valid
        if len(training) == 0:
            raise TrainingError("no utterance is left to train on; all were left out.")
        noises = data_sources.load_recordings(config.augment.noise, cache, rate)
        rooms = data_sources.load_recordings(config.augment.rooms, cache, rate)
        collate = Collator(training, noises, rooms, rate, config.trainer.seed)
        train_step = TrainStep(config, alphabet, processes, weights)
        trainer = Trainer(config, alphabet, train_step, collate, valid, output, stop, state)
        if not processes.first:
            for _ in trainer.fit(max_minutes):
                pass
            return
        with MetricsLog(output, trainer.progress.step) as log:
            for record in trainer.fit(max_minutes):
                notices = list(log.write(record))
                yield record
                yield from notices


def _training_set(config: Config, recordings: Recordings, alphabet: Alphabet) -> tuple[Dataset, list[LeftOut]]:
    features = Features(config.features)
    with torch.device("meta"):  # only used to compute numbers of frames
        network = DeepSpeech(config.model, config.features.bins, len(alphabet))

    def emission_frames(samples: Tensor) -> Tensor:
        return network.frames(features.frames(samples))

    fastest = max(*config.augment.speed, 1.0) if config.augment.speed_probability > 0 else 1.0
    rate = config.features.sample_rate
    return select("training", recordings, alphabet, config.data, rate, emission_frames, fastest)


def _validation_set(
    config: TrainerConfig, recordings: Recordings, alphabet: Alphabet, sample_rate: int
) -> tuple[Dataset, list[LeftOut]]:
    """Random sample of the recordings, of at most ``trainer.validate_seconds``."""
    known = set(alphabet.labels)
    texts = [recordings.clip(number).text for number in range(len(recordings))]
    readable = [number for number, text in enumerate(texts) if text and known.issuperset(text)]
    budget = config.validate_seconds * sample_rate
    chosen: list[int] = []
    for index in np.random.default_rng(config.seed).permutation(len(readable)).tolist():
        budget -= recordings.clip(readable[index]).samples
        if budget < 0 and chosen:
            break
        chosen.append(readable[index])
    left_out = []
    foreign = [number for number, text in enumerate(texts) if not known.issuperset(text)]
    empty = [number for number, text in enumerate(texts) if not text]
    for reason, numbers in ((NO_TEXT, empty), ("with characters outside the alphabet", foreign)):
        if numbers:
            ids = tuple(recordings.clip(number).id for number in numbers[:3])
            left_out.append(LeftOut("validation", reason, len(numbers), len(recordings), ids))
    return Dataset(recordings, sorted(chosen), alphabet), left_out


def _checkpoint(config: Config, output: Path) -> TrainingState:
    path = output / FILE_NAME
    if not path.exists():
        raise ModelError(f"{output}: there is no run to resume; leave --resume out, or give its --output.")
    state = load_state(path)
    if (config.features, config.model) != (state.config.features, state.config.model):
        raise ModelError(f"{path}: was trained with other settings of features or model; resume it with those.")
    return state


def _initial_weights(config: Config, alphabet: Alphabet, path: Path) -> dict[str, Tensor]:
    """Weights of a model with the same features, alphabet and network, or a narrower one."""
    model = load_model(path)
    for name, matches in [
        ("features", config.features == model.config.features),
        ("model", can_grow(model.config.model, config.model)),
        ("alphabet", alphabet == model.alphabet),
    ]:
        if not matches:
            raise ModelError(f"{path}: its {name} differs from the settings, so its weights do not fit.")
    return widen(model.network.state_dict(), model.config.model, config.model, config.trainer.seed)


def _create(output: Path) -> None:
    """Create the folder of a run."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{output}: cannot be created ({error.strerror}); give another --output.") from error


def _write_config(config: Config, output: Path) -> None:
    """Write the settings, for ``--resume`` and for people; fails if the folder cannot be written."""
    try:
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
        with atomic_write(output / CONFIG_NAME) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{output}: cannot be written ({error.strerror}); give another --output.") from error


def _changed_settings(config: Config, state: TrainingState | None) -> Iterator[Notice]:
    """Notices of settings that differ from the checkpoint, with which the run is not reproducible."""
    if state is None:
        return
    before, after = _flat(state.config), _flat(config)
    for key in sorted(before):
        if before[key] != after[key] and key not in ("data.cache", "trainer.save_every_minutes", "trainer.workers"):
            yield Notice(f"The run continues with {key} = {after[key]}; it was {before[key]}.")


def _flat(config: Config) -> dict[str, Any]:
    sections = config.model_dump(mode="json")
    return {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
