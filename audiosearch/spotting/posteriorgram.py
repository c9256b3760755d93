"""Posteriorgrams in few bytes: the likely labels of each frame, and the loss of each against the best one.

Legend: T' emission frames, V labels, N stored frames, E entries.

Keyword spotting needs, for each frame, the difference in log-probability (loss) of each label to the best label;
labels with a loss of MAX_LOSS or more are omitted. A stored frame has one to eight entries, the best label first::

    head          label · 8 + number of further entries
    further       label · 8 + level of its loss, LEVELS of equal width from 0 to MAX_LOSS
    head 0        the blank alone: the following entry is the number of such frames in a row, 1 to 255

An entry takes a byte, or two in little-endian order if the alphabet has more than 32 labels. All heads precede all
further entries, which lets numpy unpack them::

    width │ N, four bytes, little-endian │ heads │ further entries

An hour of speech at 33 frames per second takes 0.4 to 0.5 MB, in an index with its keys 0.8 MB. Further compression
would save 4 %, and undoing it would take longer than the search (``keyword_spotter.py``), which reads this format
directly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import BLANK
from audiosearch.types import Emissions, PackedEmissions, Seconds

MAX_ENTRIES = 8
"""Of a frame."""

LEVELS = 8
MAX_LOSS = 4.8
"""In nats; labels with a larger loss are omitted. A step is 0.6 nats."""

OMITTED_LOSS = 6.5
"""Loss in nats that is assumed for omitted labels."""

MAX_RUN = 255

PIECE_DURATION: Seconds = 5.0
"""Maximum duration of a piece, the unit of storage and of candidates in large libraries."""

HEADER = 5
"""Bytes before the heads."""
_STEP = MAX_LOSS / LEVELS


@dataclass(frozen=True)
class StoredFrames:
    """Content of packed emissions.

    Args:
        heads: [N], as stored.
        further: [E], as stored.
        lengths: number of frames [N] that each stored frame stands for.
        offsets: [N + 1] into ``further``.
    """

    heads: NDArray[np.integer[Any]]
    further: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]


def pack(emissions: Emissions) -> PackedEmissions:
    """Emissions in packed form."""
    data = _pack(np.asarray(emissions.log_probs, np.float32))
    return PackedEmissions(emissions.start, emissions.frame_duration, len(emissions), data)


def pack_in_pieces(emissions: Emissions) -> Iterator[PackedEmissions]:
    """Emissions packed in pieces of up to PIECE_DURATION, cut at likely blanks; hits may span adjoining pieces."""
    frames = len(emissions)
    count = max(-(-frames * emissions.frame_duration // PIECE_DURATION), 1)
    step = frames / count
    first = 0
    for number in range(1, int(count) + 1):
        end = frames
        if number < count:
            low, high = round((number - 1 / 8) * step), round((number + 1 / 8) * step) + 1
            end = low + int(np.argmax(emissions.log_probs[low:high, BLANK]))
        if end > first:
            rows = emissions.log_probs[first:end]
            yield pack(Emissions(rows, emissions.frame_duration, emissions.seconds(first)))
        first = end


def unpack(packed: PackedEmissions, labels: int) -> Emissions:
    """Emissions with ``labels`` labels; omitted labels get OMITTED_LOSS.

    Raises:
        ValueError: the bytes are damaged, or of more labels.
    """
    entries = parse(packed)
    stored = np.arange(len(entries.heads))
    losses = np.full((len(stored), labels), OMITTED_LOSS, np.float32)
    best, counts = (entries.heads >> 3).astype(np.int64), (entries.heads & 7).astype(np.int64)
    owners = np.repeat(stored, counts)
    positions = np.arange(counts.sum()) + np.repeat(entries.offsets[:-1] - np.cumsum(counts) + counts, counts)
    further = entries.further[positions]
    if max(best.max(initial=0), (further >> 3).max(initial=0)) >= labels:
        raise ValueError(f"packed emissions hold a label beyond the {labels} of the alphabet")
    losses[owners, further >> 3] = ((further & 7) + 0.5) * _STEP
    losses[stored, best] = 0.0
    losses = np.repeat(losses, entries.lengths, axis=0)
    log_probs = -losses - np.log(np.exp(-losses).sum(1, keepdims=True))
    return Emissions(log_probs.astype(np.float32), packed.frame_duration, packed.start)


def parse(packed: PackedEmissions) -> StoredFrames:
    """The stored frames; ValueError if the bytes are damaged."""
    width, data = packed.data[0] if packed.data else 0, packed.data
    if width not in (1, 2) or len(data) < HEADER:
        raise ValueError("packed emissions must begin with a width of 1 or 2 and a number of frames")
    count = int.from_bytes(data[1:HEADER], "little")
    numbers: NDArray[np.integer[Any]] = np.frombuffer(data, np.uint8 if width == 1 else "<u2", offset=HEADER)
    heads, further = numbers[:count], numbers[count:]
    entry_counts = np.where(heads == 0, 1, heads & 7).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(entry_counts)])
    if len(heads) < count or offsets[-1] != len(further):
        raise ValueError("packed emissions have another number of entries than their heads say")
    lengths = np.ones(count, np.int64)
    lengths[heads == 0] = further[offsets[:-1][heads == 0]]
    if lengths.sum() != packed.frames:
        raise ValueError(f"packed emissions hold {lengths.sum()} frames, not {packed.frames}")
    return StoredFrames(heads, further, lengths, offsets)


def _pack(log_probs: NDArray[np.float32]) -> bytes:
    labels = log_probs.shape[1]
    assert labels > 1
    count = min(MAX_ENTRIES, labels)
    # The best labels of each frame, in order; the blank comes first among equals.
    order = np.argsort(-log_probs, axis=1, kind="stable")[:, :count]
    losses = np.take_along_axis(log_probs, order[:, :1], 1) - np.take_along_axis(log_probs, order, 1)
    kept = losses < MAX_LOSS  # [T', count]
    entries = order * 8 + np.minimum(losses / _STEP, LEVELS - 1).astype(np.int64)
    entries[:, 0] = order[:, 0] * 8 + kept.sum(1) - 1
    alone = entries[:, 0] == BLANK
    # Runs of the blank alone: only the first frame is stored, with the length of the run in place of an entry.
    begins = alone & ~np.concatenate([[False], alone[:-1]])
    ends = alone & ~np.concatenate([alone[1:], [False]])
    firsts, lengths = np.flatnonzero(begins), np.flatnonzero(ends) - np.flatnonzero(begins) + 1
    pieces = -(-lengths // MAX_RUN)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(firsts, pieces) + number * MAX_RUN
    stored = ~alone
    stored[starts] = True
    entries[starts, 1] = np.minimum(np.repeat(lengths, pieces) - number * MAX_RUN, MAX_RUN)
    kept[starts, 1] = True
    width = 1 if labels <= 32 else 2
    numbers = np.concatenate([entries[stored, 0], entries[stored, 1:][kept[stored, 1:]]])
    body: bytes = numbers.astype(np.uint8 if width == 1 else "<u2").tobytes()
    return bytes([width]) + int(stored.sum()).to_bytes(4, "little") + body
