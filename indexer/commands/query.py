"""``audiosearch query``: phrases → the places where they were said."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from indexer.commands.drawing import clock, rows, shown
from indexer.commands.options import store_option

if TYPE_CHECKING:
    from indexer.index import Index
    from indexer.types import Hit, Phrase

NARROW = 100  # columns of a terminal below which a hit takes two lines
NEAR_WORDS = 3  # offered for each word that is not in the index


@click.command(epilog="\b\nExample:\n  audiosearch query 'human things' --slop 1")
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@store_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show so many hits, the best.")
@click.option("--slop", type=click.IntRange(min=0), default=0, help="Let so many other words lie between, in all.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.pass_context
def query(ctx: click.Context, texts: tuple[str, ...], store: str | None, limit: int, slop: int, as_json: bool) -> None:
    """Find where something was said.

    Each TEXT is a word or a phrase; quote a phrase. A word that ends in * stands for all words that begin so. Of
    several texts, the places of any of them are shown, the surest first. Exit status 1 if there are none.
    """
    from indexer.index import open_index
    from indexer.query import parse
    from indexer.settings import load_settings

    reading = parse(texts, slop)
    for note in reading.notes:
        click.echo(f"{note}.", err=True)
    with open_index(load_settings(store).store, create=False) as index:
        hits = index.search(reading.phrases, limit)
        if not hits:
            click.echo(_nothing(index, reading.phrases), err=True)
            ctx.exit(1)
    if as_json:
        for hit in hits:
            click.echo(json.dumps(_object(hit), ensure_ascii=False))
        return
    if sys.stdout.isatty():
        _draw(hits)
    else:
        header = ("file", "start–end", "confidence", "words")
        for line in rows(header, [(*_cells(hit), _sentence(hit, "«", "»")) for hit in hits]):
            click.echo(line)
    if len(hits) == limit:
        click.echo(f"The best {limit} hits; --limit shows more.", err=True)


def _object(hit: Hit) -> dict[str, object]:
    """A hit as ``--json`` writes it."""
    return {
        "path": hit.recording.path,
        "start": hit.start,
        "end": hit.end,
        "confidence": hit.confidence,
        "text": hit.text,
        "before": " ".join(word.text for word in hit.before),
        "after": " ".join(word.text for word in hit.after),
        "words": [
            {"text": word.text, "start": word.start, "end": word.end, "confidence": word.confidence}
            for word in hit.words
        ],
    }


def _cells(hit: Hit) -> tuple[str, str, str]:
    """File, time and confidence."""
    return shown(hit.recording.path), f"{clock(hit.start)}–{clock(hit.end)}", f"{hit.confidence:.0%}"


def _sentence(hit: Hit, opening: str, closing: str) -> str:
    """The words around a hit with the phrase between marks."""
    before, after = (" ".join(word.text for word in words) for words in (hit.before, hit.after))
    return f"{before} {opening}{hit.text}{closing} {after}".strip()


def _draw(hits: Sequence[Hit]) -> None:
    """A table on a terminal, or two lines a hit on a narrow one; nothing is cut off."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def marked(hit: Hit) -> Text:
        before, words, after = _sentence(hit, "\0", "\0").split("\0")
        return Text.assemble(before, (words, "bold yellow"), after)

    console = Console(highlight=False)
    if console.width < NARROW:
        for hit in hits:
            path, time, confidence = _cells(hit)
            console.print(Text.assemble((path, "cyan"), f"  {time}  {confidence}"), soft_wrap=True)
            console.print(Text.assemble("    ", marked(hit)), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("file", style="cyan", overflow="fold", max_width=console.width // 3)
    table.add_column("start–end", no_wrap=True)
    table.add_column("confidence", no_wrap=True, justify="right")
    table.add_column("words", overflow="fold")
    for hit in hits:
        path, time, confidence = _cells(hit)
        table.add_row(Text(path), time, confidence, marked(hit))
    console.print(table)


def _nothing(index: Index, phrases: Sequence[Phrase]) -> str:
    """A sentence on why nothing was found, with words that were perhaps meant."""
    from indexer.types import Phrase

    asked = " or ".join(f'"{" ".join(term.text + "*" * term.prefix for term in phrase.terms)}"' for phrase in phrases)
    terms = dict.fromkeys(term for phrase in phrases for term in phrase.terms)
    absent = [term for term in terms if not index.search([Phrase((term,))], 1)]
    hints = []
    for term in absent:
        if not term.prefix and (near := index.near(term.text, NEAR_WORDS)):
            hints.append(f'near "{term.text}" there is {" and ".join(near)}')
    if hints:
        return f"Nothing found for {asked}; {', '.join(hints)}."
    if absent or all(len(phrase.terms) == 1 for phrase in phrases):
        return f"Nothing found for {asked}."
    return f"Nothing found for {asked}; its words are there, but not together: --slop lets others lie between."
