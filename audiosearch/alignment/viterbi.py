"""The likeliest way to write labels into frames, compiled. No torch, so that decoding processes stay small.

Legend: T' emission frames, V labels of the alphabet, L labels of the text.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def label_frames(
    log_probs: NDArray[np.float32], labels: Sequence[int], blank: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First frames [L] and frames after the last [L] of each label on the likeliest CTC path through all frames.

    Raises:
        ValueError: there are more labels than frames, counting a blank between equal ones.
    """
    repeats = sum(a == b for a, b in pairwise(labels))
    if len(labels) + repeats > len(log_probs):
        raise ValueError(f"{len(labels)} labels, {repeats} of them repeated, do not fit into {len(log_probs)} frames")
    if not labels:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    found: tuple[Any, Any] = _label_frames(np.asarray(log_probs, np.float32), np.asarray(labels, np.int64), blank)
    return found


@njit(cache=True, nogil=True)
def _label_frames(log_probs: Any, labels: Any, blank: int) -> Any:
    # States: blank, label 0, blank, label 1, …, blank. Each is reached from itself, the one before, or, where a
    # label differs from the last one, from that.
    frames, states = len(log_probs), 2 * len(labels) + 1
    never = np.float64(-1e30)
    score = np.full(states, never)
    steps = np.zeros((frames, states), np.int8)
    score[0] = log_probs[0, blank]
    score[1] = log_probs[0, labels[0]]
    for t in range(1, frames):
        for s in range(states - 1, -1, -1):
            best, step = score[s], 0
            if s > 0 and score[s - 1] > best:
                best, step = score[s - 1], 1
            if s > 2 and s % 2 == 1 and labels[s // 2] != labels[s // 2 - 1] and score[s - 2] > best:
                best, step = score[s - 2], 2
            score[s] = best + log_probs[t, labels[s // 2] if s % 2 == 1 else blank]
            steps[t, s] = step
    state = states - 1 if score[states - 1] > score[states - 2] else states - 2
    starts = np.zeros(len(labels), np.int64)
    ends = np.zeros(len(labels), np.int64)
    for t in range(frames - 1, -1, -1):
        if state % 2 == 1:
            starts[state // 2] = t
            if ends[state // 2] == 0:
                ends[state // 2] = t + 1
        state -= steps[t, state]
    return starts, ends
