"""How ``audiosearch query`` writes hits and counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from indexer.console.format import clock, rows, shown
from indexer.records import hit_record

if TYPE_CHECKING:
    from indexer.types import Count, Hit

NARROW = 100  # columns of a terminal below which a hit takes two lines


def write_hits(hits: Sequence[Hit], as_json: bool) -> None:
    """A line for each hit, or a table on a terminal."""
    if as_json:
        for hit in hits:
            click.echo(json.dumps(hit_record(hit), ensure_ascii=False))
    elif sys.stdout.isatty():
        draw(hits)
    else:
        for line in _lines(hits):
            click.echo(line)


def write_counts(counts: Sequence[Count], as_json: bool) -> None:
    """A line for each recording."""
    if as_json:
        for one in counts:
            about = {"path": one.recording.path, "hits": one.hits, "duration": one.recording.duration}
            click.echo(json.dumps(about, ensure_ascii=False))
        return
    table = [(f"{one.hits:,}", clock(one.recording.duration), shown(one.recording.path)) for one in counts]
    for line in rows(("hits", "duration", "file"), table):
        click.echo(line)


def _cells(hit: Hit) -> tuple[str, str, str]:
    """File, time and confidence, which says "sound" where that is how the hit was found."""
    confidence = f"{hit.confidence:.0%}" + " sound" * (hit.way == "sound")
    return shown(hit.recording.path), f"{clock(hit.start)}–{clock(hit.end)}", confidence


def _sentence(hit: Hit, opening: str, closing: str) -> str:
    """The words around a hit with the phrase between marks."""
    before, after = (" ".join(word.text for word in words) for words in (hit.before, hit.after))
    return f"{before} {opening}{hit.text}{closing} {after}".strip()


def _lines(hits: Sequence[Hit]) -> Iterator[str]:
    header = ("file", "start–end", "confidence", "words")
    yield from rows(header, [(*_cells(hit), _sentence(hit, "«", "»")) for hit in hits])


def draw(hits: Sequence[Hit]) -> None:
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
