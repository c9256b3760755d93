"""``audiosearch lm``: estimate a language model, or convert one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from audiosearch.display import printable

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
  audiosearch lm --arpa theirs.arpa.gz -o models/mine/lm.bin"""
)
@click.argument("texts", metavar="[TEXT…]", nargs=-1, callback=_kinds)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Model to write.")
@click.option("--order", default=4, show_default=True, help="Longest n-gram, in words.")
@click.option(
    "--prune",
    callback=_counts,
    metavar="N,N,…",
    default="0,0,1,1",
    show_default=True,
    help="Prune 1-grams, 2-grams … with counts up to N.",
)
@click.option("--min-count", default=1, show_default=True, help="Treat words with a lower count as unknown.")
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
    """Estimate a language model from TEXT, one sentence per line, or convert one in ARPA format.

    Files may be plain, .gz or .xz, and are normalized; manifests (.jsonl) supply their transcripts. With
    --interpolate-on each TEXT is a kind of text with its own weight; join files of one kind by commas. Put the model,
    as lm.bin, into the folder of an acoustic model, then run `audiosearch tune`. Estimating needs KenLM's lmplz:
    scripts/build_kenlm.sh builds it.
    """
    if arpa is not None:
        _convert(context, arpa, output)
        return
    if not texts:
        raise click.UsageError("give a TEXT to estimate a model from, or --arpa FILE to convert a model.")
    if write_arpa is not None and write_arpa.resolve() == output.resolve():
        raise click.UsageError("--write-arpa and --output name the same file.")
    if not development:
        if vocabulary or max_words or max_megabytes:
            raise click.UsageError("--vocabulary, --max-words and --max-megabytes go with --interpolate-on.")
        from audiosearch.language_model.estimation import estimate

        files = [path for kind in texts for path in kind]
        model = estimate(files, output, order=order, prune=prune, min_count=min_count, memory=memory, arpa=write_arpa)
        _report_left_out(model.left_out)
        click.echo(
            f"{printable(str(output))}: {model.bytes / 1e6:.1f} MB, {model.vocabulary:,} words, "
            f"from {model.words:,} words in {model.sentences:,} sentences"
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
