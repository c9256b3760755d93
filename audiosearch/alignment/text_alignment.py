"""Alignment of a whole recording with a text, hours long, that need not be the exact words.

The words of a recognizer anchor the text in the recording (``anchors.py``); between anchors, the best path through the
emissions places each word of the text, leaves out words that were not said, and passes over speech that was not
written (``core/alignment.cpp``).

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audiosearch import core
from audiosearch.alignment.anchors import find_anchors
from audiosearch.alignment.forced_alignment import word_spans
from audiosearch.alphabet import Alphabet
from audiosearch.types import Emissions, Seconds, Word

LETTER_PENALTY = 5.0
"""Of a frame of speech without text, in nats: the loss at which a letter of the text is still preferred."""

WORD_PENALTY = 15.0
"""Of a word of the text that is left out, in nats."""

MIN_STRETCH: Seconds = 8.0
"""Shortest stretch between two anchors that is aligned by itself."""

MAX_CELLS = 400_000_000
"""Bound of a stretch, frames by letters, and of the bytes that its path takes."""


@dataclass(frozen=True)
class AlignedText:
    """A text in a recording.

    Args:
        words: those with times, in order.
        positions: of each of them among the words of the text.
        unsaid: runs ``[start, end)`` of words of the text that have no times.
    """

    words: tuple[Word, ...]
    positions: tuple[int, ...]
    unsaid: tuple[tuple[int, int], ...]


def align_text(
    segments: Sequence[Emissions], recognized: Sequence[Word], text: Sequence[str], alphabet: Alphabet
) -> AlignedText:
    """Align normalized words with a recording.

    Args:
        segments: emissions of the recording, cut at pauses.
        recognized: the words of a recognizer, with times.
        text: normalized words.
    """
    if not segments or not text:
        return AlignedText((), (), _runs_without(range(0), len(text)))
    words: list[Word] = []
    positions: list[int] = []
    for stretch, first, end in _stretches(_Recording(segments, alphabet.blank), recognized, text):
        peaks = core.find_words(
            stretch.log_probs,
            [alphabet.encode(word) for word in text[first:end]],
            alphabet.blank,
            alphabet.space,
            LETTER_PENALTY,
            WORD_PENALTY,
        )
        said = [number for number, letters in enumerate(peaks) if letters]
        if not said:
            continue
        spans = word_spans([(peaks[number][0].start, peaks[number][-1].end) for number in said], stretch)
        for number, (start, stop) in zip(said, spans, strict=True):
            confidence = math.exp(sum(letter.log_prob for letter in peaks[number]) / len(peaks[number]))
            words.append(Word(text[first + number], start, stop, min(1.0, confidence)))
            positions.append(first + number)
    return AlignedText(tuple(words), tuple(positions), _runs_without(positions, len(text)))


class _Recording:
    """Emissions of a whole recording; gaps between segments are blanks."""

    def __init__(self, segments: Sequence[Emissions], blank: int) -> None:
        self.start = segments[0].start
        self.frame_duration = segments[0].frame_duration
        self._segments = segments
        self._firsts = [round((segment.start - self.start) / self.frame_duration) for segment in segments]
        self._blank = blank
        self.frames = self._firsts[-1] + len(segments[-1])

    def frame(self, time: Seconds) -> int:
        return min(self.frames, max(0, round((time - self.start) / self.frame_duration)))

    def between(self, first: int, end: int) -> Emissions:
        """Emissions of the frames ``[first, end)``."""
        labels = self._segments[0].log_probs.shape[1]
        rows: NDArray[np.float32] = np.full((end - first, labels), -20.0, np.float32)
        rows[:, self._blank] = 0.0
        for start, segment in zip(self._firsts, self._segments, strict=True):
            low, high = max(first, start), min(end, start + len(segment))
            if low < high:
                rows[low - first : high - first] = segment.log_probs[low - start : high - start]
        return replace(self._segments[0], log_probs=rows, start=self.start + first * self.frame_duration)


def _stretches(
    recording: _Recording, recognized: Sequence[Word], text: Sequence[str]
) -> list[tuple[Emissions, int, int]]:
    """Stretches of the recording, each with the first and end position of its words."""
    anchors = find_anchors(text, [word.text for word in recognized])
    edges = [(0, 0)]
    min_frames = round(MIN_STRETCH / recording.frame_duration)
    for (position, other), (next_position, next_other) in zip(anchors, anchors[1:], strict=False):
        if (next_position, next_other) != (position + 1, other + 1):
            continue
        # Between two words that follow each other in both.
        time = (recognized[other].end + recognized[next_other].start) / 2
        frame = recording.frame(time)
        if frame - edges[-1][0] >= min_frames and recording.frames - frame >= min_frames:
            edges.append((frame, next_position))
    edges.append((recording.frames, len(text)))
    return [
        (recording.between(start, stop), first, end)
        for (start, first), (stop, end) in zip(edges, edges[1:], strict=False)
        if stop > start and end > first
    ]


def _runs_without(positions: Sequence[int], count: int) -> tuple[tuple[int, int], ...]:
    """Runs of the numbers below ``count`` that are not among ascending ``positions``."""
    runs, previous = [], 0
    for position in [*positions, count]:
        if position > previous:
            runs.append((previous, position))
        previous = position + 1
    return tuple(runs)
