"""Words of several voices in an order in which phrases stay together although another voice speaks between.

Each voice is followed to its next pause; what others said meanwhile comes after it, or before it if it waited long.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from audiosearch.transcripts.imported import Token
from audiosearch.types import Seconds, Word

PAUSE: Seconds = 1.0
"""Pause of a voice after which another may go on."""

MAX_DELAY: Seconds = 10.0
"""Longest time by which a word comes after a later one."""


def in_turns(words: Sequence[Word]) -> Sequence[Word]:
    """Words by turns of their voices; unchanged if there are fewer than two voices."""
    if len({word.voice for word in words}) < 2:
        return words
    queues: dict[str | None, list[Word]] = {}
    for word in reversed(by_time(words)):
        queues.setdefault(word.voice, []).append(word)  # the next one is the last
    ordered: list[Word] = []
    while queues:
        first = min(queues, key=lambda voice: queues[voice][-1].start)
        if ordered and ordered[-1].voice in queues:
            following = queues[ordered[-1].voice][-1]
            waiting = following.start - queues[first][-1].start
            if following.start - ordered[-1].end < PAUSE and waiting < MAX_DELAY:
                first = ordered[-1].voice
        ordered.append(queues[first].pop())
        if not queues[first]:
            del queues[first]
    return ordered


def by_time(words: Sequence[Word]) -> Sequence[Word]:
    """Words of several voices by their starts; unchanged if no voice is known."""
    if all(word.voice is None for word in words):
        return words
    return sorted(words, key=lambda word: (word.start, word.end, word.voice or ""))


def with_speakers(tokens: Sequence[Token], turns: Iterable[tuple[Seconds, Seconds, str | None]]) -> Sequence[Token]:
    """Tokens, if none has a voice, with the speaker of the turn that their middle is in.

    Args:
        turns: start, end and speaker.
    """
    ordered = sorted(turns, key=lambda turn: turn[:2])
    if not ordered or any(token.voice is not None for token in tokens):
        return tokens
    starts = [start for start, _, _ in ordered]
    named = []
    for token in tokens:
        middle = ((token.start or 0.0) + (token.end or 0.0)) / 2
        number = bisect_right(starts, middle) - 1
        is_inside = number >= 0 and middle <= ordered[number][1]
        named.append(replace(token, voice=ordered[number][2]) if is_inside else token)
    return named
