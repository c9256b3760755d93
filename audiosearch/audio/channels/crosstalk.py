"""Channels of a conversation without the voices that leak into them from other channels.

A channel follows another where the levels of its bands rise and fall with those of the other, at once or as a late
echo. Where it is the fainter one, this is cross-talk, and it is muted, as the same words are in the other channel.

Legend: C channels, K selected channels, S samples, F frames, B bands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audiosearch.audio.channels.mixing import windows
from audiosearch.audio.channels.speech_bands import band_energies, energy_floor, finite
from audiosearch.audio.samples import Piece, Samples
from audiosearch.types import Seconds

FRAME: Seconds = 0.02

CONTEXT = 12
"""Frames before and after a frame in which its levels are compared."""

MIN_LIKENESS = 0.7
"""Correlation of the levels of two channels above which one follows the other."""

MIN_FAINTER = 3.0
"""Difference of the levels, in dB, from which the fainter channel is muted; below it, all but the first are."""

MAX_DELAY = 20
"""Delay of an echo, in frames."""

MIN_ECHO = 0.5
"""Correlation of the levels of an echo over several seconds."""

MIN_MUTED = 8
"""Frames of the shortest cross-talk."""

Levels = NDArray[np.float64]


def levels(energies: Levels, floor: float) -> Levels:
    """Levels [F, B] of bands, in dB."""
    return np.asarray(10 * np.log10(energies + floor / energies.shape[1]), np.float64)


def likeness(first: Levels, second: Levels) -> NDArray[np.float64]:
    """Correlation [F] of the levels [F, B] of two channels around each frame, each band about its own mean."""
    sums = [_local_sums(values) for values in (first, second, first * second, first * first, second * second)]
    counts = _local_sums(np.ones((len(first), 1)))
    x, y, xy, xx, yy = (values / counts for values in sums)
    covariance = (xy - x * y).sum(axis=1)
    variances = np.maximum((xx - x * x).sum(axis=1), 1e-3) * np.maximum((yy - y * y).sum(axis=1), 1e-3)
    return np.asarray(covariance / np.sqrt(variances), np.float64)


def _local_sums(values: Levels) -> Levels:
    """Sums over the frames from CONTEXT before to CONTEXT after each frame."""
    totals = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    frames = np.arange(len(values))
    return np.asarray(
        totals[np.minimum(frames + CONTEXT + 1, len(values))] - totals[np.maximum(frames - CONTEXT, 0)], np.float64
    )


def without_crosstalk(pieces: Iterable[Piece], channels: Sequence[int]) -> Iterator[Piece]:
    """Pieces [C, S] as pieces [K, S] of the selected channels; a channel that is missing in a piece is silent."""
    history: list[Levels] = []
    for window in windows(pieces):
        rate = window[0].rate
        joined = np.concatenate([piece.samples for piece in window], axis=1)
        selected = np.zeros((len(channels), joined.shape[1]), np.float32)
        for row, channel in enumerate(channels):
            if channel < len(joined):
                selected[row] = joined[channel]
        energies = [band_energies(finite(channel), rate, FRAME) for channel in selected]
        frames = len(energies[0])
        if frames > CONTEXT:
            known = len(history[0]) if history else 0
            extended = [np.concatenate([*history[row : row + 1], own]) for row, own in enumerate(energies)]
            for row, muted in enumerate(_crosstalk(extended)):
                if muted[known:].any():
                    selected[row] *= _gains(~muted[known:], selected.shape[1])
            history = [own[-(CONTEXT + MAX_DELAY) :] for own in energies]
        yield Piece(rate, selected)


def _gains(audible: NDArray[np.bool_], length: int) -> Samples:
    """Factors [S] that change from frame to frame without a step."""
    centers = (np.arange(len(audible)) + 0.5) * (length / len(audible))
    return np.interp(np.arange(length), centers, audible).astype(np.float32)


def _crosstalk(energies: Sequence[Levels]) -> list[NDArray[np.bool_]]:
    """Frames [F] of each channel that are cross-talk."""
    floor = energy_floor(energies)
    found = [np.zeros(len(energies[0]), np.bool_) for _ in energies]
    if floor <= 0:
        return found
    bands = [levels(energy, floor) for energy in energies]
    totals = [10 * np.log10(energy.sum(axis=1) + floor) for energy in energies]
    for leak in range(len(bands)):
        for source in range(len(bands)):
            if leak == source:
                continue
            for delay in {0, _echo_delay(bands[leak], bands[source])}:
                late = np.concatenate([bands[source][:1].repeat(delay, axis=0), bands[source]])[: len(bands[leak])]
                level = np.concatenate([totals[source][:1].repeat(delay), totals[source]])[: len(bands[leak])]
                margin = MIN_FAINTER if delay or leak < source else -MIN_FAINTER
                follows = likeness(bands[leak], late) >= MIN_LIKENESS
                found[leak] |= follows & (level - totals[leak] >= margin)
    return [_without_short(muted) for muted in found]


def _echo_delay(echo: Levels, source: Levels) -> int:
    """Delay, in frames, with which a channel follows another best where it is the fainter one; 0 without an echo."""
    best, delay = MIN_ECHO, 0
    for frames in range(min(MAX_DELAY, len(echo) - 1)):
        first, second = echo[frames:], source[: len(source) - frames]
        where = (second - first).mean(axis=1) >= MIN_FAINTER
        if where.sum() < 2 * CONTEXT:
            continue
        first, second = first[where], second[where]
        first, second = first - first.mean(axis=0), second - second.mean(axis=0)
        energies = float(np.square(first).sum()) * float(np.square(second).sum())
        alike = float((first * second).sum()) / max(energies, 1e-9) ** 0.5
        if alike > best:
            best, delay = alike, frames
    return delay


def _without_short(muted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The frames without runs of fewer than MIN_MUTED, except at the edges."""
    edges = np.flatnonzero(np.diff(muted)) + 1
    result: NDArray[np.bool_] = muted.copy()
    for start, end in pairwise(edges):
        if end - start < MIN_MUTED:
            result[start:end] = False
    return result
