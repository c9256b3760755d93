"""One signal of several channels, chosen by their content.

The plain average is right for most recordings. It is wrong if the channels have opposite phase, since they cancel, and
if one of them has noise, a tone or a time code over the speech of another. Every WINDOW of a recording is judged by
itself; the weights of the window before it remain unless others are clearly better.

Legend: C channels, S samples.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.audio.channels.speech_bands import (
    MIN_SPEECH,
    band_energies,
    burst,
    energy_floor,
    finite,
    speech_score,
)
from audiosearch.audio.samples import Piece, Samples, mix_down
from audiosearch.types import Seconds

logger = logging.getLogger(__name__)

WINDOW: Seconds = 5.0
"""Sound that is judged at once, and the delay of the output."""

MIN_WINDOW: Seconds = 0.7
"""A shorter rest keeps the weights before it."""

MIN_BURST = 8.0
"""Level of the loudest moments above the usual one, in dB, that may be a few words in a noisy channel."""

MIN_GAIN = 1.5
"""Smallest gain of the speech score, in dB, for which the weights change."""

MIN_ALIKE, MIN_SAME = 0.5, 0.8
"""Magnitudes of the correlation above which two channels share content, and above which one may stand for both."""

CENTER, BASS = 2, 3
"""Channels of surround sound, which has six or more."""

_FADE: Seconds = 0.02

Weights = tuple[float, ...]
"""Weight of each channel; the empty tuple is the plain average."""


def mixed(path: Path, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces [C, S] as pieces [S] of the same lengths; a notice names weights other than the plain average."""
    used: dict[Weights, Seconds] = {}
    weights: Weights | None = None  # of the window before
    for window in windows(pieces):
        if window[0].samples.shape[0] == 1:
            weights = None
            yield from (Piece(rate, mix_down(samples)) for rate, samples in window)
            continue
        before = weights if weights is None or len(weights) in (0, len(window[0].samples)) else None
        weights = _judged(window, before or ())
        yield from _weighted(window, weights if before is None else before, weights, used)
    if any(used):
        logger.warning("%s: is not recognized from the average of its channels: %s.", path, _notice(used))


