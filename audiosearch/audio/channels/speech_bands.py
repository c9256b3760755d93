"""Energies of a channel in bands, and the speech in them.

Speech is told from other sound by two properties of short frames: its level changes strongly, several times a second,
and so does the shape of its spectrum. Noise, hum, tones and time codes have neither.

Legend: S samples, F frames, B bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.audio.samples import Samples
from audiosearch.types import Seconds

FRAME: Seconds = 0.04

BANDS = (200.0, 400.0, 700.0, 1100.0, 1700.0, 2600.0, 3800.0)
"""Edges of the bands, in Hz."""

MIN_SPEECH = 4.0
"""Lowest speech score of a channel with speech, in dB."""

RANGE_DB = 60.0
"""Sound that is fainter than the loudest frame of any channel by more counts as silence."""


def finite(samples: Samples) -> Samples:
    """Samples whose energy can be computed."""
    return np.clip(np.nan_to_num(samples), -1e3, 1e3)


def band_energies(samples: Samples, rate: int, frame: Seconds = FRAME) -> NDArray[np.float64]:
    """Energies [F, B] of frames."""
    length = max(round(frame * rate), 16)
    count = len(samples) // length
    frames = samples[: count * length].reshape(count, length) * np.hanning(length).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))
    edges = np.searchsorted(np.fft.rfftfreq(length, 1 / rate), BANDS)
    edges = np.minimum(edges, power.shape[1] - 1)
    sums = np.add.reduceat(power, edges, axis=1)[:, :-1]
    energies: NDArray[np.float64] = (sums / length).astype(np.float64)
    return energies


def energy_floor(bands: Sequence[NDArray[Any]]) -> float:
    """Energy of a frame that counts as silence beside the loudest one of several channels."""
    return max(float(band.sum(axis=1).max(initial=0.0)) for band in bands) * 10 ** (-RANGE_DB / 10)


def burst(energies: NDArray[np.float64], floor: float) -> float:
    """Level that one frame in 25 exceeds, above the median level, in dB."""
    usual, loud = np.percentile(10 * np.log10(energies.sum(axis=1) + floor), (50, 96))
    return float(loud - usual)


def speech_score(energies: NDArray[np.float64], floor: float) -> float:
    """Change of level or of spectral shape from frame to frame, whichever is less, in dB.

    Args:
        energies: [F, B].
        floor: energy of a frame that counts as silence.
    """
    levels = 10 * np.log10(energies.sum(axis=1) + floor)
    modulation = float(levels.std())
    loud = energies[levels >= np.percentile(levels, 60)]
    shapes = 10 * np.log10(loud + floor / 10)
    shapes -= shapes.mean(axis=1, keepdims=True)
    return min(modulation, 2 * float(shapes.std(axis=0).mean()))
