"""Speed of the network alone, with random weights, as the recognizer runs it.

For comparison other precisions are measured, and oneDNN's LSTM in bf16 alone: as many layers of the same width, but
unidirectional and without convolution, in batches of 16 on all cores. That is half of the work of the network.

python benchmarks/network_speed.py --minutes 20
"""

from __future__ import annotations

import argparse
import platform
import resource
import time
from collections.abc import Iterator

import numpy as np
import torch

from audiosearch.acoustic.checkpoint import AcousticModel
from audiosearch.acoustic.features import Features
from audiosearch.acoustic.inference import Inference, WindowInput
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.acoustic.windows import WindowGrid
from audiosearch.alphabet import Alphabet
from audiosearch.config import Config, ModelConfig
from audiosearch.parallel import cores


def random_model(model: ModelConfig) -> AcousticModel:
    """Network of these sizes with random weights."""
    config, alphabet = Config(model=model), Alphabet()
    network = DeepSpeech(model, config.features.bins, len(alphabet)).eval()
    return AcousticModel(network, Features(config.features), config, alphabet, "random")


def measure(inference: Inference, grid: WindowGrid, windows: int) -> float:
    """Speed as a multiple of real time over windows of noise, with features; overlaps count once."""
    rng = np.random.default_rng(1)
    noise = (0.1 * rng.standard_normal(grid.size * grid.unit)).astype(np.float32)

    def items() -> Iterator[WindowInput[int]]:
        for number in range(windows):
            yield WindowInput(number, noise)

    started = time.perf_counter()
    for _ in inference.run(items()):
        pass
    return windows * grid.step * grid.unit / grid.rate / (time.perf_counter() - started)


def measure_onednn(sizes: ModelConfig, frame: float, seconds: float) -> float:
    """Speed as a multiple of real time of unidirectional LSTM layers in bf16; ``frame`` is in seconds."""
    torch.set_num_threads(cores())
    layers = torch.nn.LSTM(sizes.hidden, sizes.hidden, sizes.layers, batch_first=True).eval().bfloat16()
    x = torch.randn(16, max(round(seconds / 16 / frame), 1), sizes.hidden, dtype=torch.bfloat16)
    with torch.inference_mode():
        layers(x[:, :10])
        started = time.perf_counter()
        layers(x)
    return x.shape[0] * x.shape[1] * frame / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="minutes of audio for each measurement")
    parser.add_argument("--hidden", type=int, default=1000)
    parser.add_argument("--stride", type=int, default=2)
    parser.add_argument("--cell", choices=("lstm", "gru"), default="lstm")
    parser.add_argument("--workers", type=int, help="batches in parallel (default: as the recognizer)")
    parser.add_argument("--precision", nargs="*", default=["auto", "bf16", "fp32"])
    arguments = parser.parse_args()
    sizes = ModelConfig(
        conv_channels=arguments.hidden, hidden=arguments.hidden, conv_stride=arguments.stride, cell=arguments.cell
    )
    model = random_model(sizes)
    print(f"{platform.processor() or platform.machine()}, {cores()} cores, torch {torch.__version__}")
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    print(f"{sizes.layers} × {sizes.hidden} bidirectional {sizes.cell}, {parameters / 1e6:.0f} million weights")
    frame = model.frame_duration
    print(
        f"oneDNN's unidirectional LSTM in bf16: {measure_onednn(sizes, frame, arguments.minutes * 30):7.1f} × real time"
    )
    for precision in arguments.precision:
        window = model.config.window.model_copy(update={"precision": precision})
        grid = WindowGrid.of(window, model.config.features, sizes)
        inference = Inference(model, grid, window, workers=arguments.workers)
        windows = max(round(arguments.minutes * 60 * grid.rate / (grid.step * grid.unit)), 1)
        measure(inference, grid, 2 * inference.workers)  # warm up
        speed = measure(inference, grid, windows)
        print(
            f"{precision:5} {inference.precision:5} {inference.workers} parallel batches on {inference.device}: "
            f"{speed:7.1f} × real time",
            flush=True,
        )
        inference.close()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
