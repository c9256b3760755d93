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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import BLANK
from audiosearch.core import scan_keyword
from audiosearch.spotting.posteriorgram import HEADER, LEVELS, MAX_LOSS
from audiosearch.spotting.scoring import KeywordQuery, SpottingCalibration, features
from audiosearch.types import PackedEmissions, Seconds

UNIT = 0.05
"""Nats of one step of a score."""

LANES = 8
"""States that a processor updates at once."""

MAX_LETTER_DURATION: Seconds = 0.4
MAX_PAUSE: Seconds = 1.5
"""Of hits, per letter and per word: letters strewn over steady noise are no speech."""

_NEVER = -1_000
_SHIFT = 16


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
        self._max_duration = MAX_LETTER_DURATION * self.letters + MAX_PAUSE * self.words
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
        self._boundaries = boundary, 0 if query.unfinished else boundary
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
        data: NDArray[Any] = np.frombuffer(b"".join([piece.data[HEADER:] for piece in pieces]), kind)
        starts = np.cumsum(sizes) - sizes
        adjoin = list(map(_adjoin, pieces, pieces[1:]))
        if recordings:
            adjoin = [adjoins and a == b for adjoins, a, b in zip(adjoin, recordings, recordings[1:], strict=False)]
        runs = [0, *(number for number, adjoins in enumerate(adjoin, start=1) if not adjoins), len(pieces)]
        frames = np.cumsum([0, *(piece.frames for piece in pieces)])
        tables = self._table, self._edges, self._skips, self._losses, self._boundaries
        spans = scan_keyword(data, starts, counts, runs, *tables, self.letters, self._min_score)
        for run, first, end, units in spans:
            score = units * UNIT
            values = features(score, self.letters, end - first, self.words)
            probability = self._calibration.probability(values)
            if probability >= min_probability:
                number = int(np.searchsorted(frames, frames[run] + first, side="right")) - 1
                piece = pieces[number]
                if (end - first) * piece.frame_duration > self._max_duration:
                    continue
                start = piece.start + int(frames[run] + first - frames[number]) * piece.frame_duration
                until = start + (end - first) * piece.frame_duration
                yield KeywordHit(number, start, until, score, end - first, probability, values)


def _adjoin(piece: PackedEmissions, following: PackedEmissions) -> bool:
    """True if a piece begins where the one before it ends."""
    gap = piece.start + piece.frames * piece.frame_duration - following.start
    return abs(gap) < following.frame_duration / 2
