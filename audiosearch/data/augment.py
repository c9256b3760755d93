"""Random augmentation of training utterances: drawing its parameters, and applying them to a batch on the device.

All parameters are a function of (seed, epoch, utterance), so there is no random state to store, and lengths after
augmentation are known before batches are formed.

Legend: N utterances, B batch, S samples, T frames, F bins, M masks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audiosearch.acoustic.features import bin_frequencies, frequency_bins
from audiosearch.config import AugmentConfig, FeaturesConfig

ROOM_SECONDS = 1.0
"""Length of a room response from the direct sound on; the rest is cut off."""

QUIET_DBFS = (-85.0, -55.0)
"""Level of the noise in silence added around an utterance: few recorders give digital zeros."""

WARP_EDGE = 0.85
"""End of the first line of a warp, as a fraction of the highest frequency."""

TIME_MASK_FRACTION = 0.2
"""Largest fraction of an utterance that a time mask covers (p in Park et al. 2019)."""


@dataclass(frozen=True)
class Draws:
    """Augmentation parameters; all arrays have one row per utterance."""

    samples: NDArray[np.int64]  # as recorded
    padded: NDArray[np.int64]  # before resampling, ≥ samples
    resampled: NDArray[np.int64]  # length of padded after resampling; the same at unchanged speed
    before: NDArray[np.int64]  # samples of quiet
    after: NDArray[np.int64]
    quiet: NDArray[np.float64]  # amplitude of the quiet
    gain: NDArray[np.float64]  # factor
    noise: NDArray[np.int64]  # recording, -1: none
    noise_at: NDArray[np.float64]  # relative position in it, [0, 1)
    snr: NDArray[np.float64]  # power ratio
    room: NDArray[np.int64]  # response, -1: none
    band: NDArray[np.float64]  # low-pass edge in Hz, 0: none
    warp: NDArray[np.float64]  # factor of frequencies, 1: none
    time_masks: NDArray[np.float64]  # [N, M, 2] position and width, each of [0, 1)
    frequency_masks: NDArray[np.float64]  # [N, M, 2]

    @property
    def changed(self) -> NDArray[np.int64]:
        """Samples after the change of speed."""
        return -(-self.samples * self.resampled // self.padded)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Samples after augmentation."""
        return self.before + self.changed + self.after

    def take(self, utterances: NDArray[np.int64]) -> Draws:
        """Rows of the given utterances."""
        return Draws(**{field.name: getattr(self, field.name)[utterances] for field in fields(self)})


def draw(
    samples: NDArray[np.int64], config: AugmentConfig, sample_rate: int, seed: int, epoch: int, noises: int, rooms: int
) -> Draws:
    """Draw parameters for all utterances of an epoch.

    Args:
        samples: lengths [N].
        noises, rooms: number of recordings of noise, and of room responses.
    """
    rng = np.random.default_rng([seed, epoch, 0])
    count = len(samples)

    def chosen(probability: float) -> NDArray[np.bool_]:
        return rng.random(count) < probability

    def between(limits: tuple[float, float]) -> NDArray[np.float64]:
        return rng.uniform(min(limits), max(limits), count)

    # Each line always draws the same number of values, independently of the other settings.
    change_speed, speed = chosen(config.speed_probability), between(config.speed)
    padded = np.where(change_speed, _smooth_at_least(samples), np.maximum(samples, 1))
    resampled = np.where(change_speed, _smooth_at_least(np.ceil(padded / speed).astype(np.int64)), padded)
    silence = chosen(config.silence_probability)
    before = np.where(silence, between(config.silence_seconds) * sample_rate, 0).astype(np.int64)
    after = np.where(silence, between(config.silence_seconds) * sample_rate, 0).astype(np.int64)
    quiet = 10 ** (between(QUIET_DBFS) / 20)
    gain = 10 ** (between(config.gain_db) / 20)
    mix, which, noise_at = chosen(config.noise_probability), rng.random(count), rng.random(count)
    noise = np.where(mix & (noises > 0), (which * noises).astype(np.int64), -1)
    snr = 10 ** (between(config.noise_snr_db) / 10)
    reverberate, which = chosen(config.room_probability), rng.random(count)
    room = np.where(reverberate & (rooms > 0), (which * rooms).astype(np.int64), -1)
    band = np.where(chosen(config.band_limit_probability), between(config.band_limit_hz), 0.0)
    warp = np.where(chosen(config.warp_probability), between(config.warp), 1.0)
    return Draws(
        samples, padded, resampled, before, after, quiet, gain, noise, noise_at, snr, room, band, warp,
        rng.random((count, config.time_masks, 2)),
        rng.random((count, config.frequency_masks, 2)),
    )  # fmt: skip


