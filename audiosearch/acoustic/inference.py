"""Samples of windows → log-probabilities: features and network, on the best device and in the best precision.

Legend: B windows of a batch, S samples, T' emission frames, V labels.

On a processor every core runs its own batch in one thread. A recurrent layer meets at a barrier in every frame, and
where the cores are shared with the decoder, or anyone, waiting there costs far more than the larger batch saves.
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
from audiosearch.acoustic.quantized import quantized
from audiosearch.acoustic.windows import WindowGrid
from audiosearch.config import ModelConfig, WindowConfig
from audiosearch.errors import ConfigError
from audiosearch.parallel import cores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tag = TypeVar("Tag")
Member = TypeVar("Member")

Precision = Literal["fp32", "bf16", "int8"]

MOST_WORKERS = 4
"""Batches at once on a processor; each needs some 500 MB with the full-size network."""

MOST_ROWS = 128
"""Windows of a batch, however short they are."""

QUANTIZED_WIDTH = 512
"""Recurrent layers as wide as this are faster in 8-bit integers; narrower ones in bf16, where there is a choice."""


@dataclass
class StageTimes:
    """Processor seconds spent in each stage, of the threads that led them."""

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, stage: str, seconds: float) -> None:
        """Count some more for a stage."""
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def each(self, stage: str, items: Iterable[Member]) -> Iterator[Member]:
        """The items, counting for a stage what making each of them takes."""
        made = iter(items)
        while True:
            started = time.thread_time()
            try:
                item = next(made)
            except StopIteration:
                return
            finally:
                self.add(stage, time.thread_time() - started)
            yield item


@dataclass(frozen=True)
class Item(Generic[Tag]):
    """Something on its way through the network: a window's samples [S], or None for what only keeps its place."""

    tag: Tag
    samples: NDArray[np.float32] | None


@dataclass(frozen=True)
class Answer(Generic[Tag]):
    """The log-probabilities [T', V] of an item's samples, if it had any."""

    tag: Tag
    log_probs: NDArray[np.float32] | None


class Inference:
    """Runs a model over windows, several batches at once.

    Args:
        model: moved to ``device``.
        grid: the windows to come.
        config: batch size and precision.
        device: a GPU where there is one, unless given.
        workers: batches at once; one for each core of a processor, but few, unless given.
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
        self.network = quantized(network) if self.precision == "int8" else network
        self.features = model.features.to(self.device)
        self.times = StageTimes()
        self.batch_samples = config.batch * grid.size * grid.unit
        self.workers = workers or (min(cores(), MOST_WORKERS) if self.device.type == "cpu" else 1)
        self._executor = ThreadPoolExecutor(self.workers, "network", torch.set_num_threads, (1,))  # of each thread

    def close(self) -> None:
        """Wait for what is running, then give the threads back."""
        self._executor.shutdown(cancel_futures=True)

    def run(self, items: Iterable[Item[Tag]]) -> Iterator[Answer[Tag]]:
        """Answers in the order of the items, of which a batch for each worker and one more are held."""
        running: deque[tuple[list[Item[Tag]], list[Future[list[NDArray[np.float32]]]]]] = deque()
        group: list[Item[Tag]] = []
        for item in items:
            if self._is_full(group, item):
                running.append((group, [self._submit(group)]))
                group = []
                while len(running) > self.workers:
                    yield from _answers(*running.popleft())
            group.append(item)
        running.append((group, [self._submit(part) for part in _split(group, self.workers)]))
        while running:
            yield from _answers(*running.popleft())

    def _is_full(self, group: Sequence[Item[Tag]], further: Item[Tag]) -> bool:
        """Whether a batch, padded to its longest window, would grow too large; short windows may be more."""
        lengths = [len(item.samples) for item in group if item.samples is not None]
        if further.samples is None:
            return len(group) - len(lengths) >= 1000
        rows = len(lengths) + 1
        return rows > MOST_ROWS or (rows > 1 and rows * max([*lengths, len(further.samples)]) > self.batch_samples)

    def _submit(self, group: Sequence[Item[Tag]]) -> Future[list[NDArray[np.float32]]]:
        windows = [item.samples for item in group if item.samples is not None]
        return self._executor.submit(self._log_probs, windows)

    def _log_probs(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Log-probabilities [T', V] of each of some windows."""
        if not windows:
            return []
        started = time.thread_time()
        with torch.inference_mode():
            features, frames = self._features(windows)
            heard = time.thread_time()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                log_probs, frames = self.network(features, frames)
            rows = [row[:length].numpy() for row, length in zip(log_probs.cpu(), frames.tolist(), strict=True)]
        self.times.add("features", heard - started)
        self.times.add("network", time.thread_time() - heard)
        return rows[: len(windows)]

    def _features(self, windows: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
        """Features [B, T, F] and frames [B], so that the rows of a window are the same to the bit in any batch.

        Sums over a window would be rounded differently beside a longer one, so each is alone; and oneDNN takes
        another path, with other rounding, for a single row, so there are at least two.
        """
        heard = []
        for window in windows:
            samples = torch.from_numpy(window).to(self.device)
            heard.append(self.features(samples[None], torch.tensor([len(window)], device=self.device))[0][0])
        if len(heard) == 1:
            heard.append(heard[0][:0])
        frames = torch.tensor([len(features) for features in heard], device=self.device)
        return nn.utils.rnn.pad_sequence(heard, batch_first=True), frames


def default_device() -> torch.device:
    """A GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision(setting: str, device: torch.device, config: ModelConfig) -> Precision:
    """The fastest precision that the device has kernels for, unless one is set.

    On a GPU bf16; on a processor with matrix units (AMX) bf16 too. On others that multiply 8-bit integers natively
    (AVX-512 VNNI) wide LSTMs are quantized, and narrow ones are bf16 if that is native too. All else is fp32.

    Raises:
        ConfigError: 8 bits are asked for where the result would be wrong or no faster.
    """
    native = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    lstm = config.cell == "lstm"
    if setting == "int8" and not (lstm and native.get("avx512_vnni")):
        raise ConfigError("window.precision=int8 needs an LSTM on a processor with AVX-512 VNNI; use auto.")
    if setting in ("fp32", "bf16", "int8"):
        return setting  # type: ignore[return-value]
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if lstm and native.get("amx_bf16"):
        return "bf16"
    if lstm and native.get("avx512_vnni") and (config.hidden >= QUANTIZED_WIDTH or not native.get("avx512_bf16")):
        return "int8"
    return "bf16" if lstm and native.get("avx512_bf16") else "fp32"


def _split(group: Sequence[Item[Tag]], parts: int) -> list[Sequence[Item[Tag]]]:
    """At most so many runs of about equally many windows."""
    windows = [index for index, item in enumerate(group) if item.samples is not None]
    parts = min(parts, len(windows))
    edges = [windows[len(windows) * part // parts] for part in range(1, parts)]
    return [group[start:end] for start, end in zip([0, *edges], [*edges, len(group)], strict=True)]


def _answers(group: Sequence[Item[Tag]], futures: Sequence[Future[list[NDArray[np.float32]]]]) -> Iterator[Answer[Tag]]:
    rows = iter([row for future in futures for row in future.result()])
    for item in group:
        yield Answer(item.tag, next(rows) if item.samples is not None else None)
