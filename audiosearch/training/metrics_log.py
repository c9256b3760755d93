"""Metrics of a run as JSON lines and TensorBoard events, and a plot of the curves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiosearch.files import atomic_write
from audiosearch.training.events import Notice, Record, SkippedStep, StepReport, ValidationReport

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

METRICS = "metrics.jsonl"
PICTURE = "progress.png"


class MetricsLog:
    """Writes the reports of a run into its folder.

    Args:
        step: first step of a resumed run; rows of later steps, written after the last checkpoint, are removed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._rows = [row for row in read_metrics(folder / METRICS) if 0 < step >= row["step"]]
        with atomic_write(folder / METRICS) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in self._rows), encoding="utf-8")
        self._events: SummaryWriter | None = None
        self._missing: list[Notice] = []  # yielded with the next report
        self._draws = True
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._missing.append(Notice("TensorBoard is not installed, so no events are written for it."))
        else:
            self._events = SummaryWriter(str(folder), purge_step=step + 1)

    def write(self, record: Record) -> Iterator[Notice]:
        """Write a report; yield a notice, once, for each output whose package is missing."""
        if isinstance(record, StepReport | ValidationReport | SkippedStep):
            row = {"kind": _KINDS[type(record)], **asdict(record)}
            row = {key: _plain(value) for key, value in row.items()}
            self._rows.append(row)
            with (self.folder / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            self._write_events(row)
        if isinstance(record, ValidationReport) and self._draws:
            try:
                from audiosearch.training.plots import draw
            except ImportError:
                self._draws = False
                self._missing.append(Notice("Matplotlib is not installed, so the curves are not drawn."))
            else:
                draw(self._rows, self.folder / PICTURE)
        yield from self._missing
        self._missing = []

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            self._events.close()

    def _write_events(self, row: dict[str, Any]) -> None:
        if self._events is None:
            return
        for key, value in row.items():
            if key not in ("step", "total_steps", "epochs") and isinstance(value, int | float):
                self._events.add_scalar(f"{row['kind']}/{key}", value, row["step"])
        self._events.flush()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Rows of a metrics file; a truncated line is skipped."""
    rows = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return rows


_KINDS = {StepReport: "train", ValidationReport: "valid", SkippedStep: "skipped"}


def _plain(value: Any) -> Any:
    """Replace infinities and NaN, which JSON lacks, by None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
