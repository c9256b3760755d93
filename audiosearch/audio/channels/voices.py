"""Channels with a voice of their own, as in telephone calls and interviews with a microphone for each speaker.

Frames with speech of a channel are its own if it is clearly louder than another channel, or if both change
independently. In ordinary stereo sound, music included, nearly all frames are common to both channels.

Legend: C channels, S samples, F frames, B bands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audiosearch.audio.channels.crosstalk import FRAME, Levels, levels, likeness
from audiosearch.audio.channels.mixing import is_surround
from audiosearch.audio.channels.speech_bands import band_energies, energy_floor, finite, speech_score
from audiosearch.audio.samples import Piece, Samples
from audiosearch.types import Seconds

SPANS = 24
"""Places of a long recording at which its channels are compared."""

SPAN: Seconds = 5.0

FIRST_SPANS = 6
"""Places after which recordings with equal channels are not examined further."""

MIN_EQUAL = 0.9
"""Correlation of equal channels."""

MIN_VOICE = 6.0
"""Lowest speech score of a voice, in dB."""

MIN_LOUDER = 8.0
"""Difference, in dB, from which a louder channel has a frame of its own."""

MAX_INDEPENDENT = 0.3
"""Likeness of independent channels (``crosstalk.likeness``)."""

MIN_OWN, MAX_COMMON = 0.04, 0.3
"""Smallest share of own frames of a voice, and largest of common ones, among the frames with sound."""

MIN_OWN_SECONDS: Seconds = 1.0


def places(duration: Seconds) -> list[Seconds]:
    """Starts of the spans to compare: first some over the whole recording, then those between."""
    count = min(SPANS, int(duration / SPAN) or 1)
    starts = [number * max(duration - SPAN, 0.0) / max(count - 1, 1) for number in range(count)]
    step = max(count // FIRST_SPANS, 1)
    first = starts[step // 2 :: step][:FIRST_SPANS]
    return first + [start for start in starts if start not in first]


def separate_voices(spans: Iterable[Piece]) -> tuple[int, ...]:
    """Channels to recognize one by one, counted from 0; empty if the recording is to be recognized as one signal.

    Args:
        spans: [C, S] at ``places``, or all of a short recording.
    """
    compared: list[_Span] = []
    equal = 0
    for number, (rate, samples) in enumerate(spans, start=1):
        samples = finite(samples)
        if len(samples) < 2 or (compared and len(samples) != len(compared[0].energies)):
            return ()
        if is_surround(samples, rate):
            return ()
        equal += _are_equal(samples)
        if number == equal == FIRST_SPANS:
            return ()
        compared.append(_Span([band_energies(channel, rate, FRAME) for channel in samples]))
    return _voices(compared) if len(compared) > equal else ()


def _are_equal(samples: Samples) -> bool:
    products = (samples @ samples.T).astype(np.float64)
    norms = np.sqrt(np.maximum(products.diagonal(), 1e-20))
    return bool((products / np.outer(norms, norms)).min() > MIN_EQUAL)


@dataclass(frozen=True)
class _Span:
    """Energies [F, B] of each channel in a part of the recording."""

    energies: list[Levels]


def _voices(spans: Sequence[_Span]) -> tuple[int, ...]:
    """Channels with voices of their own; of equal channels one, and no channel in which several are mixed."""
    channels = range(len(spans[0].energies))
    joined = [np.concatenate([span.energies[channel] for span in spans]) for channel in channels]
    floor = energy_floor(joined)
    if floor <= 0:
        return ()
    totals = [10 * np.log10(energies.sum(axis=1) + floor) for energies in joined]
    voices = [channel for channel in channels if speech_score(joined[channel], floor) >= MIN_VOICE]
    active = {channel: _is_active(totals[channel]) for channel in voices}
    if len(voices) < 2:
        return ()
    sounding = np.any(list(active.values()), axis=0)
    enough = max(MIN_OWN * sounding.sum(), MIN_OWN_SECONDS / FRAME)
    alike = {
        (first, second): np.concatenate(
            [likeness(levels(span.energies[first], floor), levels(span.energies[second], floor)) for span in spans]
        )
        for first in voices
        for second in voices
        if first < second
    }

    def differs(first: int, second: int) -> bool:
        """True if ``first`` has enough frames that ``second`` lacks."""
        independent = alike[min(first, second), max(first, second)] < MAX_INDEPENDENT
        own = active[first] & ((totals[first] - totals[second] > MIN_LOUDER) | independent)
        return bool(own.sum() >= enough)

    kept: list[int] = []
    for channel in voices:
        if all(differs(channel, other) or differs(other, channel) for other in kept):
            kept.append(channel)
    parts = {a: [b for b in kept if b != a and not differs(b, a)] for a in kept}
    kept = [channel for channel in kept if len(parts[channel]) < 2]
    kept = [channel for channel in kept if not any(channel in parts[other] for other in kept)]
    common = [
        float((sounding & (np.abs(totals[a] - totals[b]) < MIN_LOUDER) & (alike[a, b] > 0.6)).sum())
        for a in kept
        for b in kept
        if a < b
    ]
    if not common or max(common) > MAX_COMMON * sounding.sum():
        return ()
    return tuple(kept)


def _is_active(totals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Frames [F] that stand out from the noise of a channel and are not much fainter than its loud ones."""
    return np.asarray(totals > max(np.percentile(totals, 10) + 9, np.percentile(totals, 95) - 25), np.bool_)
