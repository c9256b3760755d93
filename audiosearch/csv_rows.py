"""CSV rows (RFC 4180, UTF-8) that a spreadsheet never takes for formulas.

A spreadsheet takes a text that begins with =, +, -, @, a tab or a line break for a formula, which may do harm if it
comes from the name of a stranger's file. Such a text is prefixed with an apostrophe. Numbers are written as numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_line(cells: Iterable[str | float]) -> str:
    """One row, quoted where needed, with a line break at the end."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")  # cells with either character are quoted
    writer.writerow([_escape(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()[:-2] + "\n"


def _escape(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