def _smooth_numbers(limit: int) -> NDArray[np.int64]:
    """Even numbers up to ``limit`` with no prime factor above 7: fast lengths for the Fourier transform."""
    numbers = np.array([2], dtype=np.int64)
    for prime in (2, 3, 5, 7):
        powers = prime ** np.arange(int(np.log(limit) / np.log(prime)) + 1, dtype=np.int64)
        numbers = np.unique(numbers[:, None] * powers)
        numbers = numbers[numbers <= limit]
    return numbers


def _smooth_at_least(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(lengths) == 0:
        return lengths
    numbers = _smooth_numbers(2 * max(int(lengths.max()), 2))
    return numbers[np.searchsorted(numbers, lengths)]


def _smooth(length: int) -> int:
    return int(_smooth_at_least(np.array([length]))[0])


@dataclass(frozen=True)
class Sound:
    """A batch of recorded samples with the sounds to mix in; 16-bit values.

    Args:
        speech: [B, S] zero past each length.
        quiet: [B, S'] noise of variance 1 in units of 1/4096, or [B, 0] without any in the batch.
        noise: [B, S'] recordings to mix in, zero in rows without one, or [B, 0].
        rooms: [B, L] room responses, zero in rows without one, or [B, 0].
    """

    speech: Tensor
    quiet: Tensor
    noise: Tensor
    rooms: Tensor

    def to(self, device: torch.device) -> Sound:
        """Copy to a device."""
        return Sound(**{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)})


