"""Files of hot words: words and phrases that the search prefers (``core/hot_words.hpp``)."""

from __future__ import annotations

from pathlib import Path

from audiosearch.errors import ConfigError
from audiosearch.normalizer import normalize


def read_hotwords(path: Path) -> tuple[str, ...]:
    """Distinct, normalized hot words of a file: one word or phrase per line, ``#`` begins a comment.

    Raises:
        ConfigError: the file cannot be read, or a line holds no letters.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: the hot words cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the hot words are not UTF-8 text; save the file as UTF-8.") from error
    phrases: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        phrase = normalize(entry)
        if not phrase:
            raise ConfigError(f"{path}, line {number}: {entry!r} holds no letters; write one word or phrase per line.")
        phrases[phrase] = None
    if not phrases:
        raise ConfigError(f"{path}: holds no hot words; write one word or phrase per line.")
    return tuple(phrases)
