"""Hits and counts of ``audiosearch query`` as lines, a table or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from audiosearch.display import json_line, printable
from indexer.console.format import clock, rows, shown
from indexer.records import hit_record

if TYPE_CHECKING:
    from indexer.types import Count, Hit

MIN_TABLE_WIDTH = 100  # columns of a terminal; on a narrower one each hit takes two lines


def write_hits(hits: Sequence[Hit], as_json: bool) -> None:
    """Print one line per hit, or a table on a terminal."""
    if as_json:
        for hit in hits:
            click.echo(json_line(hit_record(hit)))
    elif sys.stdout.isatty():
        draw(hits)
    else:
        for line in _lines(hits):
            click.echo(line)


def write_counts(counts: Sequence[Count], as_json: bool) -> None:
    """Print one line per recording."""
    if as_json:
        for item in counts:
            record = {"path": item.recording.path, "hits": item.hits, "duration": item.recording.duration}
            click.echo(json_line(record))
        return
    table = [(f"{item.hits:,}", clock(item.recording.duration), shown(item.recording.path)) for item in counts]
    for line in rows(("hits", "duration", "file"), table):
        click.echo(line)


def _cells(hit: Hit) -> tuple[str, str, str, str]:
    """File, time, confidence, followed by "sound" for hits by sound, and voice."""
    confidence = f"{hit.confidence:.0%}" + " sound" * (hit.way == "sound")
    time = f"{clock(hit.start)}–{clock(hit.end)}"
    return shown(hit.recording.path), time, confidence, printable(hit.voice or "")


def _columns(hits: Sequence[Hit]) -> int:
    """Number of the cells of these hits that are shown: without the voice if none is known."""
    return 4 if any(hit.voice is not None for hit in hits) else 3


def _context(hit: Hit, opening: str, closing: str) -> str:
    """Words around a hit, with marks around its own words."""
    before, after = (printable(" ".join(word.text for word in words)) for words in (hit.before, hit.after))
    return f"{before} {opening}{printable(hit.text)}{closing} {after}".strip()


def _lines(hits: Sequence[Hit]) -> Iterator[str]:
    header, columns = ("file", "start–end", "confidence", "voice"), _columns(hits)
    table = [(*_cells(hit)[:columns], _context(hit, "«", "»")) for hit in hits]
    yield from rows((*header[:columns], "words"), table)


def draw(hits: Sequence[Hit]) -> None:
    """Draw a table on a terminal, or two lines per hit on a narrow one; nothing is truncated."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def highlighted(hit: Hit) -> Text:
        before, words, after = _context(hit, "\0", "\0").split("\0")
        return Text.assemble(before, (words, "bold yellow"), after)

    console = Console(highlight=False, emoji=False)
    if console.width < MIN_TABLE_WIDTH:
        for hit in hits:
            path, *facts = _cells(hit)
            console.print(Text.assemble((path, "cyan"), "  ", "  ".join(filter(None, facts))), soft_wrap=True)
            console.print(Text.assemble("    ", highlighted(hit)), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("file", style="cyan", overflow="fold", max_width=console.width // 3)
    table.add_column("start–end", no_wrap=True)
    table.add_column("confidence", no_wrap=True, justify="right")
    columns = _columns(hits)
    if columns == 4:
        table.add_column("voice", overflow="fold", max_width=console.width // 8)
    table.add_column("words", overflow="fold")
    for hit in hits:
        table.add_row(*map(Text, _cells(hit)[:columns]), highlighted(hit))
    console.print(table)
