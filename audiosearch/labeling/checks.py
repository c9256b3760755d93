"""Faults of texts that recognizers write: loops, another language, low confidence.

Self-training leaves out looping texts and the least confident ones (Kahn, Lee and Hannun, "Self-training for
end-to-end speech recognition", ICASSP 2020): a network that learns from them learns the other recognizer's failures.
"""

from __future__ import annotations

import re

MAX_REPEATS = 3
"""A phrase may come so often in a row: "no no no" is said, "thank you" four times in a row is a decoder's loop."""

MAX_LOOP_WORDS = 30
"""Words of the longest phrase that is looked for in loops."""

LONG_PHRASE = 6
"""Words of a phrase that is a loop when it comes twice in a row already."""

MIN_WORDS = 10
"""A shorter text may have none of the words that make it English."""

MIN_ENGLISH = 0.05
"""Share of ``ENGLISH`` among the words of a text. Of 10,900 English ones of ten words and more, 9 have less."""

_ENGLISH = """
the and of to i that it his you with her for not she is but at be have my this by all they which from were we there
would if what when are them been their who then will out up could more now into very your some about like time than
any only our know other how can its after before over has it's i'm don't that's where should was an or as had also
just another such new many most first two three used made under between during through while both each same because
these those until against became including called against well said here
"""
ENGLISH = frozenset(_ENGLISH.split())
"""Frequent words that few other languages have. Whisper and others write what they take for English whatever is said;
where they write another language, hardly any of these are in it."""

_LOOP = re.compile(
    rf"(?<!\S)(?:(?P<short>\S+(?: \S+){{0,{LONG_PHRASE - 2}}}?)(?: (?P=short)(?!\S)){{{MAX_REPEATS},}}"
    rf"|(?P<long>\S+(?: \S+){{{LONG_PHRASE - 1},{MAX_LOOP_WORDS - 1}}}?)(?: (?P=long)(?!\S))+)"
)


def loop(text: str) -> str | None:
    """The phrase that a normal text says more than ``MAX_REPEATS`` times in a row, or twice if long; else None."""
    found = _LOOP.search(text)
    return None if found is None else found["short"] or found["long"]


def loop_spans(text: str) -> list[tuple[int, int]]:
    """Characters ``[start, end)`` of a normal text that are in loops."""
    return [found.span() for found in _LOOP.finditer(text)]


def english_share(text: str) -> float:
    """Share of a text's words that are frequent in English and in few other languages; 1 of a short text."""
    words = text.split()
    return sum(word in ENGLISH for word in words) / len(words) if len(words) >= MIN_WORDS else 1.0