def mix(sound: Sound, draws: Draws, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Augmented samples [B, S'] and their lengths [B], on the device of ``sound``."""
    device = sound.speech.device
    lengths = torch.from_numpy(draws.lengths).to(device)
    total = int(draws.lengths.max())
    x = torch.zeros(len(draws.samples), total, device=device)
    speech = sound.speech.float() / 32768
    for row, (padded, resampled, changed, before) in enumerate(
        zip(draws.padded.tolist(), draws.resampled.tolist(), draws.changed.tolist(), draws.before.tolist(), strict=True)
    ):
        utterance = speech[row, :padded]
        if resampled != padded:
            utterance = resample(utterance, padded, resampled)
        stop = min(changed, len(utterance))
        x[row, before : before + stop] = utterance[:stop]
    if sound.rooms.shape[1]:
        rows = torch.from_numpy(np.flatnonzero(draws.room >= 0)).to(device)
        x[rows] = reverberate(x[rows], sound.rooms[rows].float())
    if sound.quiet.shape[1]:
        x += sound.quiet.float() / 4096 * _column(draws.quiet, device)
    inside = torch.arange(total, device=device) < lengths[:, None]
    if sound.noise.shape[1]:
        x += scaled_noise(x, sound.noise.float() / 32768, _column(draws.snr, device))
    if (draws.band > 0).any():
        chosen = np.flatnonzero(draws.band > 0)
        rows = torch.from_numpy(chosen).to(device)
        x[rows] = low_pass(x[rows], _column(draws.band[chosen], device), sample_rate)
    return x * _column(draws.gain, device) * inside, lengths


def resample(x: Tensor, padded: int, resampled: int) -> Tensor:
    """Resample ``x``, zero-padded to ``padded``, to [resampled] by its spectrum: no aliasing; the pitch changes too."""
    spectrum = torch.fft.rfft(x, n=padded)
    y: Tensor = torch.fft.irfft(spectrum[: resampled // 2 + 1], n=resampled)
    return y * (resampled / padded)


def reverberate(x: Tensor, rooms: Tensor) -> Tensor:
    """Convolve samples [B, S] with room responses [B, L], keeping energy and time of the direct sound."""
    size = _smooth(x.shape[1] + rooms.shape[1])
    wet: Tensor = torch.fft.irfft(torch.fft.rfft(x, n=size) * torch.fft.rfft(rooms, n=size), n=size)[:, : x.shape[1]]
    loudness = x.square().sum(1, keepdim=True) / wet.square().sum(1, keepdim=True).clamp(min=1e-12)
    return wet * loudness.sqrt()


def scaled_noise(x: Tensor, noise: Tensor, snr: Tensor) -> Tensor:
    """Scale noise [B, S] to power ratios [B, 1] below the speech ``x``; zero samples do not count for either power."""
    speech_power = x.square().sum(1, keepdim=True) / (x != 0).sum(1, keepdim=True).clamp(min=1)
    noise_power = noise.square().sum(1, keepdim=True) / (noise != 0).sum(1, keepdim=True).clamp(min=1)
    factor = (speech_power / (snr * noise_power.clamp(min=1e-12))).sqrt()
    return noise * torch.where(noise_power > 1e-12, factor, 0.0)


def low_pass(x: Tensor, edges: Tensor, sample_rate: int) -> Tensor:
    """Low-pass samples [B, S] at edges [B, 1] in Hz; the slope spans a tenth of the edge."""
    size = _smooth(x.shape[1] + sample_rate // 10)  # padding, so that ringing does not wrap around to the start
    spectrum = torch.fft.rfft(x, n=size)
    frequency = torch.arange(spectrum.shape[1], device=x.device) * (sample_rate / size)
    slope = ((frequency / edges - 1) / 0.1).clamp(0, 1)
    filtered: Tensor = torch.fft.irfft(spectrum * (0.5 + 0.5 * torch.cos(torch.pi * slope)), n=size)
    return filtered[:, : x.shape[1]]


def warp(x: Tensor, draws: Draws, features: FeaturesConfig) -> Tensor:
    """Warp the frequencies of features [B, T, F] by the drawn factors, as a shorter or longer vocal tract does.

    Vocal tract length perturbation (Jaitly & Hinton 2013): the warp is linear up to an edge near ``high_hz``, and from
    there linear to ``high_hz``, which is fixed. Values between two bins are interpolated.
    """
    if (draws.warp == 1).all():
        return x
    factors = _column(draws.warp, x.device)
    bins = torch.arange(features.bins, device=x.device, dtype=torch.float32)
    frequency = bin_frequencies(bins, features)
    top = features.high_hz if features.kind == "log-mel" else features.sample_rate / 2
    edge = WARP_EDGE * top * factors.clamp(max=1)  # [B, 1] end of the first line, after the warp
    beyond = top - (top - frequency) * (top - edge / factors) / (top - edge)
    source = torch.where(frequency < edge, frequency / factors, beyond)
    source = frequency_bins(source, features).clamp(0, features.bins - 1)  # [B, F]
    nearness = 1 - (source[:, None, :] - bins[None, :, None]).abs()
    return x @ nearness.clamp(min=0)  # [B, T, F] · [B, F, F]


def mask(x: Tensor, frames: Tensor, draws: Draws, config: AugmentConfig, features: FeaturesConfig) -> Tensor:
    """Set spans of time and bands of frequency in features [B, T, F] to 0, their mean (SpecAugment)."""
    widest = config.time_mask_seconds * 1000 / features.hop_ms
    time = _masked(draws.time_masks, x.shape[1], frames, torch.clamp(TIME_MASK_FRACTION * frames, max=widest))
    bins = torch.full_like(frames, x.shape[2])
    band = _masked(draws.frequency_masks, x.shape[2], bins, config.frequency_mask_fraction * bins)
    return x.masked_fill(time[:, :, None] | band[:, None, :], 0.0)


def _masked(draws: NDArray[np.float64], total: int, length: Tensor, widest: Tensor) -> Tensor:
    """True at positions under a mask [B, total]; masks lie within ``length`` [B]."""
    position, width = torch.from_numpy(draws).to(length.device, torch.float32).unbind(2)  # [B, M] each
    width = (width * (widest[:, None] + 1)).floor()
    start = (position * (length[:, None] - width + 1)).floor()
    frame = torch.arange(total, device=length.device)[None, :, None]
    return ((frame >= start[:, None]) & (frame < (start + width)[:, None])).any(2)


def _column(values: NDArray[np.float64], device: torch.device) -> Tensor:
    return torch.from_numpy(values).to(device, torch.float32)[:, None]
