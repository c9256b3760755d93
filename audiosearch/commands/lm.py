"""``audiosearch lm``: a language model of text."""

from __future__ import annotations

from pathlib import Path

import click


def _counts(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 0,0,1,1") from error


@click.command(
    epilog="""\b
Example:
  audiosearch lm books.txt.xz train/manifest.jsonl -o models/mine/lm.bin"""
)
@click.argument("texts", metavar="TEXT…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Model to write.")
@click.option("--order", default=4, show_default=True, help="Longest n-gram, in words.")
@click.option(
    "--prune",
    callback=_counts,
    metavar="N,N,…",
    default="0,0,1,1",
    show_default=True,
    help="Of 1-grams, 2-grams …: leave out those seen no more often.",
)
@click.option("--min-count", default=1, show_default=True, help="Words seen less often become unknown words.")
@click.option("--bits", default=8, show_default=True, help="Precision of the stored probabilities.")
@click.option("--memory", default="1G", show_default=True, help="For sorting; beyond it the disk is used.")
def lm(
    texts: tuple[Path, ...], output: Path, order: int, prune: tuple[int, ...], min_count: int, bits: int, memory: str
) -> None:
    """Estimate a language model of TEXT, a sentence a line.

    The files may be plain, .gz or .xz, and are normalised; of a manifest (.jsonl) the transcripts are taken.
    Beside the model its word list is written, words.txt.xz. Put both, as lm.bin and words.txt.xz, into the folder
    of an acoustic model, then find their weight by 'audiosearch tune'. Needs KenLM's lmplz and build_binary:
    scripts/build_kenlm.sh builds them.
    """
    from audiosearch.lm import WORDS_NAME, estimate

    made = estimate(texts, output, order=order, prune=prune, min_count=min_count, bits=bits, memory=memory)
    click.echo(
        f"{output}: {made.bytes / 1e6:.1f} MB, {made.vocabulary:,} words in {output.parent / WORDS_NAME}, "
        f"from {made.words:,} words in {made.sentences:,} sentences"
    )
