"""How the commands of the index write times, paths and rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiosearch.types import Seconds


def clock(seconds: Seconds) -> str:
    """``h:mm:ss.s``."""
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"


def length(seconds: Seconds) -> str:
    """A duration as one says it: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:,.1f} h"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 recording``, ``2,000 recordings``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shown(path: str) -> str:
    """A path from the working directory if it is inside, else from the root; printable whatever bytes it has."""
    here = str(Path.cwd()).rstrip("/") + "/"
    return path.removeprefix(here).encode(errors="backslashreplace").decode()


def rows(header: Sequence[str], table: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns under each other, as wide as they need to be; the last is not padded."""
    widths = [max(map(len, column)) for column in zip(header, *table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (header, *table)
    ]
