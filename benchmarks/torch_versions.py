"""Comparison of two installations of torch and torchaudio: features, emissions, speed, training and word errors.

    python benchmarks/torch_versions.py OLD/bin/python NEW/bin/python --manifest dev.jsonl

The interpreters run the same work in separate processes, alternating. Ratios are new over old.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / "examples/podcasts/machines-that-listen.opus"
STEPS = 6
"""Measured training steps, after a warm-up step."""
UTTERANCES = 24
"""Utterances of 5 s in a training step."""


def measure(output: Path, manifest: Path | None) -> dict[str, Any]:
    """Figures of this interpreter; its features and emissions are written to ``output``."""
    import torch
    import torchaudio

    from audiosearch.acoustic.checkpoint import load_model
    from audiosearch.audio.reader import read
    from audiosearch.model_folder import find_model

    torch.set_num_threads(1)
    figures: dict[str, Any] = {"torch": torch.__version__, "torchaudio": torchaudio.__version__}
    model = load_model(find_model(None))
    samples = torch.from_numpy(read(EXAMPLE, model.config.features.sample_rate))[None]
    with torch.no_grad():
        features, frames = model.features(samples, torch.tensor([samples.shape[1]]))
        emissions, _ = model.network(features, frames)
    np.savez(output, features=features.numpy(), emissions=emissions.numpy())
    seconds = samples.shape[1] / model.config.features.sample_rate
    for precision in ("fp32", "bf16"):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            model.network(features, frames)
            started = time.perf_counter()
            for _ in range(3):
                model.network(features, frames)
        figures[f"network {precision}, x real time"] = 3 * seconds / (time.perf_counter() - started)
        figures[f"training {precision}, x real time"] = _training_speed(model.network, precision)
    if manifest is not None:
        figures["word errors"] = _word_errors(manifest)
    return figures


def _training_speed(network: Any, precision: str) -> float:
    import copy

    import torch

    network = copy.deepcopy(network).train()
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(UTTERANCES, 500, 80, generator=generator)
    frames = torch.full((UTTERANCES,), 500)
    labels = torch.randint(0, 27, (UTTERANCES * 70,), generator=generator)
    lengths = torch.full((UTTERANCES,), 70)
    started = 0.0
    for step in range(STEPS + 1):
        if step == 1:
            started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            log_probs, after = network(x, frames)
        loss = torch.nn.functional.ctc_loss(log_probs.transpose(0, 1), labels, after, lengths, blank=28)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    return STEPS * UTTERANCES * 5.0 / (time.perf_counter() - started)


def _word_errors(manifest: Path) -> float:
    command = [sys.executable, "cli.py", "evaluate", str(manifest), "--json"]
    completed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return float(json.loads(completed.stdout.splitlines()[-1])["wer"])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="Python of the old installation")
    parser.add_argument("new", nargs="?", help="Python of the new installation")
    parser.add_argument("--manifest", type=Path, help="speech with texts, for word errors")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker, options.manifest)))
        return
    runs: dict[str, list[dict[str, Any]]] = {options.old: [], options.new: []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.rounds):
            for python in runs:
                output = Path(folder) / f"{list(runs).index(python)}.npz"
                command = [python, __file__, python, "--worker", str(output)]
                if options.manifest and turn == 0:
                    command += ["--manifest", str(options.manifest)]
                completed = subprocess.run(command, check=True, capture_output=True, text=True)
                runs[python].append(json.loads(completed.stdout.splitlines()[-1]))
        old, new = (dict(np.load(Path(folder) / f"{number}.npz")) for number in (0, 1))
    first, second = (runs[python] for python in (options.old, options.new))
    print(f"{'':32} {'old':>12} {'new':>12}  new / old")
    for name, value in first[0].items():
        if isinstance(value, str):
            print(f"{name:32} {value:>12} {second[0][name]:>12}")
            continue
        a, b = (float(np.median([run[name] for run in each if name in run])) for each in (first, second))
        print(f"{name:32} {a:12.4g} {b:12.4g}  {b / a:.3f}")
    for name in ("features", "emissions"):
        print(f"{name}: largest difference {np.abs(old[name] - new[name]).max():.2g}")


if __name__ == "__main__":
    main()
