"""Text of times, durations, counts, paths and rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiosearch.console.durations import length, pace
from audiosearch.display import printable
from audiosearch.types import Seconds

__all__ = ["clock", "count", "length", "pace", "rows", "shown"]


def clock(seconds: Seconds) -> str:
    """A time as ``h:mm:ss.s``."""
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"


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
