"""Names of downloaded files, safe on all systems, and the header that carries them (RFC 6266)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

MAX_NAME_BYTES = 180
"""Bytes of a name without suffix; file systems allow 255, some encrypted ones 143 characters."""

FALLBACK = "recording"
"""Name where nothing else remains."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
"""Characters that some file system forbids."""

_JOINERS = "\u200c\u200d"
"""Characters for format that scripts and emoji need; other ones, as marks of direction, could disguise a suffix."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names of devices on Windows."""


def safe_name(text: str) -> str:
    """A name without suffix that all file systems allow, as similar to a text as possible."""
    characters = []
    for character in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(character)
        if kind.startswith("Z") or character in "\t\n\v\f\r\x85":
            characters.append(" ")
        elif kind == "Cs" or _FORBIDDEN.match(character):  # Cs: a byte that is not UTF-8
            characters.append("_")
        elif kind not in ("Cc", "Cf", "Co") or character in _JOINERS:
            characters.append(character)
    name = " ".join("".join(characters).split())
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(". ")
    if not name.strip("_" + _JOINERS):
        return FALLBACK
    return f"_{name}" if _DEVICES.match(name) else name


def attachment(name: str) -> dict[str, str]:
    """The header that makes browsers save a response under a name with suffix."""
    stem, dot, suffix = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().rpartition(".")
    simple = (re.sub(r'["\\%/]', "_", stem).strip() or FALLBACK) + dot + suffix  # some browsers decode percent signs
    return {"content-disposition": f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"}
