"""Text that is safe to display on a terminal."""

from __future__ import annotations

JOINERS = "\u200c\u200d"
"""Characters for format that scripts and emoji need; they move nothing."""


def printable(text: str, keep: str = "") -> str:
    r"""Text on one line, with control characters, line breaks and marks of direction as escapes such as ``\x1b``.

    Args:
        keep: control characters that remain, as line breaks of a document.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in JOINERS or character in keep or _is_space(character)
        # a byte of a file name that is not UTF-8, or an escape of Python
        else (f"\\x{ord(character) - 0xDC00:02x}" if "\udc80" <= character <= "\udcff" else ascii(character)[1:-1])
        for character in text
    )


def _is_space(character: str) -> bool:
    """True for spaces of any width within a line."""
    return character.isspace() and character not in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
