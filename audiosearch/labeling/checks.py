"""Checks of texts by recognizers: loops and other languages.

Self-training filters looping transcripts and those of low confidence (Kahn, Lee and Hannun, "Self-training for
end-to-end speech recognition", ICASSP 2020): training on them teaches a network the failures of the recognizer.
"""

from __future__ import annotations

import re

MAX_REPEATS = 3
"""Repetitions of a phrase in normal speech: people say "no no no", but four times "thank you" is a loop."""

MAX_LOOP_WORDS = 30
"""Longest phrase in a loop."""

MIN_LONG_PHRASE = 6
"""Words of a phrase for which two occurrences in a row are a loop."""

MIN_WORDS = 10
"""Shorter texts are not checked: they may lack frequent words."""

MIN_ENGLISH = 0.05
"""Smallest fraction of ENGLISH words in a text. Of 10,900 English texts of ten words or more, 9 have less."""

_ENGLISH = """
the and of to i that it his you with her for not she is but at be have my this by all they which from were we there
would if what when are them been their who then will out up could more now into very your some about like time than
any only our know other how can its after before over has it's i'm don't that's where should was an or as had also
just another such new many most first two three used made under between during through while both each same because
these those until against became including called against well said here
"""
ENGLISH = frozenset(_ENGLISH.split())
"""Frequent words that few other languages have. A recognizer set to English, such as Whisper, may still write another
language; such texts have hardly any of these words."""

_LOOP = re.compile(
    rf"(?<!\S)(?:(?P<short>\S+(?: \S+){{0,{MIN_LONG_PHRASE - 2}}}?)(?: (?P=short)(?!\S)){{{MAX_REPEATS},}}"
    rf"|(?P<long>\S+(?: \S+){{{MIN_LONG_PHRASE - 1},{MAX_LOOP_WORDS - 1}}}?)(?: (?P=long)(?!\S))+)"
)


def find_loop(text: str) -> str | None:
    """Phrase that a normalized text repeats more than MAX_REPEATS times in a row, or twice if long; None without."""
    match = _LOOP.search(text)
    return None if match is None else match["short"] or match["long"]


def loop_spans(text: str) -> list[tuple[int, int]]:
    """Spans ``[start, end)`` of the characters of a normalized text that are in loops."""
    return [match.span() for match in _LOOP.finditer(text)]


def english_share(text: str) -> float:
    """Fraction of ENGLISH among the words of a text; 1 for texts below MIN_WORDS."""
    words = text.split()
    return sum(word in ENGLISH for word in words) / len(words) if len(words) >= MIN_WORDS else 1.0
