"""Keyword spotting in packed emissions: the best spans of a text, in one pass over all frames.

A span is scored by the best CTC path of the text in its frames, relative to the best labels of the same frames. The
difference in nats is the sum of the losses of the frames, so packed emissions (``posteriorgram.py``) are read as they
are. A span loses less if the text begins and ends at a space, a pause or the edge of the emissions.

For each label of the text there are two states, ``on_label`` and ``on_blank`` (``ctc.py``). A token in a state holds
its score, and the stored frame at which it entered the text, in one number, so that the better token is the greater::

    score in units, 16 bits │ number of the stored frame, lowest 16 bits

Tokens that have lost more than the maximum are dead, so that mostly the first few labels are visited. Of overlapping
spans the best is kept. The compiled loop releases the GIL: threads may run it side by side.

Legend: N stored frames, P pieces of packed emissions, V labels, L labels of the text, W the same, padded to LANES.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from audiosearch.alphabet import BLANK
from audiosearch.ctc import compiled
from audiosearch.spotting.posteriorgram import HEADER, LEVELS, MAX_LOSS
from audiosearch.spotting.scoring import KeywordQuery, SpottingCalibration, features
from audiosearch.types import PackedEmissions, Seconds

UNIT = 0.05
"""Nats of one step of a score."""

LANES = 8
"""States that a processor updates at once."""

CHECK_INTERVAL = 4
"""Frames between two checks of the range of live tokens."""

_WORST = -30_000
_NEVER = -1_000
_SHIFT = 16
_FRAMES = (1 << _SHIFT) - 1


@dataclass(frozen=True, slots=True)
class KeywordHit:
    """A span that may hold a text.

    Args:
        piece: number of the piece in which it begins.
        start: of the first letter.
        end: of the last letter.
        score: log-probability relative to the best path, in nats; at most 0.
        frames: number of frames.
        probability: that the text is said there.
        features: from which the probability was computed.
    """

    piece: int
    start: Seconds
    end: Seconds
    score: float
    frames: int
    probability: float
    features: tuple[float, ...]


class KeywordSpotter:
    """Search for one text."""

    def __init__(self, query: KeywordQuery, calibration: SpottingCalibration) -> None:
        """Prepare the search; ValueError if a character is not in the alphabet."""
        self._calibration = calibration
        self.text = query.text
        alphabet = query.alphabet
        labels = alphabet.encode(query.text)
        assert labels
        self.letters = len(labels)
        self.words = query.text.count(" ") + 1
        width = LANES * -(-self.letters // LANES)
        floor = round(calibration.floor / UNIT)
        costs = np.full((len(alphabet), len(alphabet)), floor, np.int32)
        np.fill_diagonal(costs, 0)
        self._table = np.zeros((len(alphabet), width), np.int32)
        self._table[:, : self.letters] = costs[:, labels]
        self._edges = np.ascontiguousarray(costs[:, [BLANK, alphabet.space]])
        self._skips = np.zeros(width, np.int32)
        self._skips[1 : self.letters] = [_NEVER << _SHIFT if a == b else 0 for a, b in pairwise(labels)]
        self._losses = np.round((np.arange(LEVELS) + 0.5) * MAX_LOSS / LEVELS / UNIT).astype(np.int32)
        boundary = round(calibration.boundary / UNIT)
        self._boundaries = np.array([boundary, 0 if query.unfinished else boundary], np.int32)
        self._min_score = -round(calibration.max_loss_per_letter * self.letters / UNIT)
        self._narrow = len(alphabet) <= 32

    def find(
        self, pieces: Sequence[PackedEmissions], recordings: Sequence[str] = (), min_probability: float = 0.0
    ) -> Iterator[KeywordHit]:
        """Hits in pieces of packed emissions, in no particular order.

        Args:
            pieces: hits may span pieces that adjoin.
            recordings: the recording of each piece; by default all pieces are of one recording.
            min_probability: of a hit.
        """
        if not pieces:
            return
        kind = np.dtype(np.uint8 if self._narrow else "<u2")
        counts = np.array([int.from_bytes(piece.data[1:HEADER], "little") for piece in pieces], np.int64)
        sizes = np.array([(len(piece.data) - HEADER) // kind.itemsize for piece in pieces], np.int64)
        data = np.frombuffer(b"".join([piece.data[HEADER:] for piece in pieces]), kind)
        starts = np.cumsum(sizes) - sizes
        adjoin = list(map(_adjoin, pieces, pieces[1:]))
        if recordings:
            adjoin = [adjoins and a == b for adjoins, a, b in zip(adjoin, recordings, recordings[1:], strict=False)]
        runs = np.array([0, *(number for number, adjoins in enumerate(adjoin, start=1) if not adjoins), len(pieces)])
        frames = np.cumsum([0, *(piece.frames for piece in pieces)])
        spans = np.empty((int(counts.sum()) // self.letters + len(pieces), 4), np.int32)
        tables = self._table, self._edges, self._skips, self._losses, self._boundaries
        total = _scan(data, starts, counts, runs, *tables, self.letters, self._min_score, spans)
        for run, first, end, units in spans[:total].tolist():
            score = units * UNIT
            values = features(score, self.letters, end - first, self.words)
            probability = self._calibration.probability(values)
            if probability >= min_probability:
                number = int(np.searchsorted(frames, frames[run] + first, side="right")) - 1
                piece = pieces[number]
                start = piece.start + int(frames[run] + first - frames[number]) * piece.frame_duration
                until = start + (end - first) * piece.frame_duration
                yield KeywordHit(number, start, until, score, end - first, probability, values)


def _adjoin(piece: PackedEmissions, following: PackedEmissions) -> bool:
    """True if a piece begins where the one before it ends."""
    gap = piece.start + piece.frames * piece.frame_duration - following.start
    return abs(gap) < following.frame_duration / 2


@compiled
def _scan(  # type: ignore[no-untyped-def]
    data, starts, counts, runs, table, edges, skips, losses, boundaries, length, min_score, spans
):
    """Write run, first frame, end frame and score of each hit into ``spans`` [·, 4]; returns their number.

    Args:
        data: heads and further entries of all pieces.
        starts: offset of each piece in ``data`` [P].
        counts: stored frames of each piece [P].
        runs: numbers of the pieces that begin a run of adjoining pieces, and P.
        table: loss of each label of the text in a frame of another label [V, W].
        edges: loss of the blank and of the space [V, 2].
        skips: added where a label follows another without a blank [W].
        losses: of the levels.
        boundaries: maximum loss of a text that begins within a word, and of one that ends within a word.
        length: L.
        min_score: of a hit.
    """
    width = skips.shape[0]
    worst = np.int32(_WORST << _SHIFT)
    longest_run = 0
    for r in range(runs.shape[0] - 1):
        longest_run = max(longest_run, int(counts[runs[r] : runs[r + 1]].sum()))
    on_label = np.empty(width + 1, np.int32)  # tokens on each label; on_label[0] is about to enter
    following = np.empty(width + 1, np.int32)
    on_blank = np.empty(width + 1, np.int32)  # tokens in the blank after each label
    row = np.empty(width, np.int32)  # loss of each label in this frame
    finished = np.empty(longest_run, np.int32)  # token on the last label
    pauses = np.empty((longest_run, 2), np.int32)  # losses of blank and space
    frames = np.empty(longest_run + 1, np.int32)
    total = 0
    for r in range(runs.shape[0] - 1):
        on_label[:] = worst
        on_blank[:] = worst
        following[:] = worst
        after_space, after_blank = np.int32(0), np.int32(0)
        frame = 0
        i = -1  # number of the stored frame in the run
        bound = width  # labels from here on have no live token
        for p in range(runs[r], runs[r + 1]):
            further = starts[p] + counts[p]
            for head in range(starts[p], starts[p] + counts[p]):
                i += 1
                entry = np.int32(data[head])
                label = entry >> 3
                blank, space = edges[label, 0], edges[label, 1]
                frames[i] = frame
                if i % CHECK_INTERVAL == 0:
                    # A token advances by at most one label per frame.
                    top = bound
                    while top and (on_label[top] >> _SHIFT) < min_score and (on_blank[top] >> _SHIFT) < min_score:
                        top -= 1
                    live = min(LANES * ((top + CHECK_INTERVAL + LANES - 1) // LANES), width)
                    following[live + 1 : bound + 1] = worst
                    bound = live
                if entry == 0:
                    frame += int(data[further])
                    further += 1
                    row[:bound] = table[0, :bound]
                else:
                    frame += 1
                    for j in range(bound):
                        row[j] = table[label, j]
                    for _ in range(entry & 7):
                        entry = np.int32(data[further])
                        further += 1
                        label = entry >> 3
                        loss = losses[entry & 7]
                        for j in range(bound):
                            row[j] = min(row[j], table[label, j] + loss)
                        blank = min(blank, edges[label, 0] + loss)
                        space = min(space, edges[label, 1] + loss)
                pauses[i, 0], pauses[i, 1] = blank, space
                before = max(after_space, after_blank)
                on_label[0] = (max(before, -boundaries[0]) << _SHIFT) | (i & _FRAMES)
                after_blank, after_space = before - blank, -space
                for j in range(bound):
                    best = max(max(on_label[j + 1], on_blank[j]), on_label[j] + skips[j])
                    following[j + 1] = max(best - (row[j] << _SHIFT), worst)
                on_blank[0] = worst
                for j in range(bound):
                    on_blank[j + 1] = max(max(on_blank[j + 1], on_label[j + 1]) - (blank << _SHIFT), worst)
                on_label, following = following, on_label
                finished[i] = on_label[length]
        count = i + 1
        frames[count] = frame
        # Backwards, since the score of an end depends on what follows it.
        ending = np.int32(0)
        first, last, score = 0, 0, min_score - 1
        for back in range(count):
            i = count - 1 - back
            units = (finished[i] >> _SHIFT) + max(ending, -boundaries[1])
            ending = max(ending - pauses[i, 0], -pauses[i, 1])
            if units < min_score:
                continue
            start = i - ((i - (finished[i] & _FRAMES)) & _FRAMES)
            if score >= min_score and i < first:
                spans[total, 0], spans[total, 1] = runs[r], frames[first]
                spans[total, 2], spans[total, 3] = frames[last], score
                total += 1
                score = min_score - 1
            if units > score:
                first, last, score = start, i + 1, units
        if score >= min_score:
            spans[total, 0], spans[total, 1] = runs[r], frames[first]
            spans[total, 2], spans[total, 3] = frames[last], score
            total += 1
    return total
