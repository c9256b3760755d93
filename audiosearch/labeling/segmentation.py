"""Cut a long recording with word times into utterances at its pauses.

A segment that is too long is cut at its widest pause, and its parts recursively::

    words    ▁████▁██▁▁▁▁▁███▁██▁▁▁██▁█████▁
                     ↑ first     ↑ then            a pause of ``MAX_PAUSE`` is always a cut
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audiosearch.types import Seconds, Word

MIN_PAUSE: Seconds = 0.15
"""Shorter pauses may be closures of consonants; times of words are accurate to some hundredths of a second."""

MAX_PAUSE: Seconds = 2.0
"""Longest pause within an utterance."""

MARGIN: Seconds = 0.25
"""Silence before the first and after the last word; half of the pause if it is shorter than two margins."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A span ``[start, end)`` of a recording with its words."""

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
    """Segments of a recording, in order; a segment without a pause may be longer than ``max_seconds``.

    Args:
        words: in the order of start times.
        duration: of the recording.
        breaks: times of segment boundaries in the transcript, which count as pauses however short.
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
        # of equally wide pauses, as without word times, the one closest to the middle
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
    """Pause before each word: 0 before the first, at least MIN_PAUSE at a break."""
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
    """Latest end of all words up to each; words of overlapping voices may end before earlier words."""
    ends: list[Seconds] = []
    for word in words:
        ends.append(max(word.end, ends[-1] if ends else 0.0))
    return ends
