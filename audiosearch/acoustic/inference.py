"""Network inference over windows: samples → features → log-probabilities, in the fastest precision of the device.

Legend: B windows of a batch, S samples, T' emission frames, V labels.

On a CPU every core runs its own batch in one thread. With several threads per batch, recurrent layers
synchronize in every frame; while the decoder or another program uses some of the cores, that costs far more than larger
batches save.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from audiosearch.acoustic.checkpoint import AcousticModel
from audiosearch.acoustic.quantized import quantize
from audiosearch.acoustic.windows import WindowGrid
from audiosearch.config import ModelConfig, WindowConfig
from audiosearch.core import has_integer_products
from audiosearch.errors import ConfigError
from audiosearch.parallel import cores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tag = TypeVar("Tag")
Element = TypeVar("Element")

Precision = Literal["fp32", "bf16", "int8"]

MAX_WORKERS = 4
"""Concurrent batches on a CPU; each needs about 500 MB with the full-size network."""

MAX_CPU_BATCH = 8
"""Windows of full length in one batch on a CPU: more take more memory and as much time."""

MAX_ROWS = 128
"""Windows in one batch, even of short ones."""

MAX_PLACEHOLDERS = 1000
"""Items without samples in one batch."""


@dataclass
class StageTimes:
    """Processor seconds spent in each stage, counted in the threads that run it."""

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, stage: str, seconds: float) -> None:
        """Add ``seconds`` to a stage."""
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def each(self, stage: str, items: Iterable[Element]) -> Iterator[Element]:
        """Yield the items, adding the time spent producing them to a stage."""
        iterator = iter(items)
        while True:
            started = time.thread_time()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.add(stage, time.thread_time() - started)
            yield item


@dataclass(frozen=True)
class WindowInput(Generic[Tag]):
    """One pipeline item: window samples [S], or None for a placeholder that preserves order."""

    tag: Tag
    samples: NDArray[np.float32] | None


@dataclass(frozen=True)
class WindowOutput(Generic[Tag]):
    """Log-probabilities [T', V] of an item's samples; None for a placeholder."""

    tag: Tag
    log_probs: NDArray[np.float32] | None


class Inference:
    """Runs a network over windows in concurrent batches.

    Args:
        model: moved to ``device``.
        grid: size of the windows.
        config: batch size and precision.
        device: default: a GPU if there is one.
        workers: concurrent batches; default: one for each core, at most ``MAX_WORKERS``; 1 on a GPU.
    """

    def __init__(
        self,
        model: AcousticModel,
        grid: WindowGrid,
        config: WindowConfig,
        device: torch.device | None = None,
        workers: int | None = None,
    ) -> None:
        self.device = device or default_device()
        self.precision = choose_precision(config.precision, self.device, model.config.model)
        network = model.network.to(self.device).eval()
        self.network = quantize(network) if self.precision == "int8" else network
        self.features = model.features.to(self.device)
        self.times = StageTimes()
        batch = min(config.batch, MAX_CPU_BATCH) if self.device.type == "cpu" else config.batch
        self.batch_samples = batch * grid.size * grid.unit
        self.workers = workers or (min(cores(), MAX_WORKERS) if self.device.type == "cpu" else 1)
        self._executor = ThreadPoolExecutor(self.workers, "network", torch.set_num_threads, (1,))  # of each thread

    def close(self) -> None:
        """Wait for running batches, then end the threads."""
        self._executor.shutdown(cancel_futures=True)

    def run(self, items: Iterable[WindowInput[Tag]]) -> Iterator[WindowOutput[Tag]]:
        """Yield outputs in the order of the items; at most one batch for each worker and one more are pending."""
        running: deque[tuple[list[WindowInput[Tag]], list[Future[list[NDArray[np.float32]]]]]] = deque()
        group: list[WindowInput[Tag]] = []
        for item in items:
            if self._is_full(group, item):
                running.append((group, [self._submit(group)]))
                group = []
                while len(running) > self.workers:
                    yield from _outputs(*running.popleft())
            group.append(item)
        running.append((group, [self._submit(part) for part in _split(group, self.workers)]))
        while running:
            yield from _outputs(*running.popleft())

    def _is_full(self, group: Sequence[WindowInput[Tag]], item: WindowInput[Tag]) -> bool:
        """True if a batch, padded to its longest window, would become too large with ``item``."""
        lengths = [len(member.samples) for member in group if member.samples is not None]
        if item.samples is None:
            return len(group) - len(lengths) >= MAX_PLACEHOLDERS
        rows = len(lengths) + 1
        return rows > MAX_ROWS or (rows > 1 and rows * max([*lengths, len(item.samples)]) > self.batch_samples)

    def _submit(self, group: Sequence[WindowInput[Tag]]) -> Future[list[NDArray[np.float32]]]:
        windows = [item.samples for item in group if item.samples is not None]
        return self._executor.submit(self._log_probs, windows)

    def _log_probs(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Log-probabilities [T', V] of each window."""
        if not windows:
            return []
        started = time.thread_time()
        with torch.inference_mode():
            features, frames = self._features(windows)
            computed = time.thread_time()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                log_probs, frames = self.network(features, frames)
            rows = [row[:length].numpy() for row, length in zip(log_probs.cpu(), frames.tolist(), strict=True)]
        self.times.add("features", computed - started)
        self.times.add("network", time.thread_time() - computed)
        return rows[: len(windows)]

    def _features(self, windows: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
        """Features [B, T, F] and frames [B]; the rows of a window are bit-identical in any batch.

        Each window is computed alone, since padding it to a longer one changes the rounding of sums; a single window
        gets an empty companion, since oneDNN computes batches of one by another algorithm, with other rounding.
        """
        features = []
        for window in windows:
            samples = torch.from_numpy(window).to(self.device)
            features.append(self.features(samples[None], torch.tensor([len(window)], device=self.device))[0][0])
        if len(features) == 1:
            features.append(features[0][:0])
        frames = torch.tensor([len(rows) for rows in features], device=self.device)
        return nn.utils.rnn.pad_sequence(features, batch_first=True), frames


def default_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision(setting: str, device: torch.device, config: ModelConfig) -> Precision:
    """Resolve ``auto`` to the fastest precision for which the device has kernels.

    bf16 on a GPU and on a CPU with matrix units (AMX), and 8-bit weights for LSTMs on other CPUs with fast integer
    products (AVX2 or AVX-512 VNNI); otherwise fp32.

    Raises:
        ConfigError: int8 is set, but the network has no LSTM, or runs on a GPU.
    """
    lstm = config.cell == "lstm"
    if setting == "int8" and not (lstm and device.type == "cpu"):
        raise ConfigError("window.precision=int8 needs an LSTM on a CPU; use auto.")
    if setting in ("fp32", "bf16", "int8"):
        return setting  # type: ignore[return-value]
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if lstm and torch.cpu.get_capabilities().get("amx_bf16"):
        return "bf16"
    return "int8" if lstm and has_integer_products() else "fp32"


def _split(group: Sequence[WindowInput[Tag]], parts: int) -> list[Sequence[WindowInput[Tag]]]:
    """Split a batch into at most ``parts`` runs with about equally many windows."""
    windows = [index for index, item in enumerate(group) if item.samples is not None]
    parts = min(parts, len(windows))
    edges = [windows[len(windows) * part // parts] for part in range(1, parts)]
    return [group[start:end] for start, end in zip([0, *edges], [*edges, len(group)], strict=True)]


def _outputs(
    group: Sequence[WindowInput[Tag]], futures: Sequence[Future[list[NDArray[np.float32]]]]
) -> Iterator[WindowOutput[Tag]]:
    rows = iter([row for future in futures for row in future.result()])
    for item in group:
        yield WindowOutput(item.tag, next(rows) if item.samples is not None else None)
