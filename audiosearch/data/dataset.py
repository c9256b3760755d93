"""Training utterances: cached samples with their labels, and batches of them.

Legend: N utterances, B of them in a batch, S samples, U labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audiosearch.alphabet import Alphabet
from audiosearch.config import DataConfig
from audiosearch.data.augment import ROOM_SECONDS, Draws, Sound
from audiosearch.data.batching import share
from audiosearch.data.events import NO_TEXT, LeftOut
from audiosearch.data.pcm_cache import Clip, PcmCache


class Recordings:
    """Cached recordings of one or more folders, numbered consecutively; empty ones are skipped."""

    def __init__(self, caches: Sequence[PcmCache] = ()) -> None:
        self._caches = tuple(caches)
        self._positions = [
            (cache, position) for cache in caches for position in range(len(cache)) if cache.clips[position].samples
        ]

    def __len__(self) -> int:
        return len(self._positions)

    def clip(self, number: int) -> Clip:
        """Metadata of a recording."""
        cache, position = self._positions[number]
        return cache.clips[position]

    def read(self, number: int, start: int = 0, length: int | None = None) -> NDArray[np.int16]:
        """Samples of a recording, or a span of them."""
        cache, position = self._positions[number]
        return cache.read(position, start, length)


class Dataset:
    """Recordings with their transcripts as labels.

    Args:
        chosen: numbers of the recordings to use [N].
    """

    def __init__(self, recordings: Recordings, chosen: Sequence[int], alphabet: Alphabet) -> None:
        self._recordings = recordings
        self._chosen = tuple(chosen)
        clips = [recordings.clip(number) for number in chosen]
        self.texts = tuple(clip.text for clip in clips)
        self.samples = np.array([clip.samples for clip in clips], dtype=np.int64)
        self.labels = tuple(np.array(alphabet.encode(text), dtype=np.int32) for text in self.texts)
        self.label_lengths = np.array([len(labels) for labels in self.labels], dtype=np.int64)
        digest = hashlib.sha256()
        for clip in clips:
            digest.update(f"{clip.id}\t{clip.samples}\t{clip.text}\n".encode())
        self.fingerprint = digest.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self._chosen)

    def read(self, utterance: int) -> NDArray[np.int16]:
        """Samples of an utterance."""
        return self._recordings.read(self._chosen[utterance])


def select(
    name: str,
    recordings: Recordings,
    alphabet: Alphabet,
    config: DataConfig,
    sample_rate: int,
    emission_frames: Callable[[Tensor], Tensor],
    fastest: float,
) -> tuple[Dataset, list[LeftOut]]:
    """Select the utterances that can be trained on.

    Args:
        emission_frames: maps numbers of samples to emission frames T'.
        fastest: highest speed of augmentation, at which CTC still needs a frame for every label and one between
            equal neighbors.

    Returns:
        the dataset, and records of the utterances left out.
    """
    empty, foreign, short, long, dense = [], [], [], [], []
    chosen = []
    for number in range(len(recordings)):
        clip = recordings.clip(number)
        seconds = clip.samples / sample_rate
        if not clip.text:
            empty.append(clip.id)
        elif seconds < config.min_seconds:
            short.append(clip.id)
        elif seconds > config.max_seconds:
            long.append(clip.id)
        elif any(character not in alphabet.labels for character in clip.text):
            foreign.append(clip.id)
        else:
            chosen.append(number)
    clips = [recordings.clip(number) for number in chosen]
    quickest = torch.tensor([-int(-clip.samples // fastest) for clip in clips], dtype=torch.int64)
    frames = emission_frames(quickest).tolist()
    fits = [frames_needed(clip.text) <= available for clip, available in zip(clips, frames, strict=True)]
    dense = [clip.id for clip, fit in zip(clips, fits, strict=True) if not fit]
    chosen = [number for number, fit in zip(chosen, fits, strict=True) if fit]
    reasons = {
        NO_TEXT: empty,
        f"shorter than data.min_seconds={config.min_seconds:g}": short,
        f"longer than data.max_seconds={config.max_seconds:g}": long,
        "with characters outside the alphabet": foreign,
        "too short for the transcript": dense,
    }
    left_out = [
        LeftOut(name, reason, len(ids), len(recordings), tuple(ids[:3])) for reason, ids in reasons.items() if ids
    ]
    return Dataset(recordings, chosen, alphabet), left_out


def frames_needed(text: str) -> int:
    """Smallest number of emission frames for CTC: one per character, and a blank between equal neighbors."""
    return len(text) + sum(a == b for a, b in pairwise(text))


@dataclass(frozen=True, slots=True)
class Batch:
    """Utterances of one step for one process.

    Args:
        labels: of all utterances, concatenated; ``label_lengths`` [B] separates them.
        step_labels: number of labels in the batches of all processes.
        counts: False if the batch only keeps this process synchronized and must not change the weights.
    """

    utterances: NDArray[np.int64]
    draws: Draws
    sound: Sound
    labels: Tensor
    label_lengths: Tensor
    step_labels: int
    counts: bool = True

    @property
    def samples(self) -> int:
        """Number of samples after augmentation, without padding."""
        return int(self.draws.lengths.sum()) if self.counts else 0


class Collator:
    """Reads the samples of batches, with the noises and room responses to mix in.

    Args:
        seed: of the background noise, combined with epoch and utterance.
    """

    def __init__(self, dataset: Dataset, noises: Recordings, rooms: Recordings, sample_rate: int, seed: int) -> None:
        self.dataset = dataset
        self.noises = noises
        self.rooms = rooms
        self.room_samples = round(ROOM_SECONDS * sample_rate)
        self.seed = seed

    def __call__(
        self, step: NDArray[np.int64], draws: Draws, epoch: int, process: int = 0, processes: int = 1
    ) -> Batch:
        """Load a process's batch of a step; ``draws`` cover all utterances of the epoch."""
        utterances, counts = share(step, process, processes)
        draws = draws.take(utterances)
        total = int(draws.lengths.max())
        speech = np.zeros((len(utterances), int(draws.samples.max())), dtype=np.int16)
        quiet, noise, rooms = {}, {}, {}
        for row, utterance in enumerate(utterances.tolist()):
            pcm = self.dataset.read(utterance)
            speech[row, : len(pcm)] = pcm
            length = int(draws.lengths[row])
            if draws.before[row] or draws.after[row]:
                quiet[row] = _quiet([self.seed, epoch, utterance], length)
            if draws.noise[row] >= 0:
                noise[row] = self._noise(int(draws.noise[row]), float(draws.noise_at[row]), length)
            if draws.room[row] >= 0:
                rooms[row] = self._room(int(draws.room[row]))
        sound = Sound(
            torch.from_numpy(speech),
            _stack(quiet, len(utterances), total),
            _stack(noise, len(utterances), total),
            _stack(rooms, len(utterances), self.room_samples),
        )
        labels = [self.dataset.labels[utterance] for utterance in utterances]
        return Batch(
            utterances,
            draws,
            sound,
            torch.from_numpy(np.concatenate(labels)),
            torch.from_numpy(self.dataset.label_lengths[utterances]),
            int(self.dataset.label_lengths[step].sum()),
            counts,
        )

    def _noise(self, number: int, at: float, length: int) -> NDArray[np.int16]:
        """Span of a noise recording from the relative position ``at``; a short recording is repeated."""
        recording = self.noises.read(number)
        if len(recording) >= length:
            start = int(at * (len(recording) - length + 1))
            return recording[start : start + length]
        return np.take(recording, np.arange(length) + int(at * len(recording)), mode="wrap")

    def _room(self, number: int) -> NDArray[np.int16]:
        """Room response from its direct sound, the loudest sample, on."""
        response = self.rooms.read(number)
        direct = int(np.argmax(np.abs(response.astype(np.int32))))
        return response[direct : direct + self.room_samples]


def _quiet(seed: list[int], length: int) -> NDArray[np.int16]:
    return (np.random.default_rng([*seed, 2]).standard_normal(length, dtype=np.float32) * 4096).astype(np.int16)


def _stack(rows: dict[int, NDArray[np.int16]], count: int, length: int) -> Tensor:
    """Stack rows to [B, S], missing ones as zeros; [B, 0] without any row."""
    stacked = np.zeros((count, length if rows else 0), dtype=np.int16)
    for row, values in rows.items():
        stacked[row, : len(values)] = values
    return torch.from_numpy(stacked)
