from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from audiosearch.training.events import Notice, Saved, SkippedStep, StepReport, ValidationReport
from audiosearch.training.metrics_log import MetricsLog, read_metrics


def step(number: int) -> StepReport:
    return StepReport(number, 10, 0, 1, 1.5, 1e-3, 0.5, 100.0, 60.0, 0)


def validation(number: int) -> ValidationReport:
    return ValidationReport(number, 0, 1.0, 0.5, 0.25, 3, True, ())


def test_json_lines_tensorboard_events_and_plot(tmp_path: Path) -> None:
    with MetricsLog(tmp_path, 0) as log:
        for record in (step(1), SkippedStep(2, float("nan"), 1), step(3), validation(3), Saved(3, tmp_path)):
            assert list(log.write(record)) == []
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row["kind"], row["step"], row["loss"]) for row in rows] == [
        ("train", 1, 1.5), ("skipped", 2, None), ("train", 3, 1.5), ("valid", 3, 1.0),
    ]  # fmt: skip
    assert (tmp_path / "progress.png").stat().st_size > 5000
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(1, 1.5), (3, 1.5)]
    assert events.Scalars("valid/wer")[0].value == 0.5


def test_a_resumed_run_removes_rows_after_its_checkpoint(tmp_path: Path) -> None:
    with MetricsLog(tmp_path, 0) as log:
        for number in range(1, 6):
            list(log.write(step(number)))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "st')  # killed while writing
    with MetricsLog(tmp_path, 3) as log:
        list(log.write(step(4)))
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3, 4]
    MetricsLog(tmp_path, 0).__exit__()
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_missing_packages_are_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch.utils.tensorboard", "audiosearch.training.plots"):
        monkeypatch.setitem(sys.modules, name, None)
    with MetricsLog(tmp_path, 0) as log:
        notices = [notice for record in (step(1), validation(1), validation(2)) for notice in log.write(record)]
    assert notices == [
        Notice("TensorBoard is not installed, so no events are written for it."),
        Notice("Matplotlib is not installed, so the curves are not drawn."),
    ]
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 3
