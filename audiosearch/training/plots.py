"""The picture of a run: training and validation loss, and the word error rate, by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the curves of a metrics file's rows as a PNG, in place of the last."""
    figure = Figure(figsize=(9, 7))
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.08, top=0.97, hspace=0.08)
    loss, errors = figure.subplots(2, 1, sharex=True)
    train = [row for row in rows if row["kind"] == "train"]
    valid = [row for row in rows if row["kind"] == "valid"]
    loss.plot(*_curve(train, "loss"), color="tab:blue", alpha=0.7, linewidth=0.8, label="training")
    loss.plot(*_curve(valid, "loss"), color="tab:orange", marker="o", markersize=3, label="validation")
    loss.set_ylabel("loss (nats a character)")
    loss.set_ylim(bottom=0)
    loss.legend()
    errors.plot(*_curve(valid, "wer"), color="tab:red", marker="o", markersize=3, label="words")
    errors.plot(*_curve(valid, "cer"), color="tab:purple", marker="o", markersize=3, label="characters")
    errors.set_ylabel("error rate, validation")
    errors.set_xlabel("batch")
    errors.set_ylim(bottom=0)
    errors.legend()
    for axes in (loss, errors):
        axes.grid(alpha=0.3)
    temporary = path.with_name(f".{path.name}.tmp")
    figure.savefig(temporary, format="png", dpi=100)
    temporary.replace(path)


def _curve(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[list[int], list[float]]:
    points = [(row["step"], row[key]) for row in rows if row[key] is not None]
    return [step for step, _ in points], [value for _, value in points]
