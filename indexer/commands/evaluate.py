"""``audiosearch evaluate``: error rates on transcribed speech, or how good the search is on it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.options import model_option

if TYPE_CHECKING:
    from audiosearch.evaluation import Evaluation
    from audiosearch.training.manifest import Utterance
    from indexer.modes import Mode

DRAWN = 50  # phrases of every length and frequency


@click.command(
    epilog="""\b
Examples:
  audiosearch evaluate speech/dev/librispeech/manifest.jsonl
  audiosearch evaluate dev.jsonl --model runs/mine --limit 200 --json
  audiosearch evaluate --search dev.jsonl more.jsonl --queries names.txt"""
)
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option("--limit", type=click.IntRange(min=1), help="Only so many utterances, the first ones.")
@click.option("--search", is_flag=True, help="Measure the search instead of the transcripts.")
@click.option(
    "--queries", type=click.Path(path_type=Path), help="With --search: a file with a query a line; else they are drawn."
)
@click.option(
    "--draw",
    type=click.IntRange(min=1),
    help=f"With --search: draw so many phrases of every length and frequency, {DRAWN} unless given.",
)
@click.option(
    "--word-times",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --search: when each word is said, as CTM or another transcript, by utterance; the others' texts are "
    "aligned with the sound.",
)
@click.option(
    "--mode",
    type=click.Choice(["auto", "words", "sound"]),
    help="With --search: where it looks; auto unless given.",
)
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --search: leave index and word times in this folder, and take from it what the same model left there.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object; rates are fractions.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    manifests: tuple[Path, ...],
    model: Path | None,
    limit: int | None,
    search: bool,
    queries: Path | None,
    draw: int | None,
    word_times: Path | None,
    mode: Mode | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Measure on speech of which MANIFEST holds the text.

    Word and character error rates: once with the beam search and the language model, and once by the likeliest letters
    alone (greedy). Rates are of the whole corpus: all errors over all words.

    With --search the recordings are indexed, phrases are searched, and hits are held against the places where they are
    said: precision and recall, average precision, NIST's term-weighted values, errors of the start times, and how far
    confidences can be trusted; beside them what an exact search in the best transcripts alone would give.

    An utterance whose audio cannot be read is named and is in no rate, and the exit status is 1.
    """
    from audiosearch.models import find_model
    from audiosearch.training.manifest import read_manifest
    from indexer.settings import load_settings

    given = {"--queries": queries, "--draw": draw, "--word-times": word_times, "--mode": mode, "--keep": keep}
    if not search and (useless := [name for name, value in given.items() if value is not None]):
        raise click.UsageError(f"{' and '.join(useless)}: only with --search.")
    if queries is not None and draw is not None:
        raise click.UsageError("--queries gives the queries, --draw draws them: one of the two.")
    path = find_model(load_settings(None, model).model)
    utterances = [utterance for manifest in manifests for utterance in read_manifest(manifest)][:limit]
    if search:
        from indexer.commands.quality import Task, measure

        good = measure(Task(path, utterances, queries, draw or DRAWN, word_times, mode or "auto", keep), as_json)
    else:
        good = _error_rates(path, utterances, as_json)
    ctx.exit(0 if good else 1)


def _error_rates(path: Path, utterances: list[Utterance], as_json: bool) -> bool:
    """Draw error rates; whether all utterances could be read."""
    from rich.console import Console
    from rich.progress import track

    from audiosearch.evaluation import Failure, Reference, read_all, score
    from indexer.commands.lazy import LazyRecognizer

    references = [Reference(u.id, u.audio, u.text, u.duration) for u in utterances]
    screen = Console(stderr=True)
    readings, failed = [], False
    with LazyRecognizer(path) as recognizer:
        loaded = recognizer.loaded
        started = time.perf_counter()
        results = read_all(loaded, references)
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
    return not failed


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
