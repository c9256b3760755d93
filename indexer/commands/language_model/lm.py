"""``audiosearch lm``: estimate a language model, or convert one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from audiosearch.display import printable
from indexer.commands.options import model_option

if TYPE_CHECKING:
    from audiosearch.language_model.estimation import LeftOut


def _counts(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 0,0,1,1") from error


def _kinds(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[Path, ...], ...]:
    return tuple(tuple(Path(part) for part in value.split(",")) for value in values)


@click.command(
    epilog="""\b
Examples:
  audiosearch lm books.txt.xz train/manifest.jsonl -o models/mine/lm.bin
  audiosearch lm books.txt.xz talk.txt,meetings.txt --interpolate-on dev/manifest.jsonl \\
    --vocabulary words.tsv.xz --prune 0 --max-megabytes 40 -o models/mine/lm.bin
  audiosearch lm --arpa theirs.arpa.gz -o models/mine/lm.bin
  audiosearch lm --from library.db --notes notes/monday.html -o models/library"""
)
@click.argument("texts", metavar="[TEXT…]", nargs=-1, callback=_kinds)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Language model to write; with --from the folder of a model, or a file that ends with .bin.",
)
@click.option(
    "--from",
    "store",
    metavar="STORE",
    help="Adapt the language model of --model to the transcripts in this database or URL of Elasticsearch: those that "
    "were imported, and the words of other recognizers.",
)
@click.option(
    "--notes",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="With --from: add show notes, text or HTML, as a kind of text; repeatable.",
)
@click.option(
    "--recognized",
    is_flag=True,
    help="With --from: use the words that our network recognized, too. They teach the language model its mistakes.",
)
@model_option
@click.option("--order", default=4, show_default=True, help="Longest n-gram, in words.")
@click.option(
    "--prune",
    callback=_counts,
    metavar="N,N,…",
    default="0,0,1,1",
    help="Prune 1-grams, 2-grams … with counts up to N. Default: 0,0,1,1; with --from 0, and 0,0,1 above two million "
    "words.",
)
@click.option(
    "--min-count",
    default=1,
    help="Treat words with a lower count as unknown. Default: 1; with --from 2.",
)
@click.option(
    "--interpolate-on",
    "development",
    metavar="TEXT",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Estimate a model of each TEXT, and interpolate them with weights fitted on this text; repeatable.",
)
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path),
    help="With --interpolate-on: further words, one per line, optionally with a tab and a count.",
)
@click.option("--max-words", type=click.IntRange(1), help="Maximum number of words from the vocabulary.")
@click.option(
    "--max-megabytes",
    type=click.FloatRange(0, min_open=True),
    help="With --interpolate-on: prune the least important n-grams down to this size.",
)
@click.option("--memory", default="1G", show_default=True, help="Memory for sorting; more data is sorted on disk.")
@click.option(
    "--arpa",
    type=click.Path(path_type=Path),
    help="Convert this model in ARPA format, plain or .gz, instead of estimating one.",
)
@click.option(
    "--write-arpa",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the model in ARPA format, compressed if the name ends with .gz, for other programs.",
)
@click.pass_context
def lm(
    context: click.Context,
    texts: tuple[tuple[Path, ...], ...],
    output: Path,
    store: str | None,
    notes: tuple[Path, ...],
    recognized: bool,
    model: Path | None,
    order: int,
    prune: tuple[int, ...],
    min_count: int,
    development: tuple[Path, ...],
    vocabulary: Path | None,
    max_words: int | None,
    max_megabytes: float | None,
    memory: str,
    arpa: Path | None,
    write_arpa: Path | None,
) -> None:
    """Estimate a language model from TEXT, adapt one to a library, or convert one.

    TEXT has one sentence per line. Files may be plain, .gz or .xz, and are normalized; manifests (.jsonl) supply
    their transcripts. With --interpolate-on each TEXT is a kind of text with its own weight; join files of one kind
    by commas. Put the model, as lm.bin, into the folder of an acoustic model, then run `audiosearch tune`.

    With --from the language model of --model is interpolated with one of the transcripts of a library, and of each
    TEXT. The weights are fitted to recordings that are held out in turn. The folder that is written is a copy of the
    model with the new language model: `audiosearch index --model FOLDER` uses it.

    Estimating needs KenLM's lmplz: scripts/build_kenlm.sh builds it.
    """
    if arpa is not None:
        _convert(context, arpa, output)
        return
    if store is not None:
        from indexer.commands.language_model.adaptation import Task, adapt_to_library

        _only(context, ("order", "development", "vocabulary", "max_words", "max_megabytes"), "not with --from")
        is_default = {name: _is_default(context, name) for name in ("prune", "min_count")}
        task = Task(
            store,
            output,
            model,
            texts,
            notes,
            recognized,
            prune=None if is_default["prune"] else prune,
            min_count=2 if is_default["min_count"] else min_count,
            memory=memory,
            arpa=write_arpa,
        )
        adapt_to_library(task)
        return
    _only(context, ("notes", "recognized", "model"), "only with --from")
    if output.is_dir():
        raise click.UsageError(f"--output {printable(str(output))}: is a folder; name a file in it, such as lm.bin.")
    if not texts:
        raise click.UsageError(
            "give a TEXT to estimate a model from, --from STORE to adapt one, or --arpa FILE to convert one."
        )
    if write_arpa is not None and write_arpa.resolve() == output.resolve():
        raise click.UsageError("--write-arpa and --output name the same file.")
    if not development:
        if vocabulary or max_words or max_megabytes:
            raise click.UsageError("--vocabulary, --max-words and --max-megabytes go with --interpolate-on.")
        from audiosearch.language_model.estimation import estimate

        files = [path for kind in texts for path in kind]
        estimated = estimate(
            files, output, order=order, prune=prune, min_count=min_count, memory=memory, arpa=write_arpa
        )
        _report_left_out(estimated.left_out)
        click.echo(
            f"{printable(str(output))}: {estimated.bytes / 1e6:.1f} MB, {estimated.vocabulary:,} words, "
            f"from {estimated.words:,} words in {estimated.sentences:,} sentences"
        )
        return
    from audiosearch.language_model.mixture import estimate_mixture

    mixture = estimate_mixture(
        texts,
        development,
        output,
        vocabulary=vocabulary,
        max_words=max_words,
        max_megabytes=max_megabytes,
        order=order,
        prune=prune,
        min_count=min_count,
        memory=memory,
        arpa=write_arpa,
    )
    _report_left_out(mixture.left_out)
    for kind, weight in zip(texts, mixture.weights, strict=True):
        click.echo(f"weight {weight:.3f}  {printable(','.join(map(str, kind)))}")
    for fit in mixture.fits:
        perplexity = f"perplexity {fit.perplexity:.0f} before pruning, {fit.unknown:.2%} unknown words"
        click.echo(f"{perplexity}  {printable(str(fit.path))}")
    click.echo(
        f"{printable(str(output))}: {mixture.bytes / 1e6:.1f} MB, {mixture.vocabulary:,} words, "
        f"n-grams {', '.join(f'{count:,}' for count in mixture.ngrams)}, from {mixture.words:,} words"
    )


def _is_default(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.DEFAULT


def _only(context: click.Context, names: tuple[str, ...], where: str) -> None:
    """Raise UsageError for options that were given and do not belong there."""
    options = {parameter.name: parameter.opts[-1] for parameter in context.command.params}
    if given := [str(options[name]) for name in names if not _is_default(context, name)]:
        raise click.UsageError(f"{' and '.join(given)}: {where}.")


def _report_left_out(left_out: tuple[LeftOut, ...]) -> None:
    """Name each text with lines of which normalization leaves nothing."""
    for text in left_out:
        lines = "1 line" if text.lines == 1 else f"{text.lines:,} lines"
        which = f"line {text.first}" if text.lines == 1 else f"the first is line {text.first}"
        message = f"{text.path}: {lines} left out, of which normalization leaves nothing ({which})."
        click.echo(printable(message), err=True)


def _convert(context: click.Context, arpa: Path, output: Path) -> None:
    """Convert a model; nothing else may be given but the output."""
    for parameter in context.command.params:
        name = parameter.name or ""
        is_given = context.get_parameter_source(name) is not ParameterSource.DEFAULT and context.params[name]
        if is_given and name not in ("arpa", "output"):
            label = "TEXT" if isinstance(parameter, click.Argument) else parameter.opts[0]
            raise click.UsageError(f"--arpa converts a model as it is; leave out {label}.")
    from audiosearch.language_model.arpa import convert_arpa

    model = convert_arpa(arpa, output)
    ngrams = ", ".join(f"{len(order):,}" for order in model.orders)
    click.echo(f"{printable(str(output))}: {output.stat().st_size / 1e6:.1f} MB, n-grams {ngrams}")
