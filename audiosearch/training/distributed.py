"""Training in several processes started by torchrun: one per GPU, or on the CPU to try it out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

from audiosearch.config import TrainerConfig
from audiosearch.errors import TrainingError

PATIENCE = timedelta(hours=2)
"""Longest wait for the first process, which decodes the audio; torchrun ends all processes when one fails."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Rank of this process and number of processes in the group."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """True in the process that writes and reports."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sum values over all processes."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return [float(value) for value in total.tolist()]

    def wait(self) -> None:
        """Wait for all processes."""
        if self.count > 1:
            distributed.barrier()


def choose_device(config: TrainerConfig) -> torch.device:
    """Device to train on, verified to exist.

    Raises:
        TrainingError: the configured device or precision is not available.
    """
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if config.device == "cpu" or (config.device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise TrainingError("trainer.device=cuda: PyTorch finds no GPU here; use trainer.device=cpu or auto.")
    if local_rank >= torch.cuda.device_count():
        raise TrainingError(
            f"torchrun starts more processes than the {torch.cuda.device_count()} GPUs here; lower --nproc-per-node."
        )
    device = torch.device("cuda", local_rank)
    if config.precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise TrainingError(
            f"trainer.precision=bf16: {torch.cuda.get_device_name(device)} does not support it; use fp32."
        )
    return device


@contextmanager
def process_group(device: torch.device) -> Iterator[Processes]:
    """Process group that torchrun started, or this process alone."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if count == 1:
        yield Processes(0, 1, device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), count, device)
        distributed.barrier()  # a process may only leave once no other communicates
    finally:
        distributed.destroy_process_group()
