"""Forced alignment: emissions and their text to timed words, by the Viterbi path.

The best CTC path of a text (``core/alignment.cpp``) gives the frames of each letter, a peak of a frame or two within
its sound. The extent of a word beyond its first and last peak was measured on speech with known word times.

Legend: T' emission frames, V labels of the alphabet, L labels of the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audiosearch import core
from audiosearch.alphabet import Alphabet
from audiosearch.types import Emissions, Seconds, Word

LEAD: Seconds = 0.07
TAIL: Seconds = 0.04
"""Time by which a word starts before its first peak and ends after its last one, if its neighbors leave room.

Measured on 2156 words of two speakers. On 1519 words of a third, the mean error of starts is then 22 ms and of ends
27 ms, instead of 48 and 39 ms, without bias.
"""


def align(emissions: Emissions, text: str, alphabet: Alphabet) -> tuple[Word, ...]:
    """The words of ``text`` with times and confidences.

    Words come in order, do not overlap and lie within the emissions. The confidence of a word is the geometric mean
    of its letters' probabilities, each where it is highest.

    Raises:
        ValueError: the text has a character that is not in the alphabet, or more labels than there are frames.
    """
    words = text.split()
    if not words:
        return ()
    peaks = find_peaks(emissions.log_probs, alphabet.encode(" ".join(words)), alphabet.blank)
    letter_peaks: list[list[core.Peak]] = []
    first = 0
    for word in words:
        letter_peaks.append(peaks[first : first + len(word)])
        first += len(word) + 1  # the space
    spans = word_spans([(letters[0].start, letters[-1].end) for letters in letter_peaks], emissions)
    return tuple(
        Word(word, start, end, min(1.0, math.exp(sum(letter.log_prob for letter in letters) / len(letters))))
        for word, (start, end), letters in zip(words, spans, letter_peaks, strict=True)
    )


def find_peaks(log_probs: NDArray[np.float32], labels: Sequence[int], blank: int) -> list[core.Peak]:
    """The peak of each label in log-probs [T', V] on the best CTC path through all frames.

    Raises:
        ValueError: there are more labels than frames, counting a blank between equal ones.
    """
    repeats = sum(a == b for a, b in pairwise(labels))
    if len(labels) + repeats > len(log_probs):
        raise ValueError(f"{len(labels)} labels, {repeats} of them repeated, do not fit into {len(log_probs)} frames")
    return core.find_peaks(np.asarray(log_probs, np.float32), labels, blank)


def word_spans(frames: list[tuple[int, int]], emissions: Emissions) -> list[tuple[Seconds, Seconds]]:
    """Times of words, given the frames from the first to the last peak of each.

    ::

        peaks      ▁▁█▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▁█▁█▁▁▁
                   └┤    ├──┘        └┤ ├──┘
                  LEAD    TAIL      LEAD TAIL      a gap too short for both is divided in proportion
    """
    lead, tail = LEAD / emissions.frame_duration, TAIL / emissions.frame_duration
    starts, ends = [max(0.0, frames[0][0] - lead)], []
    for (_, end), (start, _) in pairwise(frames):
        share = min(1.0, (start - end) / (lead + tail))
        ends.append(end + share * tail)
        starts.append(start - share * lead)
    ends.append(min(float(len(emissions)), frames[-1][1] + tail))
    spans = [(emissions.seconds(start), emissions.seconds(end)) for start, end in zip(starts, ends, strict=True)]
    # Rounding may make a word end slightly after the next one starts.
    following = [start for start, _ in spans[1:]] + [spans[-1][1]]
    return [(start, min(end, next_start)) for (start, end), next_start in zip(spans, following, strict=True)]
