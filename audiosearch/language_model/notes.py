"""Show notes, text or HTML, and the sentences in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from audiosearch.errors import ConfigError
from audiosearch.tags import normalize_transcript

_IS_HTML = re.compile(r"(?i)<(?:html|body|p|div|br)\b")
_ADDRESS = re.compile(r"(?i)\S*(?:://|@)\S*|\bwww\.\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+|\n")
_BREAKS = ("p", "br", "div", "li", "h1", "h2", "h3", "td")


def read_notes(path: Path) -> str:
    """Text of a file, without the tags of HTML.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: the notes cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save the file as UTF-8.") from error
    return _text_of_html(text) if _IS_HTML.search(text) else text


def sentences(text: str) -> Iterator[str]:
    """Normalized sentences of notes, without addresses of the web and of mail."""
    for sentence in _SENTENCE_END.split(_ADDRESS.sub(" ", text)):
        if normal := normalize_transcript(sentence):
            yield normal


def _text_of_html(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    return "".join(reader.parts)


class _Reader(HTMLParser):
    """The text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("script", "style")
        self.parts.append("\n" if tag in _BREAKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
