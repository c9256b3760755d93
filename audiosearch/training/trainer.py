"""The training loop: validate when due, save when due, step."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audiosearch.acoustic.checkpoint import save_model
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config
from audiosearch.data import augment
from audiosearch.data.batching import plan, read_ahead
from audiosearch.data.dataset import Batch, Collator, Dataset
from audiosearch.errors import TrainingError
from audiosearch.training.checkpoint_state import FILE_NAME, Progress, TrainingState, save_state
from audiosearch.training.events import Finished, Record, Saved, SkippedStep, Started, StepReport, ValidationReport
from audiosearch.training.optimization import StepResult, TrainStep
from audiosearch.training.validation import validate
from audiosearch.types import Seconds


class Trainer:
    """The training loop of one run.

    Args:
        collate: makes batches of training utterances.
        valid: validation utterances.
        output: folder of the checkpoints: ``state`` to resume from, ``last`` and ``best`` to use.
        stop: when set, the run ends after the current step.
        state: checkpoint to resume from.
    """

    def __init__(
        self,
        config: Config,
        alphabet: Alphabet,
        train_step: TrainStep,
        collate: Collator,
        valid: Dataset,
        output: Path,
        stop: threading.Event,
        state: TrainingState | None = None,
    ) -> None:
        self.config = config
        self.alphabet = alphabet
        self.train_step = train_step
        self.processes = train_step.processes
        self.collate = collate
        self.train = collate.dataset
        self.valid = valid
        self.output = output
        self.stop = stop
        self.progress = Progress(data=self.train.fingerprint)
        if state is not None:
            self._restore(state)
        self.epoch_steps = [len(self._plan(epoch)[1]) for epoch in range(config.trainer.epochs)]
        self.total_steps = sum(self.epoch_steps)
        self._saved = (-1, time.monotonic())  # step and time
        self._pace = _Pace()

    def fit(self, max_minutes: float | None = None) -> Iterator[Record]:
        """Train until the last epoch, the time limit or ``stop``, and yield reports.

        Raises:
            TrainingError: the loss stays non-finite, or a batch does not fit in memory.
        """
        deadline = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes
        reason = ""
        yield self._started()
        self._pace.restart()
        for batch in self._batches():
            if self._validation_due():
                yield from self._validate()
            if self._save_due():
                yield from self._save()
            if reason := self._stop_reason(deadline):
                break
            yield from self._step(batch)
        if not reason and self.progress.validated != self.progress.step:
            yield from self._validate()
        yield from self._save()
        yield Finished(self.progress.step, self.total_steps, reason or "done", self.progress.skipped, self.output)

    def _batches(self) -> Iterator[Batch]:
        """Batches of this process, from the current position to the last epoch."""
        while self.progress.epoch < self.config.trainer.epochs:
            epoch = self.progress.epoch
            draws, steps = self._plan(epoch)
            rank, count = self.processes.rank, self.processes.count
            load = partial(self.collate, draws=draws, epoch=epoch, process=rank, processes=count)
            yield from read_ahead(steps[self.progress.position :], load, self.config.trainer.workers)

    def _plan(self, epoch: int) -> tuple[augment.Draws, list[NDArray[np.int64]]]:
        """Augmentation of every utterance of an epoch, and the utterances of each step."""
        config, rate = self.config.trainer, self.config.features.sample_rate
        noises, rooms = len(self.collate.noises), len(self.collate.rooms)
        draws = augment.draw(self.train.samples, self.config.augment, rate, config.seed, epoch, noises, rooms)
        steps = plan(
            draws.lengths / rate,
            config.batch_seconds,
            config.seed,
            epoch,
            ascending=config.sortagrad and epoch == 0,
            processes=self.processes.count,
        )
        return draws, steps

    def _step(self, batch: Batch) -> Iterator[SkippedStep | StepReport]:
        progress = self.progress
        result = self.train_step(batch, progress.step, self.total_steps)
        progress.step += 1
        progress.position += 1
        if progress.position == self.epoch_steps[progress.epoch]:
            progress.epoch, progress.position = progress.epoch + 1, 0
        self._pace.count(result.samples / self.config.features.sample_rate)
        if not result.finite:
            yield self._skipped(result)
            return
        progress.skipped_in_a_row = 0
        progress.loss += result.loss
        progress.labels += result.labels
        progress.gradient_norm += result.gradient_norm
        progress.steps += 1
        if progress.step % self.config.trainer.log_every == 0:
            yield self._report(result.lr)

    def _skipped(self, result: StepResult) -> SkippedStep:
        progress = self.progress
        progress.skipped += 1
        progress.skipped_in_a_row += 1
        if progress.skipped_in_a_row >= self.config.trainer.max_skipped:
            raise TrainingError(
                f"the loss or its gradient was not finite in {progress.skipped_in_a_row} steps in a row, up to step "
                f"{progress.step}; lower optim.lr, or check the transcripts. The last checkpoint is kept."
            )
        return SkippedStep(progress.step, result.loss / max(result.labels, 1), progress.skipped_in_a_row)

    def _report(self, lr: float) -> StepReport:
        """Report means since the last report."""
        progress = self.progress
        report = StepReport(
            step=progress.step,
            total_steps=self.total_steps,
            epoch=progress.epoch,
            epochs=self.config.trainer.epochs,
            loss=progress.loss / max(progress.labels, 1),
            lr=lr,
            gradient_norm=progress.gradient_norm / max(progress.steps, 1),
            audio_per_second=self._pace.audio / max(self._pace.time, 1e-9),
            remaining=self._pace.time / max(self._pace.steps, 1) * (self.total_steps - progress.step),
            skipped=progress.skipped,
        )
        progress.loss, progress.labels, progress.gradient_norm, progress.steps = 0.0, 0, 0.0, 0
        self._pace = _Pace()
        return report

    def _validation_due(self) -> bool:
        step = self.progress.step
        return step > 0 and step % self.config.trainer.validate_every == 0 and self.progress.validated != step

    def _validate(self) -> Iterator[ValidationReport]:
        """Evaluate the averaged weights, and save them if they are the best so far."""
        if len(self.valid) == 0:
            return
        progress = self.progress
        scores = validate(
            self.train_step.average,
            self.train_step.features,
            self.valid,
            self.alphabet,
            self.processes,
            batch_seconds=self.config.trainer.batch_seconds,
            bf16=self.train_step.bf16,
            samples=self.config.trainer.samples,
        )
        wer, cer = scores.words.rate, scores.characters.rate
        best = progress.best is None or (wer, cer) < progress.best
        progress.validated = progress.step
        if best:
            progress.best = (wer, cer)
            self._save_model("best.safetensors", {"wer": f"{wer:.4f}", "cer": f"{cer:.4f}"})
        yield ValidationReport(
            progress.step, progress.epoch, scores.loss, wer, cer, scores.utterances, best, scores.pairs
        )
        self._pace.restart()

    def _save_due(self) -> bool:
        step, when = self._saved
        return step != self.progress.step and time.monotonic() - when > 60 * self.config.trainer.save_every_minutes

    def _save(self) -> Iterator[Saved]:
        """Write the averaged weights, then the state to resume from."""
        if self.processes.first:
            self._save_model("last.safetensors", {})
            state = TrainingState(self.progress, self.train_step.tensors(), self.config, self.alphabet)
            save_state(self.output / FILE_NAME, state)
        self._saved = (self.progress.step, time.monotonic())
        yield Saved(self.progress.step, self.output)
        self._pace.restart()

    def _save_model(self, name: str, notes: Mapping[str, str]) -> None:
        if self.processes.first:
            notes = {**notes, "step": str(self.progress.step)}
            weights = self.train_step.average.state_dict()
            save_model(self.output / name, weights, self.config, self.alphabet, notes=notes)

    def _restore(self, state: TrainingState) -> None:
        if state.progress.data != self.train.fingerprint:
            raise TrainingError(
                f"{state.path}: the training utterances are not those it was trained on, so the run cannot be "
                "resumed; start a new one with --init and another --output."
            )
        self.progress = replace(state.progress)
        self.train_step.restore(state.tensors, state.path)

    def _stop_reason(self, deadline: float) -> str:
        """``"stopped"``, ``"time"`` or ``""``; the same in all processes."""
        stopped, late = self.processes.sum([float(self.stop.is_set()), float(time.monotonic() > deadline)])
        return "stopped" if stopped else "time" if late else ""

    def _started(self) -> Started:
        rate, device = self.config.features.sample_rate, self.processes.device
        return Started(
            step=self.progress.step,
            total_steps=self.total_steps,
            epochs=self.config.trainer.epochs,
            utterances=len(self.train),
            audio=float(self.train.samples.sum()) / rate,
            valid_utterances=len(self.valid),
            valid_audio=float(self.valid.samples.sum()) / rate,
            parameters=sum(parameter.numel() for parameter in self.train_step.network.parameters()),
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
            precision="bf16" if self.train_step.bf16 else "fp32",
            processes=self.processes.count,
            output=self.output,
        )


class _Pace:
    """Time and audio of the steps since the last report, including the wait for data."""

    def __init__(self) -> None:
        self.audio: Seconds = 0.0
        self.time: Seconds = 0.0
        self.steps = 0
        self._mark = time.monotonic()

    def restart(self) -> None:
        """Exclude the time since the last step."""
        self._mark = time.monotonic()

    def count(self, audio: Seconds) -> None:
        """Count one step."""
        now = time.monotonic()
        self.audio += audio
        self.time += now - self._mark
        self.steps += 1
        self._mark = now
