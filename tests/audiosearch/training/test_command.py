"""``audiosearch train`` as it is typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from audiosearch.commands.train import spread
from audiosearch.config import load_config, parse_overrides
from audiosearch.files import lock_folder
from audiosearch.training.checkpoint_state import load_state
from audiosearch.training.run import train as run_training
from cli import main


def test_several_values_after_one_option() -> None:
    assert spread(["--train", "a", "b", "--valid=c", "d", "x.yaml", "--set", "a.b=1", "c.d=2", "--resume"]) == [
        "--train", "a", "--train", "b", "--valid=c", "d", "x.yaml", "--set", "a.b=1", "--set", "c.d=2", "--resume",
    ]  # fmt: skip
    assert spread(["--train", "a", "b", "recipe.yaml"]) == ["--train", "a", "--train", "b", "recipe.yaml"]


@pytest.fixture
def arguments(repository: Path, tone_corpora: tuple[Path, Path], tmp_path: Path) -> list[str]:
    learn, measure = tone_corpora
    return [
        "train", "--train", str(learn), "--valid", str(measure), "--output", str(tmp_path / "run"),
        str(repository / "configs" / "tiny.yaml"), "--set", "trainer.epochs=1", "trainer.log_every=1",
    ]  # fmt: skip


def test_output_of_a_run(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [*arguments, "--max-minutes", "0"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "96 utterances" in result.stderr
    assert "Time limit reached after step 0 of" in result.stderr
    assert f"resume it with `audiosearch train --resume --output {tmp_path / 'run'}`" in result.stderr
    assert result.stdout == f"{tmp_path / 'run' / 'last.safetensors'}\n"
    result = CliRunner().invoke(main, ["train", "--resume", "--output", str(tmp_path / "run")], catch_exceptions=False)
    assert result.exit_code == 0
    for part in (
        "epoch 1/1  step 3/",
        "loss ",
        "lr ",
        "s of audio/s",
        " to go",
        "WER ",
        "CER ",
        "Training is complete",
    ):
        assert part in result.stderr
    assert 'true transcript: "' in result.stderr
    assert 'prediction:      "' in result.stderr
    assert result.stdout == f"{tmp_path / 'run' / 'best.safetensors'}\n"


def test_without_data_the_error_shows_how_to_download_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["train"])
    assert result.exit_code == 1
    assert "audiosearch manifest --download librispeech:train-clean-100" in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_invalid_arguments_are_reported(arguments: list[str]) -> None:
    for wrong, sentence in [
        (["--set", "optim.speed=3"], "there is no setting optim.speed"),
        (["--set", "optim.lr=fast"], "optim.lr"),
        (["--resume"], "there is no run to resume"),
        (["--resume", "--init", "x"], "leave --init out"),
        (["--valid", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
    ]:
        result = CliRunner().invoke(main, [*arguments, *wrong])
        assert result.exit_code in (1, 2)
        assert sentence in result.stderr
        assert "Traceback" not in result.output


@pytest.fixture(scope="module")
def whole(repository: Path, tone_corpora: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    learn, measure = tone_corpora
    data = {"data.train": [str(learn)], "data.valid": [str(measure)]}
    config = load_config(repository / "configs" / "tiny.yaml", parse_overrides(LONGER) | data)
    list(run_training(config, folder))
    return folder


LONGER = ("trainer.epochs=12", "trainer.log_every=1", "trainer.validate_every=1000")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_stopped_by_a_signal_resumes_exactly(
    number: signal.Signals, arguments: list[str], tmp_path: Path, repository: Path, whole: Path
) -> None:
    command = [sys.executable, "-m", "cli", *arguments, *LONGER, "trainer.save_every_minutes=0.001"]
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    metrics = tmp_path / "run" / "metrics.jsonl"
    while not metrics.exists() or len(metrics.read_text().splitlines()) < 8:
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "Stopped after step" in errors
    stopped = load_state(tmp_path / "run" / "state.safetensors").progress.step
    CliRunner().invoke(main, [*arguments, *LONGER, "--resume"], catch_exceptions=False)
    resumed, undisturbed = (load_state(folder / "state.safetensors") for folder in (tmp_path / "run", whole))
    assert 0 < stopped < resumed.progress.step
    assert resumed.progress == undisturbed.progress
    for part, tensors in undisturbed.tensors.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, resumed.tensors[part][name])
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert steps == [*range(1, resumed.progress.step + 1), resumed.progress.step]


def test_a_second_run_in_one_folder_is_refused(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with lock_folder(tmp_path / "run"):
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "is being written by another process" in result.stderr
    assert list((tmp_path / "run").iterdir()) == []
