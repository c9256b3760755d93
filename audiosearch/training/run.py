"""A whole run: check everything, decode the audio, train."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audiosearch.checkpoint import AcousticModel, load_model
from audiosearch.config import Config
from audiosearch.errors import ManifestError, ModelError, TrainingError
from audiosearch.features import Features
from audiosearch.model import DeepSpeech
from audiosearch.text import Alphabet
from audiosearch.training.cache import PcmCache, Reader, Source, build, is_cache
from audiosearch.training.dataset import Dataset, Recordings, select
from audiosearch.training.distributed import Processes, choose_device, together
from audiosearch.training.journal import Journal
from audiosearch.training.manifest import read_manifest
from audiosearch.training.records import LeftOut, Record
from audiosearch.training.state import FILE_NAME, TrainingState, load_state
from audiosearch.training.trainer import Trainer

NO_DATA = """there is nothing to train on: no manifest is named in data.train or given with --train.
A manifest has a line of JSON for every utterance: {"audio": "a.flac", "text": "what is said"}.
To begin with LibriSpeech's 100 hours:
  audiosearch manifest --download librispeech:train-clean-100 DIR
  audiosearch manifest --download librispeech:dev-clean DIR
each makes a manifest; give them with --train and --valid."""


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
    """Train a network and report on the way; the first process of several reports.

    Args:
        output: the run's folder.
        resume: go on from the folder's checkpoint.
        init: model whose weights to begin with.
        max_minutes: end after so long, ready to be resumed.
        stop: when set, end after the step that is going on, ready to be resumed.
        prepare_only: end when the audio is decoded.
        read: reads a recording; :func:`audiosearch.audio.read` unless given.

    Raises:
        AudioSearchError: something given does not fit; all of it is checked before the audio is decoded.
    """
    if not config.data.train:
        raise TrainingError(NO_DATA)
    device = choose_device(config.trainer)
    alphabet = Alphabet()
    sources = {path: _sources(path) for path in (*config.data.train, *config.data.valid)}
    extra = {path: _folder_sources(path) for path in (*config.augment.noise, *config.augment.rooms)}
    state = load_state(output / FILE_NAME) if resume else None
    weights = None
    if state is not None:
        _check_fits(config, state, output)
    elif init is not None:
        weights = _initial_weights(load_model(init), config, alphabet, init)
    with together(device) as processes:
        root = Path(config.data.cache) if config.data.cache else output / "cache"
        rate = config.features.sample_rate
        if processes.first:
            for path, listed in {**sources, **extra}.items():
                if listed is not None:
                    yield from build(cache_folder(root, path), rate, path, listed, read)
        processes.wait()
        if prepare_only:
            return

        def recordings(paths: Sequence[str]) -> Recordings:
            folders = [Path(p) if is_cache(Path(p)) else cache_folder(root, p) for p in paths]
            return Recordings([PcmCache(folder, rate) for folder in folders])

        training, left_out = _training_set(config, recordings(config.data.train), alphabet)
        validation, left_out_too = _validation_set(config, recordings(config.data.valid), alphabet)
        if processes.first:
            yield from left_out + left_out_too
        if len(training) == 0:
            raise TrainingError("no utterance is left to train on; see the reasons above.")
        noises, rooms = recordings(config.augment.noise), recordings(config.augment.rooms)
        trainer = Trainer(
            config, alphabet, training, validation, noises, rooms, processes, output,
            stop or threading.Event(), state, weights,
        )  # fmt: skip
        yield from _journalled(trainer, max_minutes, processes)


def _journalled(trainer: Trainer, max_minutes: float | None, processes: Processes) -> Iterator[Record]:
    if not processes.first:
        for _ in trainer.fit(max_minutes):
            pass
        return
    journal = Journal(trainer.output, trainer.progress.step)
    try:
        for record in trainer.fit(max_minutes):
            yield from journal.write(record)
            yield record
    finally:
        journal.close()


def cache_folder(root: Path, path: str) -> Path:
    """Where the decoded audio of a manifest or folder is kept."""
    absolute = Path(path).absolute()
    name = absolute.parent.name if absolute.stem == "manifest" else absolute.stem
    return root / f"{name}-{hashlib.sha1(str(absolute).encode()).hexdigest()[:8]}"


def _sources(path: str) -> list[Source] | None:
    """What a manifest lists; None for a cache, which needs no decoding."""
    if is_cache(Path(path)):
        return None
    if Path(path).is_dir():
        raise ManifestError(f"{path}: is a folder; give a manifest, which `audiosearch manifest {path}` makes.")
    return [Source(row.audio, row.text, row.speaker, row.id) for row in read_manifest(path)]


def _folder_sources(path: str) -> list[Source] | None:
    """The recordings in a folder of noises or rooms; None for a cache."""
    folder = Path(path)
    if is_cache(folder):
        return None
    if not folder.is_dir():
        raise ManifestError(f"{path}: there is no such folder of recordings.")
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix.lower() in AUDIO_SUFFIXES)
    if not files:
        raise ManifestError(f"{path}: the folder holds no recordings.")
    return [Source(file, "", None, str(file.relative_to(folder))) for file in files]


AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"}


def _training_set(config: Config, recordings: Recordings, alphabet: Alphabet) -> tuple[Dataset, list[LeftOut]]:
    features = Features(config.features)
    with torch.device("meta"):
        network = DeepSpeech(config.model, config.features.bins, len(alphabet))
    fastest = max(*config.augment.speed, 1.0) if config.augment.speed_probability > 0 else 1.0
    return select(
        "training", recordings, alphabet, config.data, config.features.sample_rate,
        lambda samples: network.frames(features.frames(samples)), fastest,
    )  # fmt: skip


def _validation_set(config: Config, recordings: Recordings, alphabet: Alphabet) -> tuple[Dataset, list[LeftOut]]:
    """At most ``trainer.validate_seconds`` of the recordings, drawn so that all parts of the manifests are there."""
    readable = [n for n in range(len(recordings)) if set(recordings.clip(n).text) <= set(alphabet.labels)]
    order = np.random.default_rng(config.trainer.seed).permutation(len(readable))
    budget = config.trainer.validate_seconds * config.features.sample_rate
    chosen = []
    for number in (readable[place] for place in order):
        budget -= recordings.clip(number).samples
        if budget < 0:
            break
        chosen.append(number)
    left_out = []
    if foreign := sorted(set(range(len(recordings))) - set(readable)):
        ids = tuple(recordings.clip(number).id for number in foreign[:3])
        left_out.append(LeftOut("validation", "with characters outside the alphabet", len(foreign), len(recordings), ids))
    return Dataset(recordings, sorted(chosen), alphabet), left_out


def _check_fits(config: Config, state: TrainingState, output: Path) -> None:
    if (config.features, config.model) != (state.config.features, state.config.model):
        raise ModelError(
            f"{output}: features or model of the settings differ from the checkpoint's; resume with its own, "
            "or begin a new run."
        )


def _initial_weights(model: AcousticModel, config: Config, alphabet: Alphabet, path: Path) -> dict[str, Tensor]:
    """Weights to begin with, of a model with the same features, network and alphabet."""
    ours, theirs = config.model, model.config.model
    same = ours.model_copy(update={"dropout": 0}) == theirs.model_copy(update={"dropout": 0})
    if not same or model.config.features != config.features or model.alphabet != alphabet:
        raise ModelError(f"{path}: features, model or alphabet differ from the settings; take over its own to go on.")
    return model.network.state_dict()
