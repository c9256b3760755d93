"""A QR code on a terminal; the only module that imports segno."""

from __future__ import annotations

import io
import shutil
import sys

WHITE_ON_BLACK, RESET = "\x1b[97;40m", "\x1b[0m"
BORDER = 4
"""Light modules around the code that readers may demand (ISO/IEC 18004)."""


def qr_code(text: str) -> str | None:
    """Lines of the QR code of a text; None where standard output is no terminal that can show it."""
    import segno

    if not sys.stdout.isatty():
        return None
    code = segno.make(text, error="l", micro=False)
    drawn = io.StringIO()
    code.terminal(out=drawn, compact=True, border=BORDER)
    lines = drawn.getvalue().splitlines()
    columns, rows = shutil.get_terminal_size()
    if columns < code.symbol_size(border=BORDER)[0] or rows < len(lines):
        return None
    try:
        drawn.getvalue().encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return None
    return "\n".join(f"{WHITE_ON_BLACK}{line}{RESET}" for line in lines)
