"""Where packed emissions sound like a text: its best place for every end, in one pass over all frames.

A place is scored by the likeliest way to write the text into its frames (a label on one or more frames, blanks between,
as CTC has it) against the likeliest labels of the same frames, whatever they are. What the first is less likely by, in
nats, is the sum of what each frame loses, so packed emissions (``posteriors.py``) are read as they are. A text is the
likelier found the better it begins and ends with a space, a pause or the edge of the stretch.

For each label of the text there are two states, on it and in the blank after it. A token in a state knows how much it
has lost, and at which stored frame it entered the text. Both are one number, so that the better token is the greater::

    score in units, 16 bits │ number of the stored frame, lowest 16 bits

    labels   ──→ t₁ ──→ t₂ ──→ t₃ ──→     t₁ → t₂ without a blank only where they differ
                  ╲    ↗ ╲    ↗ ╲
    blanks         ──→    ──→

Tokens that have lost more than a place may are dead, so that mostly the first few labels are looked at. Of places that
overlap the best is kept. Frames are counted in the loop, which is compiled; threads may run it side by
side.

Legend: N stored frames, P pieces (packed stretches), V labels, L labels of the text, W the same, filled up to eights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit

from audiosearch.alphabet import BLANK
from audiosearch.spotting.posteriorgram import HEADER, LARGEST_LOSS, LEVELS
from audiosearch.spotting.scoring import SoundCalibration, Spelling, features
from audiosearch.types import PackedEmissions, Seconds

UNIT = 0.05
"""Nats of one step of a score."""

LANES = 8
"""States that a processor moves at once."""

AHEAD = 4
"""Frames after which it is looked again how far there are tokens."""

_WORST = -30_000
_NEVER = -1_000
_SHIFT = 16
_FRAMES = (1 << _SHIFT) - 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text may have been said.

    Args:
        piece: number of the packed stretch in which it begins.
        start: of the first letter.
        end: of the last.
        score: nats that it is less likely than the best path, at most 0.
        frames: from first to last.
        probability: that it was said there.
        features: of which that was made.
    """

    piece: int
    start: Seconds
    end: Seconds
    score: float
    frames: int
    probability: float
    features: tuple[float, ...]


