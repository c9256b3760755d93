"""``audiosearch tune``: weights of the language model and of the label priors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.commands.options import adapted_output_option, model_option
from audiosearch.display import printable

if TYPE_CHECKING:
    from audiosearch.evaluation.decoder_tuning import Trial
    from audiosearch.evaluation.events import Stored


@click.command(
    epilog="""\b
Examples:
  audiosearch tune speech/dev/librispeech/manifest.jsonl --output models/tuned
  audiosearch tune dev.jsonl --model runs/mine --limit 200"""
)
@click.argument("manifest", metavar="MANIFEST", type=click.Path(path_type=Path))
@model_option
@adapted_output_option
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of utterances, from the first.")
@click.option("--threads", type=click.IntRange(min=0), help="Threads for decoding. 0: one per core.")
def tune(manifest: Path, model: Path | None, output: Path | None, limit: int | None, threads: int | None) -> None:
    """Tune the decoder: language model weight (alpha), word bonus (beta), weight of the label priors.

    Label priors are estimated on the utterances of MANIFEST. The weights with the fewest word errors are stored in
    decoder.yaml beside the model, which every command reads. Use utterances that neither the network nor the language
    model was trained on; half an hour is enough.
    """
    from audiosearch.commands.options import check_adaptable, read_utterances
    from audiosearch.files import lock_folder
    from audiosearch.model_folder import copy_model

    path = check_adaptable(model, output)
    if output is None:
        click.get_current_context().with_resource(lock_folder(path if path.is_dir() else path.parent))
    utterances = read_utterances(manifest, limit)
    if output is not None:
        path = copy_model(path, output)
        click.get_current_context().with_resource(lock_folder(output))

    from audiosearch.commands.progress import results
    from audiosearch.evaluation import decoder_tuning
    from audiosearch.evaluation.events import Stored

    best: Trial | None = None
    records: Iterator[Trial | Stored] = results(decoder_tuning.tune(path, utterances, threads))
    for record in records:
        if isinstance(record, Stored):
            assert best is not None
            click.echo(
                f"alpha {best.weights.alpha:g}, beta {best.weights.beta:g}, prior {best.weights.prior:g}: "
                f"{best.errors.rate:.2%} word errors ({best.errors.errors} of {best.errors.total}); "
                f"stored in {printable(str(record.path))}"
            )
        else:
            weights, mark = record.weights, "  best so far" if record.best else ""
            line = f"alpha {weights.alpha:<6g} beta {weights.beta:<6g} prior {weights.prior:<6g}"
            click.echo(f"{line} word errors {record.errors.rate:.2%}{mark}", err=True)
            best = record if record.best else best
