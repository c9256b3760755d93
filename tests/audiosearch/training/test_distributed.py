"""Two processes on the CPU, as torchrun starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from audiosearch.acoustic.checkpoint import load_model
from audiosearch.config import TrainerConfig
from audiosearch.errors import TrainingError
from audiosearch.training.distributed import Processes, choose_device, process_group


def test_alone_it_is_first_and_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with process_group(torch.device("cpu")) as processes:
        assert processes == Processes(0, 1, torch.device("cpu"))
        assert processes.first
        assert processes.sum([1.5, 2.0]) == [1.5, 2.0]
        processes.wait()


def test_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(TrainingError, match="more processes than the 1 GPUs"):
        choose_device(TrainerConfig())
    assert choose_device(TrainerConfig(device="cpu")) == torch.device("cpu")


@pytest.mark.slow
def test_two_processes_learn_what_one_does_with_batches_of_both(tones: Any, tmp_path: Path, repository: Path) -> None:
    # All utterances last 1.12 s, so that both runs form the same steps: of 8 in one process, of 4 + 4 in two.
    texts = [f"{a} {b}" for a in ("human", "hymns", "nasty") for b in ("saying", "things", "nights", "hungry")]
    manifest = tones.corpus(tmp_path / "speech", texts * 2)

    def run(name: str, launcher: list[str], batch_seconds: float, *more: str) -> Path:
        command = [
            sys.executable, *launcher, "-m", "cli", "train", str(repository / "configs" / "tiny.yaml"),
            "--train", str(manifest), "--valid", str(manifest), "--output", str(tmp_path / name), "--set",
            f"trainer.batch_seconds={batch_seconds}", "trainer.epochs=3", "trainer.log_every=1", *more,
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("Training is complete") + done.stderr.count("Time limit reached") == 1
        return tmp_path / name

    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    alone = run("one", [], 9.8)
    run("two", torchrun, 4.9, "trainer.workers=1", "--max-minutes", "0")
    together = run("two", torchrun, 4.9, "--resume")
    losses = [
        [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (alone, together)
    ]
    assert len(losses[0]) == 10
    assert losses[0] == pytest.approx(losses[1], rel=2e-2)
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-5)
    weights = [load_model(folder / "last.safetensors").network.output.weight for folder in (alone, together)]
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0.02)