class Spotter:
    """Looks for a text."""

    def __init__(self, asked: Spelling, calibration: SoundCalibration) -> None:
        """Prepare to look; ValueError where a character is not in the alphabet."""
        self._calibration = calibration
        self.text = asked.text
        alphabet = asked.alphabet
        labels = alphabet.encode(asked.text)
        assert labels
        self.letters = len(labels)
        self.words = asked.text.count(" ") + 1
        width = LANES * -(-self.letters // LANES)
        floor = round(calibration.floor / UNIT)
        costs = np.full((len(alphabet), len(alphabet)), floor, np.int32)
        np.fill_diagonal(costs, 0)
        self._table = np.zeros((len(alphabet), width), np.int32)
        self._table[:, : self.letters] = costs[:, labels]
        self._edges = np.ascontiguousarray(costs[:, [BLANK, alphabet.space]])
        self._skips = np.zeros(width, np.int32)
        self._skips[1 : self.letters] = [_NEVER << _SHIFT if a == b else 0 for a, b in pairwise(labels)]
        self._losses = np.round((np.arange(LEVELS) + 0.5) * LARGEST_LOSS / LEVELS / UNIT).astype(np.int32)
        boundary = round(calibration.boundary / UNIT)
        self._boundaries = np.array([boundary, 0 if asked.unfinished else boundary], np.int32)
        self._least = -round(calibration.widest * self.letters / UNIT)
        self._narrow = len(alphabet) <= 32

    def find(
        self, pieces: Sequence[PackedEmissions], recordings: Sequence[str] = (), least: float = 0.0
    ) -> Iterator[Place]:
        """Places in packed stretches that are at least so probable.

        Args:
            pieces: a place may go on from one to the next if they adjoin.
            recordings: of which they are; all of one unless given.
        """
        if not pieces:
            return
        kind = np.dtype(np.uint8 if self._narrow else "<u2")
        counts = np.array([int.from_bytes(one.data[1:HEADER], "little") for one in pieces], np.int64)
        sizes = np.array([(len(one.data) - HEADER) // kind.itemsize for one in pieces], np.int64)
        data = np.frombuffer(b"".join([one.data[HEADER:] for one in pieces]), kind)
        starts = np.cumsum(sizes) - sizes
        adjoin = list(map(_adjoin, pieces, pieces[1:]))
        if recordings:
            adjoin = [one and a == b for one, a, b in zip(adjoin, recordings, recordings[1:], strict=False)]
        runs = np.array([0, *(place for place, one in enumerate(adjoin, start=1) if not one), len(pieces)])
        frames = np.cumsum([0, *(one.frames for one in pieces)])
        found = np.empty((int(counts.sum()) // self.letters + len(pieces), 4), np.int32)
        tables = self._table, self._edges, self._skips, self._losses, self._boundaries
        total = _scan(data, starts, counts, runs, *tables, self.letters, self._least, found)
        for run, first, end, units in found[:total].tolist():
            score = units * UNIT
            facts = features(score, self.letters, end - first, self.words)
            probability = self._calibration.probability(facts)
            if probability >= least:
                piece = int(np.searchsorted(frames, frames[run] + first, side="right")) - 1
                one = pieces[piece]
                start = one.start + int(frames[run] + first - frames[piece]) * one.frame_duration
                until = start + (end - first) * one.frame_duration
                yield Place(piece, start, until, score, end - first, probability, facts)


def _adjoin(one: PackedEmissions, other: PackedEmissions) -> bool:
    """Whether the one ends where the other begins."""
    return abs(one.start + one.frames * one.frame_duration - other.start) < other.frame_duration / 2


def compiled(function: Any) -> Any:
    """The function as machine code, which is kept on disk where there is a place for it."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither beside this file nor in the user's cache folder may anything be written
        return njit(nogil=True)(function)


@compiled
def _scan(  # type: ignore[no-untyped-def]
    data, starts, counts, runs, table, edges, skips, losses, boundaries, length, least, found
):
    """Write piece, first frame, end frame and score of each place into ``found`` [·, 4]; returns how many.

    Args:
        data: heads and further entries of all pieces.
        starts: where a piece begins in it [P].
        counts: stored frames of each [P].
        runs: numbers of the pieces that do not go on from the one before, and P.
        table: what each label of the text costs where another is heard [V, W].
        edges: what the blank and the space cost [V, 2].
        skips: added where a label follows another without a blank [W].
        losses: of the levels.
        boundaries: cost of a text that begins amid a word, and that ends so.
        length: L.
        least: score from which on a place counts.
    """
    width = skips.shape[0]
    worst = np.int32(_WORST << _SHIFT)
    most = 0
    for r in range(runs.shape[0] - 1):
        most = max(most, int(counts[runs[r] : runs[r + 1]].sum()))
    on = np.empty(width + 1, np.int32)  # tokens on each label; on[0] is about to enter
    following = np.empty(width + 1, np.int32)
    after = np.empty(width + 1, np.int32)  # tokens in the blank after each label
    row = np.empty(width, np.int32)  # what each label costs in this frame
    ended = np.empty(most, np.int32)  # the token on the last label
    quiet = np.empty((most, 2), np.int32)  # what blank and space cost
    frames = np.empty(most + 1, np.int32)
    total = 0
    for r in range(runs.shape[0] - 1):
        on[:] = worst
        after[:] = worst
        following[:] = worst
        spaced, paused = np.int32(0), np.int32(0)
        frame = 0
        i = -1  # number of the stored frame in the run
        bound = width  # labels from which on no token is alive for now
        for p in range(runs[r], runs[r + 1]):
            more = starts[p] + counts[p]
            for head in range(starts[p], starts[p] + counts[p]):
                i += 1
                entry = np.int32(data[head])
                label = entry >> 3
                blank, space = edges[label, 0], edges[label, 1]
                frames[i] = frame
                if i % AHEAD == 0:
                    # A token goes on by a label a frame at most.
                    top = bound
                    while top and (on[top] >> _SHIFT) < least and (after[top] >> _SHIFT) < least:
                        top -= 1
                    alive = min(LANES * ((top + AHEAD + LANES - 1) // LANES), width)
                    following[alive + 1 : bound + 1] = worst
                    bound = alive
                if entry == 0:
                    frame += int(data[more])
                    more += 1
                    row[:bound] = table[0, :bound]
                else:
                    frame += 1
                    for j in range(bound):
                        row[j] = table[label, j]
                    for _ in range(entry & 7):
                        entry = np.int32(data[more])
                        more += 1
                        label = entry >> 3
                        loss = losses[entry & 7]
                        for j in range(bound):
                            row[j] = min(row[j], table[label, j] + loss)
                        blank = min(blank, edges[label, 0] + loss)
                        space = min(space, edges[label, 1] + loss)
                quiet[i, 0], quiet[i, 1] = blank, space
                before = max(spaced, paused)
                on[0] = (max(before, -boundaries[0]) << _SHIFT) | (i & _FRAMES)
                paused, spaced = before - blank, -space
                for j in range(bound):
                    best = max(max(on[j + 1], after[j]), on[j] + skips[j])
                    following[j + 1] = max(best - (row[j] << _SHIFT), worst)
                after[0] = worst
                for j in range(bound):
                    after[j + 1] = max(max(after[j + 1], on[j + 1]) - (blank << _SHIFT), worst)
                on, following = following, on
                ended[i] = on[length]
        count = i + 1
        frames[count] = frame
        # Backwards, since how well a place ends depends on what follows it.
        ending = np.int32(0)
        first, last, score = 0, 0, least - 1
        for back in range(count):
            i = count - 1 - back
            units = (ended[i] >> _SHIFT) + max(ending, -boundaries[1])
            ending = max(ending - quiet[i, 0], -quiet[i, 1])
            if units < least:
                continue
            start = i - ((i - (ended[i] & _FRAMES)) & _FRAMES)
            if score >= least and i < first:
                found[total, 0], found[total, 1] = runs[r], frames[first]
                found[total, 2], found[total, 3] = frames[last], score
                total += 1
                score = least - 1
            if units > score:
                first, last, score = start, i + 1, units
        if score >= least:
            found[total, 0], found[total, 1] = runs[r], frames[first]
            found[total, 2], found[total, 3] = frames[last], score
            total += 1
    return total
