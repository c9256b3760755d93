"""Text that is safe to display on a terminal."""

from __future__ import annotations

import json
import logging
import sys

JOINERS = "\u200c\u200d"
"""Characters for format that scripts and emoji need; they move nothing."""


SHOWN = ("audiosearch", "indexer", "uvicorn")
"""Packages whose warnings are shown; uvicorn reports faults of the server."""


def printable(text: str, keep: str = "") -> str:
    r"""Text on one line, with control characters, line breaks and marks of direction as escapes such as ``\x1b``.

    Args:
        keep: control characters that remain, as line breaks of a document.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character in keep or _is_safe(character)
        # a byte of a file name that is not UTF-8, or an escape of Python
        else (f"\\x{ord(character) - 0xDC00:02x}" if "\udc80" <= character <= "\udcff" else ascii(character)[1:-1])
        for character in text
    )


def document(text: str) -> str | bytes:
    """A document for standard output: exact, also in names that are not UTF-8, but safe to display on a terminal."""
    if sys.stdout.isatty():
        return printable(text, keep="\n\r\t")
    return text if is_unicode(text) else text.encode(errors="surrogateescape")


def is_unicode(text: str) -> bool:
    """False for a name of a file with bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class SafeFormatter(logging.Formatter):
    """Messages of loggers on one line, safe to display."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The message, without the names of the logger and its level."""
        return printable(record.getMessage())


def show_warnings() -> None:
    """Show warnings of loggers on standard error, safe to display, and none by other libraries.

    It has no effect where logging is configured.
    """
    if logging.lastResort is not None and not isinstance(logging.lastResort.formatter, SafeFormatter):
        logging.lastResort.setFormatter(SafeFormatter())
        logging.lastResort.addFilter(lambda record: record.name.partition(".")[0] in SHOWN)


def json_line(record: object) -> str:
    """JSON on one line; what is not safe to display, or not valid Unicode, is an escape of JSON."""
    text = json.dumps(record, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(character if _is_safe(character) else json.dumps(character)[1:-1] for character in text)


def _is_safe(character: str) -> bool:
    """True for letters, marks, joiners, and spaces of any width within a line."""
    if character.isprintable() or character in JOINERS:
        return True
    return character.isspace() and character not in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