def windows(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces of about WINDOW with the same rate and number of channels; those with one channel do not wait."""
    waiting: list[Piece] = []
    count = 0
    for piece in pieces:
        if waiting and (piece.rate, len(piece.samples)) != (waiting[0].rate, len(waiting[0].samples)):
            yield waiting
            waiting, count = [], 0
        waiting.append(piece)
        count += piece.samples.shape[1]
        if len(piece.samples) == 1 or count >= WINDOW * piece.rate:
            yield waiting
            waiting, count = [], 0
    if waiting:
        yield waiting


def _notice(used: dict[Weights, Seconds]) -> str:
    parts = []
    for weights, seconds in used.items():
        if weights:
            chosen = [channel_name(number, len(weights)) for number, weight in enumerate(weights) if weight]
            turned = [channel_name(number, len(weights)) for number, weight in enumerate(weights) if weight < 0]
            inverted = f" with {' and '.join(turned)} inverted" if turned else " alone" if len(chosen) == 1 else ""
            parts.append(f"{' and '.join(chosen)}{inverted} for {seconds:.0f} s")
    return "; ".join(parts)


def channel_name(number: int, channels: int) -> str:
    """Name of a channel, counted from 0: left, right, or channel 3."""
    return ("left", "right")[number] if channels == 2 else f"channel {number + 1}"


def _weighted(pieces: list[Piece], before: Weights, weights: Weights, used: dict[Weights, Seconds]) -> Iterator[Piece]:
    """Weighted sums of the pieces; the first begins with the weights before and changes within _FADE."""
    for number, (rate, samples) in enumerate(pieces):
        used[weights] = used.get(weights, 0.0) + samples.shape[1] / rate
        summed = _sum(samples, weights)
        if number == 0 and before != weights:
            fade = min(round(_FADE * rate), len(summed))
            share = np.arange(fade, dtype=np.float32) / np.float32(max(fade, 1))
            summed = summed.copy()
            summed[:fade] = share * summed[:fade] + (1 - share) * _sum(samples[:, :fade], before)
        yield Piece(rate, summed)


def _sum(samples: Samples, weights: Weights) -> Samples:
    """Weighted sum of the channels: [C, S] → [S]; samples of channels without weight have no effect, NaN included."""
    if not weights:
        return mix_down(samples)
    chosen = [number for number, weight in enumerate(weights) if weight]
    with np.errstate(invalid="ignore", over="ignore"):  # non-finite samples are reported later
        first, *rest = (np.float32(weights[number]) * samples[number] for number in chosen)
        for part in rest:
            first = first + part
    return np.asarray(first, np.float32)


def _judged(pieces: list[Piece], weights: Weights) -> Weights:
    """Best weights for a window, or those before if they are about as good."""
    rate = pieces[0].rate
    samples = pieces[0].samples if len(pieces) == 1 else np.concatenate([piece.samples for piece in pieces], axis=1)
    if samples.shape[1] < MIN_WINDOW * rate:
        return weights
    with np.errstate(invalid="ignore", over="ignore"):
        products = (samples @ samples.T).astype(np.float64)
    if not np.isfinite(products).all():
        samples = finite(samples)
        products = (samples @ samples.T).astype(np.float64)
    norms = np.sqrt(np.maximum(products.diagonal(), 1e-20))
    alike = products / np.outer(norms, norms)
    if not weights and alike.min() > 0.9:  # ordinary recordings end here
        return weights
    loudest = products.diagonal().max() / samples.shape[1]
    if loudest < 1e-9:
        return weights
    bands = [band_energies(channel, rate) for channel in samples]
    floor = energy_floor(bands)
    scores = np.array([speech_score(band, floor) for band in bands])
    clearest = int(scores.argmax())
    for number, band in enumerate(bands):  # a few words at the edge of a window
        if burst(band, floor) >= MIN_BURST and abs(alike[clearest, number]) < MIN_ALIKE:
            scores[number] = max(scores[number], MIN_SPEECH)
    candidates = _candidates(scores, alike)
    if len(samples) >= 6 and scores[CENTER] >= MIN_SPEECH and _is_bass(bands[BASS], float(products[BASS, BASS])):
        candidates = [tuple(float(number == CENTER) for number in range(len(samples)))]
    if not candidates:
        return weights
    rated = {
        candidate: speech_score(band_energies(_gain(candidate, len(samples)) * _sum(samples, candidate), rate), floor)
        for candidate in {weights, Weights(), *candidates}
    }
    best = max(candidates, key=lambda candidate: rated[candidate])
    if rated[Weights()] > rated[best] - MIN_GAIN / 2:
        best = Weights()
    allowed = weights in candidates or not weights
    return weights if allowed and rated[best] < rated[weights] + MIN_GAIN else best


def is_surround(samples: Samples, rate: int) -> bool:
    """True for channels [C, S] of surround sound, not of several microphones."""
    if len(samples) < 6:
        return False
    return _is_bass(band_energies(samples[BASS], rate), float(np.square(samples[BASS], dtype=np.float64).sum()))


def _is_bass(bands: NDArray[Any], energy: float) -> bool:
    audible = float(bands.sum()) / (0.1875 * max(energy, 1e-20))  # of a Hann window
    return audible < 0.25


def _gain(weights: Weights, channels: int) -> float:
    """Factor that gives every choice of weights the loudness of its loudest channel, so that all have one floor."""
    return 1.0 if weights else float(min(channels, 2))


def _candidates(scores: NDArray[Any], alike: NDArray[Any]) -> list[Weights]:
    """Weights that leave out no speech: all channels with speech, and single ones that are like all the others."""
    spoken = [number for number, score in enumerate(scores) if score >= MIN_SPEECH]
    if not spoken:
        return []
    best = max(spoken, key=lambda number: float(scores[number]))
    every = [0.0] * len(scores)
    for number in spoken:
        every[number] = (-1.0 if alike[best, number] < -MIN_ALIKE else 1.0) / len(spoken)
    found = [tuple(every)]
    for number in spoken:
        if all(abs(alike[number, other]) > MIN_SAME for other in spoken):
            found.append(tuple(float(other == number) for other in range(len(scores))))
    return found
