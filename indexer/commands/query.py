"""``audiosearch query``: phrases → the places where they were said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from indexer.commands.options import store_option
from indexer.console.format import count
from indexer.console.hit_output import Giving, giving_options
from indexer.console.hit_table import write_counts, write_hits

if TYPE_CHECKING:
    from indexer.index import Index
    from indexer.search.modes import Mode
    from indexer.types import Order, Query

NEAR_WORDS = 3  # offered for each word that is not in the index


@click.command(
    epilog="\b\nExamples:\n"
    "  audiosearch query 'human things' --slop 1\n"
    "  audiosearch query lighthouse --and keeper --within 30 --path '~/Podcasts/**/*.mp3' --since 2024-05-01\n"
    "  audiosearch query lighthouse --clips clips --supercut lighthouse.mp3 --padding 0.5"
)
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@store_option
@click.option("--and", "together", metavar="TEXT", multiple=True, help="Only where this is said too; may be repeated.")
@click.option("--not", "without", metavar="TEXT", multiple=True, help="Only where this is not said; may be repeated.")
@click.option(
    "--within",
    type=float,
    metavar="SECONDS",
    help="How near --and and --not look; else they look at the whole recording.",
)
@click.option(
    "--path",
    "paths",
    metavar="GLOB",
    multiple=True,
    help="Only in this file or folder, or in files that match: * stops at /, ** does not. Quote it. May be repeated.",
)
@click.option("--since", metavar="DATE", help="Only files modified then or later: 2024-05-31, or 2024-05-31T18:30.")
@click.option("--until", metavar="DATE", help="Only files modified before.")
@click.option(
    "--order",
    type=click.Choice(["confidence", "time"]),
    default="confidence",
    show_default=True,
    help="Show the surest hits first, or those in the files that were modified first.",
)
@click.option(
    "--mode",
    type=click.Choice(["words", "sound", "auto"]),
    default="auto",
    show_default=True,
    help="Look among the recognized words, in the sound itself, or in the sound too where words find little.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Only hits that are at least so sure; from there on guesses too, which must else be 0.6 sure.",
)
@click.option("--slop", type=click.IntRange(min=0), default=0, help="Let so many other words lie between, in all.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show so many, the first.")
@click.option("--after", metavar="CURSOR", help="Go on where another page ended, which says this CURSOR.")
@click.option("--counts", is_flag=True, help="Show how many hits each recording has instead, the most first.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@giving_options
@click.pass_context
def query(
    ctx: click.Context,
    texts: tuple[str, ...],
    store: str | None,
    together: tuple[str, ...],
    without: tuple[str, ...],
    within: float | None,
    paths: tuple[str, ...],
    since: str | None,
    until: str | None,
    order: Order,
    mode: Mode,
    confidence: float | None,
    slop: int,
    limit: int,
    after: str | None,
    counts: bool,
    as_json: bool,
    giving: Giving,
) -> None:
    """Find where something was said.

    Each TEXT is a word or a phrase; quote a phrase. A word that ends in * stands for all words that begin so. Of
    several texts, the places of any of them are shown, the surest first. Exit status 1 if there are none.

    What the recognizer misspelled, names above all, is found by its sound: the letters that were likely at each moment
    are searched for the text. Such hits say "sound"; their words are what was recognized there.
    """
    from audiosearch.settings import load_settings
    from indexer.index import open_index
    from indexer.matching.filters import from_here
    from indexer.search import modes
    from indexer.search.parse import parse, parse_date
    from indexer.types import Filter

    if within is not None and not (together or without):
        raise click.UsageError("--within says how near --and or --not must be: give one of them.")
    if counts and after is not None:
        raise click.UsageError("--after goes on with hits; --counts shows all recordings, as far as --limit.")
    if counts and confidence is not None:
        raise click.UsageError("--counts counts all hits, however sure: leave --confidence out.")
    giving.check(as_json=as_json, counts=counts)
    wanted = Filter(
        tuple(map(from_here, paths)),
        None if since is None else parse_date(since),
        None if until is None else parse_date(until),
    )
    reading = parse(texts, slop, together=together, without=without, within=within, wanted=wanted, order=order)
    for note in reading.notes:
        click.echo(f"{note}.", err=True)
    with open_index(load_settings(store).store, create=False) as index:
        if counts:
            counted, page = modes.count(index, reading.query, mode), None
        else:
            counted, page = [], modes.sure(index, reading.query, mode, limit, after, confidence)
            while page.after is not None and not page.hits:
                page = modes.sure(index, reading.query, mode, limit, page.after, confidence)
        if not counted and not (page and page.hits):
            click.echo("There are no more hits." if after else _nothing(index, reading.query, confidence), err=True)
            ctx.exit(1)
    if page is None:
        write_counts(counted[:limit], as_json)
        if len(counted) > limit:
            click.echo(f"Of {count(len(counted), 'recording')}; --limit shows more.", err=True)
        return
    if giving.replaces_lines:
        click.echo(giving.list(page.hits), nl=False)
    else:
        write_hits(page.hits, as_json)
    if page.after is not None:
        click.echo(f"There are more hits: --limit shows more at once, or the next with --after {page.after}", err=True)
    ctx.exit(0 if giving.give(page.hits) else 1)


def _nothing(index: Index, query: Query, confidence: float | None) -> str:
    """A sentence on why nothing was found, with words that were perhaps meant."""
    from indexer.types import Phrase, Query

    asked = " or ".join(
        f'"{" ".join(term.text + "*" * term.prefix for term in phrase.terms)}"' for phrase in query.phrases
    )
    conditions = {"--and": query.together, "--not": query.without, "--path": query.filter.paths}
    options = [name for name, given in conditions.items() if given]
    options += ["--since"] * (query.filter.since_ns is not None) + ["--until"] * (query.filter.until_ns is not None)
    terms = dict.fromkeys(term for phrase in (*query.phrases, *query.together) for term in phrase.terms)
    absent = [term for term in terms if not index.search(Query((Phrase((term,)),)), 1).hits]
    hints = []
    for term in absent:
        if not term.prefix and (near := index.near(term.text, NEAR_WORDS)):
            hints.append(f'near "{term.text}" there is {" and ".join(near)}')
    if hints:
        return f"Nothing found for {asked}; {', '.join(hints)}."
    if options and index.search(Query(query.phrases), 1).hits:
        return f"Nothing found for {asked}; it is said, but not as {' and '.join(options)} would have it."
    if confidence and index.search(query, 1).hits:
        return f"Nothing found for {asked} that is so sure: a lower --confidence shows more."
    if absent or all(len(phrase.terms) == 1 for phrase in query.phrases):
        return f"Nothing found for {asked}."
    return f"Nothing found for {asked}; its words are there, but not together: --slop lets others lie between."
