"""Records that training yields while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiosearch.data.events import Decoding as Decoding
from audiosearch.data.events import LeftOut as LeftOut
from audiosearch.types import Seconds


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Started:
    """The first step is about to begin; ``step`` is above 0 in a resumed run."""

    step: int
    total_steps: int
    epochs: int
    utterances: int
    audio: Seconds
    valid_utterances: int
    valid_audio: Seconds
    parameters: int
    device: str
    precision: str
    processes: int
    output: Path


@dataclass(frozen=True, slots=True)
class StepReport:
    """Means since the last report; ``loss`` in nats per label."""

    step: int
    total_steps: int
    epoch: int
    epochs: int
    loss: float
    lr: float
    gradient_norm: float
    audio_per_second: float
    remaining: Seconds
    skipped: int


@dataclass(frozen=True, slots=True)
class SkippedStep:
    """A step without update, because its loss or gradient was not finite."""

    step: int
    loss: float
    in_a_row: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Reference and greedy transcript of an utterance."""

    truth: str
    prediction: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Scores of the averaged weights on the validation utterances; rates are fractions."""

    step: int
    epoch: int
    loss: float
    wer: float
    cer: float
    utterances: int
    best: bool
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint has been written."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class Finished:
    """The run has ended; ``reason`` is ``done``, ``time`` or ``stopped``."""

    step: int
    total_steps: int
    reason: str
    skipped: int
    output: Path


Record = Decoding | LeftOut | Notice | Started | StepReport | SkippedStep | ValidationReport | Saved | Finished
