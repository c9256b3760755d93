"""Names in show notes: words that are written with a capital and that the language model rarely or never expects."""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path

from audiosearch.core import NgramModel
from audiosearch.language_model.notes import read_notes
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
    text = read_notes(path)
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
