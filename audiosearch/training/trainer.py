"""The training loop: validate when due, save when due, step.

Legend: B batch, T frames, T' emission frames, V labels.
"""

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
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from audiosearch.checkpoint import load_weights, save_model
from audiosearch.config import Config, OptimConfig
from audiosearch.errors import TrainingError
from audiosearch.features import Features
from audiosearch.model import DeepSpeech
from audiosearch.text import Alphabet
from audiosearch.training import augment
from audiosearch.training.batches import plan, read_ahead
from audiosearch.training.dataset import Batch, Collator, Dataset, Recordings
from audiosearch.training.distributed import Processes
from audiosearch.training.records import Finished, Record, Saved, SkippedStep, Started, StepReport, ValidationReport
from audiosearch.training.schedule import averaging_decay, learning_rate
from audiosearch.training.state import FILE_NAME, Progress, TrainingState, save_state
from audiosearch.training.validation import validate
from audiosearch.types import Seconds


class Trainer:
    """One run.

    Args:
        output: folder of its checkpoints: ``state`` to resume from, ``last`` and ``best`` to use.
        stop: when set, the run ends after the step that is going on.
        state: checkpoint to go on from.
        init: weights to begin with instead.
    """

    def __init__(
        self,
        config: Config,
        alphabet: Alphabet,
        train: Dataset,
        valid: Dataset,
        noises: Recordings,
        rooms: Recordings,
        processes: Processes,
        output: Path,
        stop: threading.Event,
        state: TrainingState | None = None,
        init: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.config = config
        self.alphabet = alphabet
        self.train = train
        self.valid = valid
        self.processes = processes
        self.device = processes.device
        self.output = output
        self.stop = stop
        self.noises = noises
        self.rooms = rooms
        precision = config.trainer.precision
        self.bf16 = precision == "bf16" or (precision == "auto" and self.device.type == "cuda")
        self.collate = Collator(train, noises, rooms, config.features.sample_rate, config.trainer.seed)
        self.features = Features(config.features).to(self.device)
        torch.manual_seed(config.trainer.seed)
        self.network = DeepSpeech(config.model, config.features.bins, len(alphabet)).to(self.device)
        self.average = DeepSpeech(config.model, config.features.bins, len(alphabet)).to(self.device)
        self.average.requires_grad_(False)
        if init is not None:
            self.network.load_state_dict(init)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = _optimiser(self.network, config.optim)
        self.progress = Progress(data=train.fingerprint)
        if state is not None:
            self._restore(state)
        self.parallel: nn.Module = self.network
        if processes.count > 1:
            self.parallel = DistributedDataParallel(self.network)
        self.epoch_steps = [len(self._plan(epoch)[1]) for epoch in range(config.trainer.epochs)]
        self.total_steps = sum(self.epoch_steps)
        self._saved = (-1, time.monotonic())
        self._audio: Seconds = 0.0
        self._busy: Seconds = 0.0
        self._steps = 0
        self._clock = time.monotonic()

    def fit(self, max_minutes: float | None = None) -> Iterator[Record]:
        """Train to the end, to the time limit or until told to stop, and report on the way.

        Raises:
            TrainingError: the loss stays non-finite, or a batch does not fit in memory.
        """
        deadline = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes
        reason = "done"
        yield self._started()
        self._lap()
        for batch in self._batches():
            if self._validation_due():
                yield from self._validate()
            if self._save_due():
                yield from self._save()
            if stopped := self._told_to_stop(deadline):
                reason = stopped
                break
            yield from self._step(batch)
        if reason == "done" and self.progress.validated != self.progress.step:
            yield from self._validate()
        yield from self._save()
        yield Finished(self.progress.step, self.total_steps, reason, self.progress.skipped, self.output)

    def _batches(self) -> Iterator[Batch]:
        """This process's batches from where the run is, to the last epoch."""
        rank, count = self.processes.rank, self.processes.count
        while self.progress.epoch < self.config.trainer.epochs:
            epoch = self.progress.epoch
            draws, steps = self._plan(epoch)
            load = partial(self.collate, draws=draws, epoch=epoch, process=rank, processes=count)
            yield from read_ahead(steps[self.progress.position :], load, self.config.trainer.workers)

    def _plan(self, epoch: int) -> tuple[augment.Draws, list[NDArray[np.int64]]]:
        config, rate = self.config.trainer, self.config.features.sample_rate
        draws = augment.draw(
            self.train.samples, self.config.augment, rate, config.seed, epoch, len(self.noises), len(self.rooms)
        )
        steps = plan(
            draws.lengths / rate,
            config.batch_seconds,
            config.seed,
            epoch,
            ascending=config.sortagrad and epoch == 0,
            processes=self.processes.count,
        )
        return draws, steps

    def _step(self, batch: Batch) -> Iterator[Record]:
        """One update of the weights, unless the loss or its gradient is not finite."""
        progress = self.progress
        lr = learning_rate(progress.step, self.total_steps, self.config.optim)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        try:
            loss = self._loss(batch)
            scale = self.processes.count / max(batch.step_labels, 1)  # DDP takes the mean of the gradients
            (loss * (scale if batch.counts else 0.0)).backward()  # type: ignore[no-untyped-call]
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"a batch of {self.config.trainer.batch_seconds:g} s of audio does not fit in the GPU's memory; "
                "lower trainer.batch_seconds or data.max_seconds."
            ) from error
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optim.clip_norm)
        total, samples = self.processes.sum([float(loss) if batch.counts else 0.0, batch.samples])
        mean = total / max(batch.step_labels, 1)
        finite = math.isfinite(mean) and math.isfinite(float(norm))
        if finite:
            self.optimiser.step()
            decay = averaging_decay(progress.step, self.config.optim)
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)
        self.optimiser.zero_grad()
        progress.step += 1
        progress.position += 1
        if progress.position == self.epoch_steps[progress.epoch]:
            progress.epoch, progress.position = progress.epoch + 1, 0
        if not finite:
            yield self._skipped(mean)
            return
        progress.skipped_in_a_row = 0
        progress.loss += total
        progress.labels += batch.step_labels
        progress.gradient_norm += float(norm)
        progress.steps += 1
        self._audio += samples / self.config.features.sample_rate
        self._busy += self._lap()
        self._steps += 1
        if progress.step % self.config.trainer.log_every == 0:
            yield self._report(lr)

    def _loss(self, batch: Batch) -> Tensor:
        """Sum of the CTC losses (Graves et al. 2006) of a batch, in nats."""
        seed = np.random.SeedSequence([self.config.trainer.seed, self.progress.step, self.processes.rank])
        torch.manual_seed(int(seed.generate_state(1, np.uint64)[0]))  # of dropout
        with torch.no_grad():
            x, lengths = augment.mix(batch.sound.to(self.device), batch.draws, self.config.features.sample_rate)
            x, frames = self.features(x, lengths)  # [B, S] → [B, T, F]
            x = augment.mask(x, frames, batch.draws, self.config.augment, self.config.features)
        self.parallel.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            log_probs, frames = self.parallel(x, frames)
        return nn.functional.ctc_loss(
            log_probs.transpose(0, 1),  # [B, T', V] → [T', B, V]
            batch.labels.to(self.device, torch.int64),
            frames,
            batch.label_lengths.to(self.device),
            blank=self.alphabet.blank,
            reduction="sum",
        )

    def _skipped(self, loss: float) -> SkippedStep:
        progress = self.progress
        progress.skipped += 1
        progress.skipped_in_a_row += 1
        if progress.skipped_in_a_row >= self.config.trainer.max_skipped:
            raise TrainingError(
                f"the loss or its gradient was not finite in {progress.skipped_in_a_row} steps in a row, up to step "
                f"{progress.step}; lower optim.lr, or look for wrong transcripts. The last checkpoint is kept."
            )
        return SkippedStep(progress.step, loss, progress.skipped_in_a_row)

    def _report(self, lr: float) -> StepReport:
        """Means since the last report."""
        progress = self.progress
        pace = self._busy / max(self._steps, 1)
        report = StepReport(
            step=progress.step,
            total_steps=self.total_steps,
            epoch=progress.epoch,
            epochs=self.config.trainer.epochs,
            loss=progress.loss / max(progress.labels, 1),
            lr=lr,
            gradient_norm=progress.gradient_norm / max(progress.steps, 1),
            audio_per_second=self._audio / max(self._busy, 1e-9),
            remaining=pace * (self.total_steps - progress.step),
            skipped=progress.skipped,
        )
        progress.loss, progress.labels, progress.gradient_norm, progress.steps = 0.0, 0, 0.0, 0
        self._audio, self._busy, self._steps = 0.0, 0.0, 0
        return report

    def _lap(self) -> Seconds:
        """Time since the last call."""
        now = time.monotonic()
        lap, self._clock = now - self._clock, now
        return lap

    def _validation_due(self) -> bool:
        step = self.progress.step
        return step > 0 and step % self.config.trainer.validate_every == 0 and self.progress.validated != step

    def _validate(self) -> Iterator[ValidationReport]:
        """Score the averaged weights, and keep them if they are the best so far."""
        if len(self.valid) == 0:
            return
        progress = self.progress
        scores = validate(
            self.average,
            self.features,
            self.valid,
            self.alphabet,
            self.processes,
            batch_seconds=self.config.trainer.batch_seconds,
            bf16=self.bf16,
            samples=self.config.trainer.samples,
        )
        key = (scores.words.rate, scores.characters.rate)
        best = progress.best is None or key < progress.best
        progress.validated = progress.step
        if best:
            progress.best = key
            self._save_model("best.safetensors", {"wer": f"{key[0]:.4f}", "cer": f"{key[1]:.4f}"})
        yield ValidationReport(
            progress.step, progress.epoch, scores.loss, *key, scores.utterances, best, scores.pairs
        )
        self._lap()

    def _save_due(self) -> bool:
        step, when = self._saved
        return step != self.progress.step and time.monotonic() - when > 60 * self.config.trainer.save_every_minutes

    def _save(self) -> Iterator[Saved]:
        """Keep all that is needed to go on from here; the weights for use first, then the state to resume from."""
        if self.processes.first:
            self._save_model("last.safetensors", {})
            save_state(self.output / FILE_NAME, self._state())
        self._saved = (self.progress.step, time.monotonic())
        yield Saved(self.progress.step, self.output)
        self._lap()

    def _save_model(self, name: str, notes: Mapping[str, str]) -> None:
        if self.processes.first:
            notes = {**notes, "step": str(self.progress.step)}
            save_model(self.output / name, self.average.state_dict(), self.config, self.alphabet, notes=notes)

    def _state(self) -> TrainingState:
        names = {parameter: name for name, parameter in self.network.named_parameters()}
        tensors: dict[str, dict[str, Tensor]] = {
            "weights": dict(self.network.state_dict()),
            "average": dict(self.average.state_dict()),
        }
        for parameter, moments in self.optimiser.state.items():
            for part, tensor in moments.items():
                tensors.setdefault(part, {})[names[parameter]] = tensor
        return TrainingState(self.progress, tensors, self.config, self.alphabet)

    def _restore(self, state: TrainingState) -> None:
        if state.progress.data != self.train.fingerprint:
            raise TrainingError(
                f"{state.path}: the training utterances are not those it was trained on, so the run cannot be "
                "resumed; begin a new one with --init and a new --output."
            )
        self.progress = replace(state.progress)
        load_weights(self.network, state.tensors["weights"], state.path)
        load_weights(self.average, state.tensors["average"], state.path)
        for name, parameter in self.network.named_parameters():
            for part in set(state.tensors) - {"weights", "average"}:
                tensor = state.tensors[part][name]
                self.optimiser.state[parameter][part] = tensor.to(self.device)

    def _told_to_stop(self, deadline: float) -> str:
        """Why the run ends here, or nothing; all processes get the same answer."""
        stopped, late = self.processes.sum([float(self.stop.is_set()), float(time.monotonic() > deadline)])
        return "stopped" if stopped else "time" if late else ""

    def _started(self) -> Started:
        rate = self.config.features.sample_rate
        return Started(
            step=self.progress.step,
            total_steps=self.total_steps,
            epochs=self.config.trainer.epochs,
            utterances=len(self.train),
            audio=float(self.train.samples.sum()) / rate,
            valid_utterances=len(self.valid),
            valid_audio=float(self.valid.samples.sum()) / rate,
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
            device=torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU",
            precision="bf16" if self.bf16 else "fp32",
            processes=self.processes.count,
            output=self.output,
        )


def _optimiser(network: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW; biases and normalisation are not decayed."""
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, fused=True)
