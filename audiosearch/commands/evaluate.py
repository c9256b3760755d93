"""``audiosearch evaluate``: error rates on transcribed speech."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from audiosearch.evaluation import Evaluation


@click.command(
    epilog="""\b
Examples:
  audiosearch evaluate speech/dev/librispeech/manifest.jsonl
  audiosearch evaluate dev.jsonl --model runs/mine --limit 200 --json"""
)
@click.argument("manifest", metavar="MANIFEST", type=click.Path(path_type=Path))
@click.option(
    "--model", type=click.Path(path_type=Path), help="Model file or folder; the one that is installed unless given."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only so many utterances, the first ones.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object; rates are fractions.")
def evaluate(manifest: Path, model: Path | None, limit: int | None, as_json: bool) -> None:
    """Word and character error rates on the utterances of MANIFEST.

    Once with the beam search and the language model, and once by the likeliest letters alone (greedy). Rates are of
    the whole corpus: all errors over all words. An utterance whose audio cannot be read is named and is in no rate,
    and the exit status is 1.
    """
    from rich.console import Console
    from rich.progress import track

    from audiosearch.models import find_model
    from audiosearch.training.manifest import read_manifest

    path = find_model(model)
    utterances = read_manifest(manifest)[:limit]

    from audiosearch.evaluation import Failure, Reference, read_all, score
    from audiosearch.recognizer import Recognizer

    references = [Reference(u.id, u.audio, u.text, u.duration) for u in utterances]
    screen = Console(stderr=True)
    readings, failed = [], False
    with Recognizer.load(path) as recognizer:
        started = time.perf_counter()
        results = read_all(recognizer, references)
        for result in track(
            results, "Reading", len(references), console=screen, transient=True, disable=not screen.is_terminal
        ):
            if isinstance(result, Failure):
                click.echo(f"Error: {result.reference.id}: {result.error}", err=True)
                failed = True
            else:
                readings.append(result)
        elapsed = time.perf_counter() - started
    if readings:
        (_write_json if as_json else _draw)(score(readings), elapsed)
    if failed:
        raise click.exceptions.Exit(1)


def _write_json(evaluation: Evaluation, elapsed: float) -> None:
    record = {
        "wer": evaluation.words.rate,
        "cer": evaluation.characters.rate,
        "greedy_wer": evaluation.greedy_words.rate,
        "greedy_cer": evaluation.greedy_characters.rate,
        "utterances": evaluation.utterances,
        "audio_seconds": round(evaluation.audio_seconds, 3),
        "realtime": round(evaluation.audio_seconds / elapsed, 2),
    }
    click.echo(json.dumps(record))


def _draw(evaluation: Evaluation, elapsed: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("decoding", "word errors", "character errors")
    for name, words, characters in (
        ("beam search", evaluation.words, evaluation.characters),
        ("greedy", evaluation.greedy_words, evaluation.greedy_characters),
    ):
        shown = [f"{rate.rate:.2%}  ({rate.errors} of {rate.total})" for rate in (words, characters)]
        table.add_row(name, *shown)
    minutes = evaluation.audio_seconds / 60
    speed = evaluation.audio_seconds / elapsed
    table.caption = f"{evaluation.utterances} utterances, {minutes:.1f} minutes, {speed:.1f} × real time"
    Console().print(table)
