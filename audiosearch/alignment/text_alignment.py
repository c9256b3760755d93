"""Alignment of a whole recording with a text, hours long, that need not be the exact words.

The words of a recognizer anchor the text in the recording (``anchors.py``); between anchors, the best path through the
emissions places each word of the text, leaves out words that were not said, and passes over speech that was not
written (``core/alignment.cpp``). Words that it places in text that was not said are taken out (``unsaid_text.py``).

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audiosearch import core
from audiosearch.alignment.anchors import find_anchors
from audiosearch.alignment.forced_alignment import word_spans
from audiosearch.alignment.unsaid_text import said_words
from audiosearch.alphabet import Alphabet
from audiosearch.types import Emissions, Seconds, Word

LETTER_PENALTY = 5.0
"""Of a frame of speech without text, in nats: the loss at which a letter of the text is still preferred."""

WORD_PENALTY = 15.0
"""Of a word of the text that is left out, in nats."""

MIN_STRETCH: Seconds = 8.0
"""Shortest stretch between two anchors that is aligned by itself."""

MAX_CELLS = 200_000_000
"""Bound of a stretch, frames by states of letters and blanks, and of the bytes that its path takes."""


GAP_LOG_PROB = -20.0
"""Of labels other than the blank between segments."""


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
        text: normalized words. Those in a stretch of more than ``MAX_CELLS`` without an anchor remain without times.
    """
    if not segments or not text:
        return AlignedText((), (), _runs_without(range(0), len(text)))
    anchors = find_anchors(text, [word.text for word in recognized])
    placed: list[Word | None] = [None] * len(text)
    for stretch, first, end in _stretches(_Recording(segments, alphabet.blank), recognized, text, anchors):
        peaks = core.find_words(
            stretch.log_probs,
            [alphabet.encode(word) for word in text[first:end]],
            alphabet.blank,
            alphabet.space,
            LETTER_PENALTY,
            WORD_PENALTY,
        )
        found = [number for number, letters in enumerate(peaks) if letters]
        if not found:
            continue
        spans = word_spans([(peaks[number][0].start, peaks[number][-1].end) for number in found], stretch)
        for number, (start, stop) in zip(found, spans, strict=True):
            confidence = math.exp(sum(letter.log_prob for letter in peaks[number]) / len(peaks[number]))
            placed[first + number] = Word(text[first + number], start, stop, min(1.0, confidence))
    said = said_words(placed, {position for position, _ in anchors})
    words = {n: word for n, (word, is_said) in enumerate(zip(placed, said, strict=True)) if word and is_said}
    return AlignedText(tuple(words.values()), tuple(words), _runs_without(list(words), len(text)))


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
        rows: NDArray[np.float32] = np.full((end - first, labels), GAP_LOG_PROB, np.float32)
        rows[:, self._blank] = 0.0
        for number in range(max(0, bisect_right(self._firsts, first) - 1), bisect_left(self._firsts, end)):
            start, log_probs = self._firsts[number], self._segments[number].log_probs
            low, high = max(first, start), min(end, start + len(log_probs))
            if low < high:
                rows[low - first : high - first] = log_probs[low - start : high - start]
        return replace(self._segments[0], log_probs=rows, start=self.start + first * self.frame_duration)


@dataclass(frozen=True)
class _Edge:
    """Place between two words of the text, and its frame."""

    frame: int
    position: int


def _stretches(
    recording: _Recording, recognized: Sequence[Word], text: Sequence[str], anchors: Sequence[tuple[int, int]]
) -> Iterator[tuple[Emissions, int, int]]:
    """Stretches of the recording, each with the first and end position of its words."""
    first, last = _Edge(0, 0), _Edge(recording.frames, len(text))
    for start, end in pairwise([first, *_reliable_edges(recording, recognized, anchors), last]):
        inner: list[_Edge] = []
        if _cells(start, end, text) > MAX_CELLS:
            inner = [
                _Edge(recording.frame(recognized[other].start), position)
                for position, other in anchors
                if start.position < position < end.position
            ]
        for before, after in pairwise([start, *inner, end]):
            if 0 < _cells(before, after, text) <= MAX_CELLS:
                yield recording.between(before.frame, after.frame), before.position, after.position


def _reliable_edges(
    recording: _Recording, recognized: Sequence[Word], anchors: Sequence[tuple[int, int]]
) -> Iterator[_Edge]:
    """Edges between anchors that follow each other in text and recording, at distances of ``MIN_STRETCH``."""
    min_frames = round(MIN_STRETCH / recording.frame_duration)
    previous = 0
    for (position, other), (next_position, next_other) in pairwise(anchors):
        if (next_position, next_other) != (position + 1, other + 1):
            continue
        frame = recording.frame((recognized[other].end + recognized[next_other].start) / 2)
        if frame - previous >= min_frames and recording.frames - frame >= min_frames:
            yield _Edge(frame, next_position)
            previous = frame


def _cells(start: _Edge, end: _Edge, text: Sequence[str]) -> int:
    states = 2 * sum(map(len, text[start.position : end.position]))
    return max(0, end.frame - start.frame) * states


def _runs_without(positions: Sequence[int], count: int) -> tuple[tuple[int, int], ...]:
    """Runs of the numbers below ``count`` that are not among ascending ``positions``."""
    runs, previous = [], 0
    for position in [*positions, count]:
        if position > previous:
            runs.append((previous, position))
        previous = position + 1
    return tuple(runs)
