"""Lines of CSV (RFC 4180, UTF-8) that a spreadsheet takes as what they are.

A text that begins with =, +, -, @, a tab or a line break is a formula to a spreadsheet, which may then do what a
stranger's file name says. Such a text gets an apostrophe in front. Numbers are given as numbers and never get one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_line(cells: Iterable[str | float]) -> str:
    """The cells with commas between them and quotes where needed, ending with a line break."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")  # what holds either of these letters is quoted
    writer.writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()[:-2] + "\n"


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
