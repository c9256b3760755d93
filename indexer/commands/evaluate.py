"""``audiosearch evaluate``: error rates on transcribed speech, or how good the search is on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.options import model_option

if TYPE_CHECKING:
    from indexer.search.engine import Mode

DRAWN = 50  # phrases of every length and frequency


@click.command(
    epilog="""\b
Examples:
  audiosearch evaluate speech/dev/librispeech/manifest.jsonl
  audiosearch evaluate dev.jsonl --model runs/mine --limit 200 --json
  audiosearch evaluate dev/*/manifest.jsonl --by speaker --worst 10
  audiosearch evaluate --search dev.jsonl more.jsonl --queries names.txt"""
)
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many utterances of each MANIFEST.")
@click.option(
    "--by",
    type=click.Choice(["set", "speaker"]),
    multiple=True,
    help="Also the rates of each set, as with several manifests anyway, or of each speaker.",
)
@click.option("--worst", type=click.IntRange(min=1), help="Also so many utterances with the highest word error rates.")
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
    by: tuple[str, ...],
    worst: int | None,
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
    alone (greedy). Rates are of the whole corpus: all errors over all words. Intervals hold the rate of other speakers,
    or of other utterances of the same where there are fewer than five, 95 times in 100 (bootstrap).

    With --search the recordings are indexed, phrases are searched, and hits are held against the places where they are
    said: precision and recall, average precision, NIST's term-weighted values, errors of the start times, and how far
    confidences can be trusted; beside them what an exact search in the best transcripts alone would give.

    An utterance whose audio cannot be read is named and is in no rate, and the exit status is 1.
    """
    from audiosearch.data.manifest import read_manifest
    from audiosearch.model_folder import find_model

    given = {"--queries": queries, "--draw": draw, "--word-times": word_times, "--mode": mode, "--keep": keep}
    if not search and (useless := [name for name, value in given.items() if value is not None]):
        raise click.UsageError(f"{' and '.join(useless)}: only with --search.")
    if search and (by or worst):
        raise click.UsageError("--by and --worst: not with --search.")
    if queries is not None and draw is not None:
        raise click.UsageError("--queries gives the queries, --draw draws them: one of the two.")
    path = find_model(model)
    sets = [read_manifest(manifest)[:limit] for manifest in manifests]
    if search:
        from indexer.console.search_report import Task, measure

        utterances = [utterance for each in sets for utterance in each]
        good = measure(Task(path, utterances, queries, draw or DRAWN, word_times, mode or "auto", keep), as_json)
    else:
        from audiosearch.evaluation.error_rates import EvaluationSet, set_names
        from indexer.console.error_rate_report import View, report

        view = View("set" in by or len(manifests) > 1, "speaker" in by, worst or 0)
        good = report(path, list(map(EvaluationSet, set_names(manifests), sets)), view, as_json)
    ctx.exit(0 if good else 1)
