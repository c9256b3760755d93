"""``audiosearch query``: hits of words and phrases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import click

from audiosearch.display import document, printable
from indexer.commands.options import store_option
from indexer.console.format import count
from indexer.console.hit_output import HitOutput, hit_output_options
from indexer.console.hit_table import write_counts, write_hits
from indexer.types import Order, Query

if TYPE_CHECKING:
    from indexer.index import Index
    from indexer.search.engine import Mode
    from indexer.search.parse import ParsedQuery
    from indexer.types import Page, Query

MAX_LISTED = 8
"""Other spellings that are listed."""


@click.command(
    epilog="\b\nExamples:\n"
    "  audiosearch query 'human things' --slop 1\n"
    "  audiosearch query lighthouse --and keeper --within 30 --path '~/Podcasts/**/*.mp3' --since 2024-05-01\n"
    "  audiosearch query 'lighthouse \"light keeper\" OR storm -film within:30 path:~/Podcasts since:2024 voice:left'\n"
    "  audiosearch query lighthouse --clips clips --supercut lighthouse.mp3 --padding 0.5"
)
@click.argument("texts", metavar="TEXT…", nargs=-1, required=True)
@store_option
@click.option("--and", "together", metavar="TEXT", multiple=True, help="Require TEXT to be said as well; repeatable.")
@click.option("--not", "without", metavar="TEXT", multiple=True, help="Require TEXT not to be said; repeatable.")
@click.option(
    "--within",
    type=float,
    metavar="SECONDS",
    help="Maximum distance of --and and --not from a hit. Default: the whole recording.",
)
@click.option(
    "--path",
    "paths",
    metavar="GLOB",
    multiple=True,
    help="Only recordings in this file or folder, or matching GLOB (quote it): * stops at /, ** does not; repeatable.",
)
@click.option("--since", metavar="DATE", help="Only files modified at DATE or later: 2024-05-31, or 2024-05-31T18:30.")
@click.option("--until", metavar="DATE", help="Only files modified before DATE.")
@click.option(
    "--order",
    type=click.Choice(get_args(Order)),
    default="confidence",
    show_default=True,
    help="Best hits first, or recordings by time of modification (time: oldest first) or by path (name).",
)
@click.option(
    "--mode",
    type=click.Choice(["words", "sound", "auto"]),
    default="auto",
    show_default=True,
    help="Search the recognized words, the sound, or the sound as well if the words give few hits.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Minimum confidence. Also lowers the 0.6 threshold for alternatives and hits by sound.",
)
@click.option("--slop", type=click.IntRange(min=0), default=0, help="Maximum number of other words within a phrase.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Maximum number of hits.")
@click.option(
    "--page",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Print page N of the hits, of --limit hits each.",
)
@click.option("--after", metavar="CURSOR", help="Continue after the CURSOR that the previous page printed with --json.")
@click.option("--counts", is_flag=True, help="Print the number of hits per recording instead, largest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@hit_output_options
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
    number: int | None,
    after: str | None,
    counts: bool,
    as_json: bool,
    hit_output: HitOutput,
) -> None:
    """Search the index for spoken words and phrases.

    Each TEXT is a word or a phrase, in quotation marks of the shell. A word with a trailing * matches all words with
    that prefix. Several texts give the hits of any of them. Other spellings, and other readings of numbers, are looked
    for too, and their hits come last. The exit status is 1 if there are no hits, and 2 after an error.

    A TEXT may use the query language: "exact phrase" in quotation marks of its own (several phrases must all be said,
    and the first is the hit), -word, OR, within:30, path:FOLDER, since:2024-05, until:DATE, voice:NAME. Operators and
    options hold together.

    Misrecognized words, mostly names, are found by their sound: the text is searched in the probabilities of letters
    over time. Such hits are marked "sound", and their words are those of the transcript.
    """
    from audiosearch.settings import load_settings
    from indexer.index import open_index
    from indexer.matching.filters import from_here
    from indexer.search import engine
    from indexer.search.parse import parse, parse_date
    from indexer.search.variants import added, with_variants
    from indexer.types import Filter, Page

    if number is not None and after is not None:
        raise click.UsageError("--page and --after exclude each other.")
    if counts and (after is not None or number is not None):
        raise click.UsageError(
            "--page and --after: not with --counts, which prints the first recordings, up to --limit."
        )
    if counts and confidence is not None:
        raise click.UsageError("--confidence: not with --counts, which counts all hits.")
    hit_output.check(as_json=as_json, counts=counts)
    recording_filter = Filter(
        tuple(map(from_here, paths)),
        None if since is None else parse_date(since),
        None if until is None else parse_date(until),
    )
    parsed = parse(texts, slop, together=together, without=without, within=within, wanted=recording_filter, order=order)
    if within is not None and not (parsed.query.together or parsed.query.without):
        raise click.UsageError("--within needs --and or --not.")
    with open_index(load_settings(store).store, create=False) as index:
        for note in (*parsed.notes, *engine.sound_notes(index, parsed.query, mode)):
            click.echo(f"{printable(note)}.", err=True)
        if counts:
            extended = parsed.query if mode == "sound" else with_variants(index, parsed.query)
            counts_by_recording, page = engine.count(index, extended, mode), None
            also = added(parsed.typed, extended)
        else:
            counts_by_recording, page = (
                [],
                _page(index, parsed.query, mode, limit, after, confidence),
            )
            for _ in range(1, number or 1):
                page = _page(index, parsed.query, mode, limit, page.after, confidence) if page.after else Page((), None)
            also = *added(parsed.typed, parsed.query), *page.variants
        if also:
            click.echo(_also_looked_for([phrase.text for phrase in also]), err=True)
        if not counts_by_recording and not (page and page.hits):
            click.echo(
                "There are no more hits." if after or (number or 1) > 1 else _no_hits(index, parsed, ctx.params),
                err=True,
            )
            ctx.exit(1)
    if page is None:
        write_counts(counts_by_recording[:limit], as_json)
        if len(counts_by_recording) > limit:
            click.echo(f"{limit} of {count(len(counts_by_recording), 'recording')}; --limit shows more.", err=True)
        return
    if hit_output.replaces_lines:
        click.echo(document(hit_output.format(page.hits)), nl=False)
    else:
        write_hits(page.hits, as_json)
    if page.after is not None:
        following = f"--after {page.after}" if as_json or after else f"--page {(number or 1) + 1}"
        click.echo(f"There are more hits: raise --limit, or continue with {following}", err=True)
    ctx.exit(0 if hit_output.write(page.hits) else 2)


def _page(index: Index, query: Query, mode: Mode, limit: int, after: str | None, confidence: float | None) -> Page:
    """The page after a cursor; empty only if no hits follow."""
    from indexer.search.engine import search_above_confidence

    page = search_above_confidence(index, query, mode, limit, after, confidence)
    while page.after is not None and not page.hits:
        page = search_above_confidence(index, query, mode, limit, page.after, confidence)
    return page


def _also_looked_for(texts: Sequence[str]) -> str:
    """A sentence on other spellings and readings."""
    quoted = [f'"{text}"' for text in texts[:MAX_LISTED]]
    more = [f"{len(texts) - MAX_LISTED} more"] if len(texts) > MAX_LISTED else []
    return f"Also looked for {', '.join([*quoted, *more])}."


def _no_hits(index: Index, parsed: ParsedQuery, given: Mapping[str, Any]) -> str:
    """A sentence on the reason for an empty result, with suggestions.

    Args:
        given: values of options.
    """
    from indexer.search.suggestions import explain

    if not index.statistics().recordings:
        return "No hits, as the index is empty: run `audiosearch index FOLDER` first."
    query = parsed.typed
    texts = " or ".join(f'"{phrase.text}"' for phrase in query.phrases)
    explanation = explain(index, query, parsed.query, given["confidence"])
    if explanation.similar:
        similar = (f'did you mean {" or ".join(words)} for "{word}"?' for word, words in explanation.similar.items())
        return f"No hits for {texts}; {' '.join(similar)}"
    if explanation.reason == "conditions":
        return f"No hits for {texts} with {' and '.join(_conditions(query, given))}."
    if explanation.reason == "confidence":
        return f"No hits for {texts} of this confidence; lower --confidence."
    if explanation.reason == "order":
        return f"No hits for {texts}; its words occur, but not in this order: try --slop."
    return f"No hits for {texts}."


def _conditions(query: Query, given: Mapping[str, Any]) -> Iterator[str]:
    """Names of the conditions of a query: of the option, or of the operator if only that was typed."""
    wanted = query.filter
    for option, parameter, operator, holds in (
        ("--and", "together", "all of its phrases", query.together),
        ("--not", "without", "-word", query.without),
        ("--path", "paths", "path:", wanted.paths),
        ("--since", "since", "since:", wanted.since_ns is not None),
        ("--until", "until", "until:", wanted.until_ns is not None),
        ("", "", "voice:", query.voices),
    ):
        if holds:
            yield option if given.get(parameter) else operator
