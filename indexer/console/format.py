"""Text of times, durations, counts, paths and rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiosearch.display import printable
from audiosearch.types import Seconds


def clock(seconds: Seconds) -> str:
    """A time as ``h:mm:ss.s``."""
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"


def length(seconds: Seconds) -> str:
    """A duration in a suitable unit: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:,.1f} h"


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``1 recording``, ``2,000 recordings``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shown(path: str) -> str:
    """A path relative to the working directory if it is inside, else absolute, safe to display."""
    here = str(Path.cwd()).rstrip("/") + "/"
    return printable(path.removeprefix(here))


def rows(header: Sequence[str], table: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table with aligned columns; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(header, *table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (header, *table)
    ]
