"""Plot of a run: training and validation loss, and error rates, by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from audiosearch.files import atomic_write

SMOOTHED = 0.03
"""Fraction of a run over which the thick line averages the training loss."""


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Plot the rows of a metrics file as a PNG."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    loss, errors = figure.subplots(2, 1, sharex=True)
    train = [row for row in rows if row["kind"] == "train"]
    valid = [row for row in rows if row["kind"] == "valid"]
    _draw_training(loss, *_curve(train, "loss"))
    loss.plot(*_curve(valid, "loss"), color="tab:orange", marker="o", markersize=3, label="validation")
    loss.set_ylabel("loss, nats per character")
    loss.legend(frameon=False, loc="upper right", ncols=2)
    for key, name, color in (("wer", "words", "tab:red"), ("cer", "characters", "tab:purple")):
        steps, rates = _curve(valid, key)
        errors.plot(steps, rates, color=color, marker="o", markersize=3)
        if rates:
            label, point = f"{name} {rates[-1]:.1%}", (steps[-1], rates[-1])
            errors.annotate(label, point, (0, 7), textcoords="offset points", color=color, ha="right")
    errors.set_ylabel("errors in validation")
    errors.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    errors.set_xlabel("step")
    for axes in (loss, errors):
        axes.margins(x=0.02, y=0.15)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _draw_training(axes: Axes, steps: Sequence[int], losses: Sequence[float]) -> None:
    """Draw the loss, faint, and its moving average; the first steps may lie outside the plot."""
    axes.plot(steps, losses, color="tab:blue", alpha=0.3, linewidth=0.8)
    half = round(SMOOTHED * len(losses) / 2)
    means = [float(np.mean(losses[max(index - half, 0) : index + half + 1])) for index in range(len(losses))]
    axes.plot(steps, means, color="tab:blue", linewidth=1.6, label="training")
    if losses:
        axes.set_ylim(top=1.15 * float(np.percentile(losses, 99)))


def _curve(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[list[int], list[float]]:
    points = [(row["step"], row[key]) for row in rows if row[key] is not None]
    return [step for step, _ in points], [value for _, value in points]
