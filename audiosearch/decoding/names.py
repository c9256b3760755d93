"""Names in show notes: words that are written with a capital and that the language model rarely or never expects."""

from __future__ import annotations

import re
from collections.abc import Set
from html.parser import HTMLParser
from pathlib import Path

from audiosearch.core import NgramModel
from audiosearch.errors import ConfigError
from audiosearch.normalizer import normalize

MAX_LOG10 = -5.3
"""Log10 probability up to which a known word is rare; five in a million."""

MIN_LETTERS = 4
"""Of a name; shorter ones sound like parts of other words."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?:…][\"”’)\]]*\s+$|\n\s*$|^\s*$")


def read_names(path: Path, ngrams: NgramModel, known: Set[str] | None = None) -> tuple[str, ...]:
    """Normalized names in a text or HTML file, in the order of their first appearance.

    A word at the beginning of a sentence counts only if the language model does not know it, or if it is written with
    a capital within a sentence, too.

    Args:
        known: words of ``ngrams``, which take long to list; None: list them.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: the names cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save the file as UTF-8.") from error
    if re.search(r"(?i)<(?:html|body|p|div|br)\b", text):
        text = _text_of_html(text)
    known = set(ngrams.words) if known is None else known
    names: dict[str, None] = {}
    for match in _WORD.finditer(text):
        word = normalize(match.group())
        if not match.group()[0].isupper() or " " in word or len(word) < MIN_LETTERS:
            continue
        if word in known and (
            ngrams.score(ngrams.start(), word)[0] > MAX_LOG10
            or _SENTENCE_END.search(text[max(0, match.start() - 40) : match.start()])
        ):
            continue
        names[word] = None
    return tuple(names)


def _text_of_html(html: str) -> str:
    class Reader(HTMLParser):
        parts: list[str]
        hidden = 0

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.hidden += tag in ("script", "style")
            self.parts.append("\n" if tag in ("p", "br", "div", "li", "h1", "h2", "h3", "td") else "")

        def handle_endtag(self, tag: str) -> None:
            self.hidden -= tag in ("script", "style")

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                self.parts.append(data)

    reader = Reader()
    reader.parts = []
    reader.feed(html)
    return "".join(reader.parts)
