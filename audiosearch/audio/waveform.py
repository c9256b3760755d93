"""How loud a recording is from moment to moment: what a waveform is drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.types import Seconds

if TYPE_CHECKING:
    import numpy as np

PER_SECOND = 20
"""Intervals of a second; a screen has a few hundred columns for a sentence or for three hours."""

_RATE = 8000  # Hz; what is above 4 kHz changes no picture


@dataclass(frozen=True, slots=True)
class Peaks:
    """Loudness in intervals of 1 / PER_SECOND, full scale at 255.

    Args:
        highest: largest magnitude of each.
        effective: root of the mean square of each.
    """

    highest: bytes
    effective: bytes

    def __len__(self) -> int:
        return len(self.highest)


def measure(path: str | Path) -> Peaks:
    """The peaks of a recording.

    Raises:
        AudioError: it cannot be read, or holds no sound.
    """
    import numpy as np

    highest, effective = [], []
    for samples in _intervals(Path(path)):
        magnitudes = np.abs(samples)  # [N, S]: N intervals
        highest.append(magnitudes.max(axis=1))
        effective.append(np.sqrt(np.square(magnitudes).mean(axis=1)))
    whole = [np.clip(np.rint(np.concatenate(parts) * 255), 0, 255).astype(np.uint8) for parts in (highest, effective)]
    return Peaks(whole[0].tobytes(), whole[1].tobytes())


def _intervals(path: Path) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Samples [N, S] of whole intervals; the last is filled up with silence."""
    import numpy as np

    from audiosearch.audio.reader import read_blocks

    length = _RATE // PER_SECOND
    for block in read_blocks(path, _RATE, block_seconds=30.0):  # all but the last are whole intervals
        missing = -len(block) % length
        yield np.pad(block, (0, missing)).reshape(-1, length)


def drawn(peaks: Peaks, points: int, start: Seconds, end: Seconds) -> Peaks:
    """The peaks from ``start`` to ``end`` in so many columns, each with the largest that falls into it."""
    first, span = start * PER_SECOND, (end - start) * PER_SECOND
    columns = []
    for column in range(points):
        begin = int(first + span * column / points)
        columns.append((begin, max(begin + 1, int(first + span * (column + 1) / points))))
    return Peaks(
        bytes(max(peaks.highest[begin:stop], default=0) for begin, stop in columns),
        bytes(max(peaks.effective[begin:stop], default=0) for begin, stop in columns),
    )
