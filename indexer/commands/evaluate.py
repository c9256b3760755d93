"""``audiosearch evaluate``: error rates of the recognizer, or quality of the search, on transcribed speech."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.options import load_words_engine, model_option, words_option

if TYPE_CHECKING:
    from indexer.search.engine import Mode

SAMPLE_SIZE = 50  # queries of every length and frequency


@click.command(
    epilog="""\b
Examples:
  audiosearch evaluate speech/dev/librispeech/manifest.jsonl
  audiosearch evaluate dev.jsonl --model runs/mine --limit 200 --json
  audiosearch evaluate dev/*/manifest.jsonl --by speaker --worst 10
  audiosearch evaluate dev.jsonl --utterances utterances.jsonl
  audiosearch evaluate --search dev.jsonl more.jsonl --queries names.txt
  audiosearch evaluate --search dev.jsonl --words whisper:tiny.en"""
)
@click.argument("manifests", metavar="MANIFEST…", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option(
    "--limit", type=click.IntRange(min=1), help="Maximum number of utterances of each MANIFEST, from the first."
)
@click.option(
    "--by",
    type=click.Choice(["set", "speaker"]),
    multiple=True,
    help="Add the rates of each set (default with several manifests) or of each speaker.",
)
@click.option(
    "--worst", type=click.IntRange(min=1), help="Number of utterances with the highest word error rates to list."
)
@click.option("--search", is_flag=True, help="Measure the search instead of the transcripts.")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    help="With --search: file with one query per line. Default: sampled from the references.",
)
@click.option(
    "--draw",
    type=click.IntRange(min=1),
    help=f"With --search: number of phrases of every length and frequency to sample. Default: {SAMPLE_SIZE}.",
)
@click.option(
    "--word-times",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --search: word times by utterance, as CTM or another transcript. The texts of missing utterances are "
    "aligned with their audio.",
)
@click.option(
    "--mode",
    type=click.Choice(["auto", "words", "sound"]),
    help="With --search: mode of the search. Default: auto.",
)
@words_option
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --search: keep index and word times in this folder, for later runs with the same model.",
)
@click.option(
    "--utterances",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write one JSON object per utterance to this file: texts, word errors by kind, duration, speaker and set; - "
    "prints them instead of the rates.",
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
    words: str | None,
    keep: Path | None,
    utterances: Path | None,
    as_json: bool,
) -> None:
    """Measure the recognizer or the search on transcribed speech.

    Prints word and character error rates, with the beam search and language model and with greedy decoding. Rates are
    those of the whole corpus: all errors over all words. The 95 % intervals are bootstrapped over speakers, or over
    utterances if there are fewer than five speakers.

    With --search the recordings are indexed, and the hits of queries are compared with the references. Prints
    precision, recall, average precision, NIST's term-weighted values, errors of start times, and the reliability of
    confidences, all beside those of an exact search in the best transcripts. With --words the words are those of
    another recognizer and the sound is that of our network.

    Utterances with unreadable audio are reported and left out; the exit status is then 1.
    """
    from audiosearch.model_folder import find_model
    from indexer.commands.options import read_utterances

    given = {
        "--queries": queries,
        "--draw": draw,
        "--word-times": word_times,
        "--mode": mode,
        "--keep": keep,
        "--words": words,
    }
    if not search and (misplaced := [name for name, value in given.items() if value is not None]):
        raise click.UsageError(f"{' and '.join(misplaced)}: only with --search.")
    if search and (by or worst or utterances):
        raise click.UsageError("--by, --worst and --utterances: not with --search.")
    if as_json and utterances == Path("-"):
        raise click.UsageError("--json and --utterances - exclude each other.")
    if queries is not None and draw is not None:
        raise click.UsageError("--queries and --draw exclude each other.")
    path = find_model(model)
    sets = [read_utterances(manifest, limit) for manifest in manifests]
    if search:
        from indexer.console.search_report import Task, measure

        spoken = [utterance for members in sets for utterance in members]
        engine = load_words_engine(words, given=())
        task = Task(path, spoken, queries, draw or SAMPLE_SIZE, word_times, mode or "auto", keep, engine)
        complete = measure(task, as_json)
    else:
        from audiosearch.errors import OutputError
        from audiosearch.evaluation.error_rates import EvaluationSet, set_names
        from audiosearch.files import lock_output
        from indexer.console.error_rate_report import View, report

        if utterances is not None and utterances != Path("-"):
            try:
                ctx.with_resource(lock_output(utterances))
            except OSError as error:
                raise OutputError(f"{utterances}: cannot be written ({error.strerror}).") from error
        view = View("set" in by or len(manifests) > 1, "speaker" in by, worst or 0, utterances)
        complete = report(path, list(map(EvaluationSet, set_names(manifests), sets)), view, as_json)
    ctx.exit(0 if complete else 1)
