"""One optimizer step: loss, gradient, update of the weights and of their moving average.

Legend: B batch, S samples, T frames, F bins, T' emission frames, V labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from audiosearch.acoustic.checkpoint import load_weights
from audiosearch.acoustic.features import Features
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config, OptimConfig
from audiosearch.data import augment
from audiosearch.data.dataset import Batch
from audiosearch.errors import ModelError, TrainingError
from audiosearch.training.distributed import Processes
from audiosearch.training.schedule import averaging_decay, learning_rate


@dataclass(frozen=True, slots=True)
class StepResult:
    """Outcome of a step over all processes; if not ``finite`` the weights did not change.

    Args:
        loss: sum of the CTC losses in nats.
        labels: of all transcripts.
        samples: of audio after augmentation, without padding.
        gradient_norm: before clipping.
    """

    loss: float
    labels: int
    samples: int
    lr: float
    gradient_norm: float
    finite: bool


class TrainStep:
    """Network, moving average and optimizer; all randomness of a step is a function of seed, step and process.

    Args:
        init: initial weights; None: random ones.
    """

    def __init__(
        self, config: Config, alphabet: Alphabet, processes: Processes, init: Mapping[str, Tensor] | None = None
    ) -> None:
        self.config = config
        self.blank = alphabet.blank
        self.processes = processes
        self.device = processes.device
        precision = config.trainer.precision
        self.bf16 = precision == "bf16" or (precision == "auto" and self.device.type == "cuda")
        self.features = Features(config.features).to(self.device)
        torch.manual_seed(config.trainer.seed)
        self.network = DeepSpeech(config.model, config.features.bins, len(alphabet)).to(self.device)
        self.average = DeepSpeech(config.model, config.features.bins, len(alphabet)).to(self.device)
        self.average.requires_grad_(False)
        if init is not None:
            self.network.load_state_dict(init)
        self.average.load_state_dict(self.network.state_dict())
        self.optimizer = _optimizer(self.network, config.optim)
        self.parallel: nn.Module = self.network
        if processes.count > 1:
            self.parallel = DistributedDataParallel(self.network)

    def __call__(self, batch: Batch, step: int, total_steps: int) -> StepResult:
        """Update the weights and their average, unless the loss or its gradient is not finite.

        Raises:
            TrainingError: the batch does not fit in the GPU's memory.
        """
        lr = learning_rate(step, total_steps, self.config.optim)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        try:
            loss = self._loss(batch, step)
            (loss * float(batch.counts)).backward()  # type: ignore[no-untyped-call]
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"a batch of {self.config.trainer.batch_seconds:g} s of audio does not fit in the GPU's memory; "
                "lower trainer.batch_seconds or data.max_seconds."
            ) from error
        # The gradient of the sum is of order 1 in every frame, within the range of float16, to which autocast casts
        # cuDNN's recurrent kernels whatever its dtype; that of the mean would underflow. DDP averages.
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        torch._foreach_mul_(gradients, self.processes.count / max(batch.step_labels, 1))
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optim.clip_norm).item()
        total, samples = self.processes.sum([loss.item() if batch.counts else 0.0, batch.samples])
        finite = math.isfinite(total) and math.isfinite(norm)
        if finite:
            self.optimizer.step()
            decay = averaging_decay(step, self.config.optim)
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)
        self.optimizer.zero_grad()
        return StepResult(total, batch.step_labels, round(samples), lr, norm, finite)

    def _loss(self, batch: Batch, step: int) -> Tensor:
        """Sum of the CTC losses (Graves et al. 2006) of a batch, in nats."""
        seed = np.random.SeedSequence([self.config.trainer.seed, step, self.processes.rank])
        torch.manual_seed(int(seed.generate_state(1, np.uint64)[0]))  # of dropout
        with torch.no_grad():
            x, lengths = augment.mix(batch.sound.to(self.device), batch.draws, self.config.features.sample_rate)
            x, frames = self.features(x, lengths)  # [B, S] → [B, T, F]
            x = augment.warp(x, batch.draws, self.config.features)
            x = augment.mask(x, frames, batch.draws, self.config.augment, self.config.features)
        self.parallel.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            log_probs, frames = self.parallel(x, frames)
        return nn.functional.ctc_loss(
            log_probs.transpose(0, 1),  # [B, T', V] → [T', B, V]
            batch.labels.to(self.device, torch.int64),
            frames,
            batch.label_lengths.to(self.device),
            blank=self.blank,
            reduction="sum",
        )

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Everything that training changes, by part (``weights``, ``average``, optimizer moments) and parameter."""
        names: dict[Tensor, str] = {parameter: name for name, parameter in self.network.named_parameters()}
        parts: dict[str, dict[str, Tensor]] = {
            "weights": dict(self.network.state_dict()),
            "average": dict(self.average.state_dict()),
        }
        for parameter, moments in self.optimizer.state.items():
            for part, tensor in moments.items():
                parts.setdefault(part, {})[names[parameter]] = tensor
        return parts

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]], path: Path) -> None:
        """Load the result of :meth:`tensors`; errors name ``path``."""
        load_weights(self.network, parts.get("weights", {}), path)
        load_weights(self.average, parts.get("average", {}), path)
        for name, parameter in self.network.named_parameters():
            for part in parts.keys() - {"weights", "average"}:
                if name not in parts[part]:
                    raise ModelError(f"{path}: the optimizer's {part} of {name} is missing; start a new run.")
                self.optimizer.state[parameter][part] = parts[part][name].to(self.device)


def _optimizer(network: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW without weight decay on biases and normalization."""
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    undecayed = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": undecayed, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, fused=True)
