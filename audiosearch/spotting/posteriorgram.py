"""Emissions in few bytes: the likely labels of each frame, and what the best path loses by taking them.

Legend: T' emission frames, V labels, N stored frames, E entries.

A search by sound needs of a frame how much less likely each label is than the likeliest one; labels that are less
likely than by LARGEST_LOSS are left out. A stored frame has one to eight entries, the likeliest label first::

    head          label · 8 + number of further entries
    further       label · 8 + level of its loss, LEVELS of equal width from 0 to LARGEST_LOSS
    head 0        the blank alone: what follows in place of entries is how many frames in a row are so, 1 to 255

An entry takes a byte; two, lowest first, where an alphabet has more than 32 labels. All heads stand before all further
entries, which lets numpy unpack them::

    width │ N, four bytes, lowest first │ heads │ further entries

That is 0.4 to 0.5 MB for an hour of speech at 33 frames a second. To compress it further would save 4 %, and undoing
that would take longer than the search (``spotting.py``), which reads it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import BLANK
from audiosearch.types import Emissions, PackedEmissions, Seconds

MOST = 8
"""Entries of a frame."""

LEVELS = 8
LARGEST_LOSS = 4.8
"""In nats; what is less likely is left out. A step is 0.6 nats."""

LEFT_OUT = 6.5
"""Loss in nats that is assumed for what was left out."""

LONGEST_RUN = 255

PIECE: Seconds = 5.0
"""What is kept together; candidates of a search in a large library are pieces."""

HEADER = 5
"""Bytes before the heads."""
_STEP = LARGEST_LOSS / LEVELS


@dataclass(frozen=True)
class Entries:
    """What a packed stretch holds.

    Args:
        heads: [N], as they are stored.
        further: [E], as they are stored.
        lengths: frames [N] that each stored one stands for.
        offsets: [N + 1] into ``further``.
    """

    heads: NDArray[np.integer[Any]]
    further: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]


def pack(emissions: Emissions) -> PackedEmissions:
    """The likely labels of each frame."""
    data = _pack(np.asarray(emissions.log_probs, np.float32))
    return PackedEmissions(emissions.start, emissions.frame_duration, len(emissions), data)


def pack_in_pieces(emissions: Emissions) -> Iterator[PackedEmissions]:
    """The same in pieces of up to PIECE, cut where it is quiet; a search goes on from one to the next."""
    frames = len(emissions)
    count = max(-(-frames * emissions.frame_duration // PIECE), 1)
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
    """Emissions with as many labels as the alphabet has; what was left out shares LEFT_OUT.

    Raises:
        ValueError: the bytes are not what ``pack`` makes of so many labels.
    """
    entries = read(packed)
    stored = np.arange(len(entries.heads))
    losses = np.full((len(stored), labels), LEFT_OUT, np.float32)
    best, counts = (entries.heads >> 3).astype(np.int64), (entries.heads & 7).astype(np.int64)
    owners = np.repeat(stored, counts)
    places = np.arange(counts.sum()) + np.repeat(entries.offsets[:-1] - np.cumsum(counts) + counts, counts)
    further = entries.further[places]
    if max(best.max(initial=0), (further >> 3).max(initial=0)) >= labels:
        raise ValueError(f"packed emissions hold a label beyond the {labels} of the alphabet")
    losses[owners, further >> 3] = ((further & 7) + 0.5) * _STEP
    losses[stored, best] = 0.0
    losses = np.repeat(losses, entries.lengths, axis=0)
    log_probs = -losses - np.log(np.exp(-losses).sum(1, keepdims=True))
    return Emissions(log_probs.astype(np.float32), packed.frame_duration, packed.start)


def read(packed: PackedEmissions) -> Entries:
    """The stored frames; ValueError where the bytes are damaged."""
    width, data = packed.data[0] if packed.data else 0, packed.data
    if width not in (1, 2) or len(data) < HEADER:
        raise ValueError("packed emissions begin with a width of 1 or 2, and a number of frames")
    count = int.from_bytes(data[1:HEADER], "little")
    numbers: NDArray[np.integer[Any]] = np.frombuffer(data, np.uint8 if width == 1 else "<u2", offset=HEADER)
    heads, further = numbers[:count], numbers[count:]
    taken = np.where(heads == 0, 1, heads & 7).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(taken)])
    if len(heads) < count or offsets[-1] != len(further):
        raise ValueError("packed emissions have more or fewer entries than their frames say")
    lengths = np.ones(count, np.int64)
    lengths[heads == 0] = further[offsets[:-1][heads == 0]]
    if lengths.sum() != packed.frames:
        raise ValueError(f"packed emissions hold {lengths.sum()} frames, not {packed.frames}")
    return Entries(heads, further, lengths, offsets)


def _pack(log_probs: NDArray[np.float32]) -> bytes:
    labels = log_probs.shape[1]
    assert labels > 1
    most = min(MOST, labels)
    # The likeliest labels of each frame, in order; the blank before another label that is exactly as likely.
    order = np.argsort(-log_probs, axis=1, kind="stable")[:, :most]
    losses = np.take_along_axis(log_probs, order[:, :1], 1) - np.take_along_axis(log_probs, order, 1)
    kept = losses < LARGEST_LOSS  # [T', most]
    entries = order * 8 + np.minimum(losses / _STEP, LEVELS - 1).astype(np.int64)
    entries[:, 0] = order[:, 0] * 8 + kept.sum(1) - 1
    alone = entries[:, 0] == BLANK
    # Runs of the blank alone: of each only the first frame is stored, with the length in place of an entry.
    begins = alone & ~np.concatenate([[False], alone[:-1]])
    ends = alone & ~np.concatenate([alone[1:], [False]])
    firsts, lengths = np.flatnonzero(begins), np.flatnonzero(ends) - np.flatnonzero(begins) + 1
    pieces = -(-lengths // LONGEST_RUN)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(firsts, pieces) + number * LONGEST_RUN
    stored = ~alone
    stored[starts] = True
    entries[starts, 1] = np.minimum(np.repeat(lengths, pieces) - number * LONGEST_RUN, LONGEST_RUN)
    kept[starts, 1] = True
    width = 1 if labels <= 32 else 2
    numbers = np.concatenate([entries[stored, 0], entries[stored, 1:][kept[stored, 1:]]])
    body: bytes = numbers.astype(np.uint8 if width == 1 else "<u2").tobytes()
    return bytes([width]) + int(stored.sum()).to_bytes(4, "little") + body
