"""Words of a long recording → utterances to train on, cut at its pauses.

A stretch of speech that is too long is cut at the widest pause in it, and its parts again::

    words    ▁████▁██▁▁▁▁▁███▁██▁▁▁██▁█████▁
                     ↑ first     ↑ then            a pause of ``MAX_PAUSE`` is always a cut
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audiosearch.types import Seconds, Word

MIN_PAUSE: Seconds = 0.15
"""Shorter ones may be a closed consonant, and times of words are off by some hundredths of a second."""

MAX_PAUSE: Seconds = 2.0
"""No utterance holds a longer one."""

MARGIN: Seconds = 0.25
"""Kept before the first word and after the last, or half of the pause where it is shorter than both margins."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of a span ``[start, end)`` of a recording, which is what is cut out."""

    words: tuple[Word, ...]
    start: Seconds
    end: Seconds

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)


def split_at_pauses(
    words: Sequence[Word], duration: Seconds, *, max_seconds: Seconds, breaks: Sequence[Seconds] = ()
) -> Iterator[Segment]:
    """Segments of a recording in order; one that has no pause to be cut at stays longer than ``max_seconds``.

    Args:
        words: by start.
        duration: of the recording.
        breaks: times at which a transcript itself parts the text; they are pauses, however short.
    """
    if not words:
        return
    gaps = _gaps(words, breaks)
    ends = _running_ends(words)
    waiting = [(0, len(words))]
    while waiting:
        first, end = waiting.pop()
        length = ends[end - 1] - words[first].start
        inside = range(first + 1, end)
        middle = (words[first].start + ends[end - 1]) / 2
        # of pauses that are equally wide, as without word times, the one next to the middle
        widest = max(inside, key=lambda n: (gaps[n], -abs(words[n].start - middle)), default=None)
        if widest is not None and (
            gaps[widest] >= MAX_PAUSE or (gaps[widest] >= MIN_PAUSE and length > max_seconds - 2 * MARGIN)
        ):
            waiting += [(widest, end), (first, widest)]
            continue
        before = words[first].start if first == 0 else max(0.0, words[first].start - ends[first - 1])
        after = duration - ends[end - 1] if end == len(words) else max(0.0, words[end].start - ends[end - 1])
        start = words[first].start - min(MARGIN, before if first == 0 else before / 2)
        stop = ends[end - 1] + min(MARGIN, max(0.0, after if end == len(words) else after / 2))
        yield Segment(tuple(words[first:end]), max(0.0, start), min(duration, stop))


def _gaps(words: Sequence[Word], breaks: Sequence[Seconds]) -> list[Seconds]:
    """The pause before each word: none before the first, and at least ``MIN_PAUSE`` where there is a break."""
    gaps = [0.0]
    ends = _running_ends(words)
    rest = sorted(breaks)
    for number in range(1, len(words)):
        start, end = words[number].start, ends[number - 1]
        gap = start - end
        while rest and rest[0] < words[number - 1].end - 1e-6:
            rest.pop(0)
        if rest and rest[0] <= start + 1e-6:
            gap = max(gap, MIN_PAUSE)
        gaps.append(gap)
    return gaps


def _running_ends(words: Sequence[Word]) -> list[Seconds]:
    """The latest end of the words up to each: of two voices at once, one may end before an earlier one."""
    ends: list[Seconds] = []
    for word in words:
        ends.append(max(word.end, ends[-1] if ends else 0.0))
    return ends
