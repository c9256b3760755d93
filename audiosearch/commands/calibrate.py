"""``audiosearch calibrate``: confidences that are probabilities of being correct."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.commands.options import adapted_output_option, model_option
from audiosearch.display import printable

if TYPE_CHECKING:
    from audiosearch.evaluation.confidence_fitting import CalibrationReport
    from audiosearch.evaluation.events import Stored


@click.command(
    epilog="""\b
Examples:
  audiosearch calibrate librispeech.jsonl commonvoice.jsonl --output models/calibrated
  audiosearch calibrate dev.jsonl --model runs/mine"""
)
@click.argument("manifests", metavar="MANIFEST…", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@adapted_output_option
@click.option(
    "--limit", type=click.IntRange(min=2), help="Maximum number of utterances of each manifest, from the first."
)
def calibrate(manifests: tuple[Path, ...], model: Path | None, output: Path | None, limit: int | None) -> None:
    """Fit confidences to the probability of being correct, on half of the speakers of each MANIFEST.

    The weights are stored in calibration.yaml beside the model, which every command reads. Reliability on the other
    half of the speakers is printed, with the calibration error before and after. Use utterances that neither the
    network nor the language model was trained on. Run `audiosearch tune` first: other weights of the language model
    need another calibration.
    """
    from audiosearch.commands.options import check_adaptable, read_utterances
    from audiosearch.files import lock_folder
    from audiosearch.model_folder import copy_model

    path = check_adaptable(model, output)
    if output is None:
        click.get_current_context().with_resource(lock_folder(path if path.is_dir() else path.parent))
    utterances = [utterance for manifest in manifests for utterance in read_utterances(manifest, limit)]
    if output is not None:
        path = copy_model(path, output)
        click.get_current_context().with_resource(lock_folder(output))

    from audiosearch.commands.progress import results
    from audiosearch.evaluation import calibration
    from audiosearch.evaluation.events import Stored

    records: Iterator[CalibrationReport | Stored] = results(calibration.calibrate(path, utterances))
    for record in records:
        if isinstance(record, Stored):
            click.echo(printable(f"Stored in {record.path}."))
        else:
            _draw(record)


def _draw(report: CalibrationReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(f"confidence of {report.kind}", "count", "mean confidence", "correct")
    for row in report.table:
        table.add_row(f"{row.low:.0%} and more", f"{row.count:,}", f"{row.mean_probability:.1%}", f"{row.accuracy:.1%}")
    table.caption = f"expected calibration error {report.error_before:.3f} before, {report.error_after:.3f} after"
    Console().print(table)
