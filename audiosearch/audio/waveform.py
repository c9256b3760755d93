"""Peaks of a recording, from which a waveform is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.types import Seconds

if TYPE_CHECKING:
    import numpy as np

PER_SECOND = 20
"""Intervals per second; a screen has a few hundred columns for a sentence or for three hours."""

_RATE = 8000  # Hz; frequencies above 4 kHz do not change the picture


@dataclass(frozen=True, slots=True)
class Peaks:
    """Loudness in intervals of 1 / PER_SECOND, full scale at 255.

    Args:
        highest: largest magnitude in each interval.
        effective: root mean square of each interval.
    """

    highest: bytes
    effective: bytes

    def __len__(self) -> int:
        return len(self.highest)


def compute_peaks(path: str | Path, track: int | None = None) -> Peaks:
    """Compute the peaks of a recording.

    Args:
        track: as in ``reader.probe``.

    Raises:
        AudioError: the recording cannot be read, or contains no audio.
    """
    import numpy as np

    highest, effective = [], []
    for samples in _intervals(Path(path), track):
        magnitudes = np.abs(samples)  # [N, S]: N intervals
        highest.append(magnitudes.max(axis=1))
        effective.append(np.sqrt(np.square(magnitudes).mean(axis=1)))
    whole = [np.clip(np.rint(np.concatenate(parts) * 255), 0, 255).astype(np.uint8) for parts in (highest, effective)]
    return Peaks(whole[0].tobytes(), whole[1].tobytes())


def _intervals(path: Path, track: int | None) -> Iterator[np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Yield samples [N, S] of whole intervals; the last one is padded with silence."""
    import numpy as np

    from audiosearch.audio.reader import read_blocks

    length = _RATE // PER_SECOND
    for block in read_blocks(path, _RATE, 30.0, track=track):  # all but the last are whole intervals
        missing = -len(block) % length
        yield np.pad(block, (0, missing)).reshape(-1, length)


def resample_peaks(peaks: Peaks, points: int, start: Seconds, end: Seconds) -> Peaks:
    """Maximum of the peaks in each of ``points`` equal columns from ``start`` to ``end``."""
    first, span = start * PER_SECOND, (end - start) * PER_SECOND
    columns = []
    for column in range(points):
        begin = int(first + span * column / points)
        columns.append((begin, max(begin + 1, int(first + span * (column + 1) / points))))
    return Peaks(
        bytes(max(peaks.highest[begin:stop], default=0) for begin, stop in columns),
        bytes(max(peaks.effective[begin:stop], default=0) for begin, stop in columns),
    )
