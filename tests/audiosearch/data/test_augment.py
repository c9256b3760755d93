from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from audiosearch.acoustic.features import Features, bin_frequencies, frequency_bins
from audiosearch.config import AugmentConfig, FeaturesConfig
from audiosearch.data.augment import (
    Draws,
    Sound,
    draw,
    low_pass,
    mask,
    mix,
    resample,
    reverberate,
    scaled_noise,
    warp,
)

RATE = 16000
OFF = AugmentConfig(
    speed_probability=0, gain_db=(0, 0), noise_probability=0, room_probability=0, band_limit_probability=0,
    silence_probability=0, warp_probability=0, time_masks=0, frequency_masks=0,
)  # fmt: skip
ALL = AugmentConfig(
    speed_probability=1, noise_probability=1, room_probability=1, band_limit_probability=1, silence_probability=1,
    warp_probability=1, time_masks=3, frequency_masks=3,
)  # fmt: skip


def draws(samples: list[int], config: AugmentConfig = OFF, epoch: int = 0, noises: int = 5, rooms: int = 3) -> Draws:
    return draw(np.array(samples, dtype=np.int64), config, RATE, 1, epoch, noises, rooms)


def sound(speech: NDArray[np.int16], **mixed_in: Tensor) -> Sound:
    none = torch.zeros(len(speech), 0, dtype=torch.int16)
    return Sound(torch.from_numpy(speech), **{"quiet": none, "noise": none, "rooms": none, **mixed_in})


def tone(hertz: float, length: int) -> Tensor:
    return 0.5 * torch.sin(2 * torch.pi * hertz * torch.arange(length) / RATE)


def pitch(x: Tensor) -> float:
    return float(torch.fft.rfft(x).abs().argmax() * RATE / len(x))


def test_disabled_augmentation_changes_nothing() -> None:
    speech = np.random.default_rng(0).integers(-3000, 3000, (2, 4000)).astype(np.int16)
    speech[1, 2500:] = 0
    drawn = draws([4000, 2500])
    x, lengths = mix(sound(speech), drawn, RATE)
    assert lengths.tolist() == [4000, 2500]
    torch.testing.assert_close(x, torch.from_numpy(speech) / 32768)
    features = torch.randn(2, 25, 8)
    assert torch.equal(mask(features, torch.tensor([25, 16]), drawn, OFF, FeaturesConfig()), features)
    assert warp(features, drawn, FeaturesConfig(mel_bins=8)) is features


def test_draws_are_a_function_of_seed_epoch_and_utterance() -> None:
    samples = list(range(8000, 8200))
    first, repeated, next_epoch = draws(samples, ALL), draws(samples, ALL), draws(samples, ALL, epoch=1)
    for name in ("resampled", "before", "gain", "noise", "snr", "room", "band", "warp", "time_masks"):
        assert np.array_equal(getattr(first, name), getattr(repeated, name))
        assert not np.array_equal(getattr(first, name), getattr(next_epoch, name))
    assert np.array_equal(draws(samples, ALL.model_copy(update={"speed_probability": 0})).snr, first.snr)
    subset = first.take(np.array([5, 9]))
    assert subset.snr.tolist() == [first.snr[5], first.snr[9]]


def test_draws_stay_within_their_limits() -> None:
    config = ALL.model_copy(update={"speed": (0.9, 1.1), "silence_seconds": (0.1, 0.5), "gain_db": (-6.0, 6.0)})
    drawn = draws([16000] * 2000, config)
    speed = 16000 / drawn.changed
    assert 1 / 1.15 < speed.min() < 0.95  # lengths quick to transform lie a few percent apart
    assert 1.05 < speed.max() <= 1.1
    assert drawn.before.min() >= 1600
    assert drawn.before.max() <= 8000
    assert 0.5 < drawn.gain.min() < 0.55
    assert set(drawn.noise) == set(range(5))
    assert set(drawn.room) == set(range(3))
    assert np.array_equal(drawn.lengths, drawn.before + drawn.changed + drawn.after)
    half = draws([16000] * 2000, config.model_copy(update={"noise_probability": 0.5}))
    assert 0.45 < (half.noise < 0).mean() < 0.55
    assert (draws([16000] * 10, ALL, noises=0, rooms=0).noise == -1).all()


def test_speed_changes_length_and_pitch() -> None:
    faster = resample(tone(1000, 16000), 16000, 14000)
    assert len(faster) == 14000
    assert pitch(faster) == pytest.approx(1000 * 16000 / 14000, abs=2)
    assert faster[2000:12000].std() == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    back = resample(faster, 14000, 16000)
    torch.testing.assert_close(back[200:-200], tone(1000, 16000)[200:-200], rtol=0, atol=0.02)


def test_speed_and_silence_place_utterances_of_a_batch_as_drawn() -> None:
    drawn = draws([16000, 9000], ALL.model_copy(update={"silence_seconds": (0.2, 0.4)}))
    drawn = replace(drawn, room=np.array([-1, -1]), noise=np.array([-1, -1]), band=np.zeros(2), gain=np.ones(2))
    speech = np.zeros((2, 16000), dtype=np.int16)
    speech[0], speech[1, :9000] = 10000, 10000
    x, lengths = mix(sound(speech), drawn, RATE)
    for row in range(2):
        before, changed = int(drawn.before[row]), int(drawn.changed[row])
        assert not x[row, :before].any()
        assert (x[row, before + 50 : before + changed - 50] > 0.2).all()
        assert not x[row, before + changed + 50 :].any()
        assert lengths[row] == drawn.lengths[row]


@pytest.mark.parametrize("kind", ["log-mel", "log-spectrogram"])
def test_a_warp_moves_frequencies_and_not_times(kind: Any) -> None:
    config = FeaturesConfig(kind=kind, normalization="none")
    x = torch.stack([tone(1500, 16000), tone(1500, 16000), tone(1500, 16000)])
    x[:, 8000:] = 0
    frames, _ = Features(config)(x, torch.tensor([16000] * 3))
    drawn = replace(draws([16000] * 3), warp=np.array([1.1, 1.0, 0.9]))
    warped = warp(frames, drawn, config)
    peaks = bin_frequencies(warped[:, :48].mean(1).argmax(1), config)
    bin_width = bin_frequencies(frequency_bins(torch.tensor(1500.0), config) + 1, config) - 1500
    assert peaks.tolist() == pytest.approx([1650, 1500, 1350], abs=float(bin_width))
    torch.testing.assert_close(warped[1], frames[1], rtol=0, atol=0.01)
    assert (warped[:, 52:] == warped[:, 52:53]).all()
    edges = frequency_bins(torch.tensor([config.high_hz]), config)
    torch.testing.assert_close(bin_frequencies(edges, config), torch.tensor([config.high_hz]))


def test_a_warp_keeps_both_ends_and_the_order_of_bins() -> None:
    config = FeaturesConfig()
    x = torch.arange(80.0).expand(2, 3, 80)
    warped = warp(x, replace(draws([16000] * 2), warp=np.array([1.1, 0.9])), config)
    assert (warped.diff(dim=2) > 0).all()
    assert warped[:, 0, -1].tolist() == pytest.approx([79, 79], abs=0.6)  # the last center lies below the edge
    assert (warped[0, 0, 1:70] < x[0, 0, 1:70]).all()
    assert (warped[1, 0, 1:70] > x[1, 0, 1:70]).all()


def test_noise_has_the_drawn_power_ratio() -> None:
    x = torch.stack([tone(440, 16000), tone(440, 16000)])
    x[1, 8000:] = 0
    noise = torch.randn(2, 16000)
    noise[1, 4000:] = 0
    mixed = scaled_noise(x, noise, torch.tensor([[10.0], [100.0]]))
    assert x[0].square().mean() / mixed[0].square().mean() == pytest.approx(10, rel=0.01)
    assert x[1, :8000].square().mean() / mixed[1, :4000].square().mean() == pytest.approx(100, rel=0.01)
    assert not scaled_noise(x, torch.zeros(2, 16000), torch.ones(2, 1)).any()


def test_reverberation_keeps_energy_and_time_of_the_direct_sound() -> None:
    x = torch.zeros(1, 4000)
    x[0, 1000] = 0.5
    room = torch.zeros(1, 800)
    room[0, 0], room[0, 300] = 2.0, 1.0
    wet = reverberate(x, room)
    assert wet.square().sum() == pytest.approx(0.25)
    assert sorted(wet[0].abs().topk(2).indices.tolist()) == [1000, 1300]
    assert wet[0, 1000] / wet[0, 1300] == pytest.approx(2, rel=1e-4)


def test_band_limit_removes_frequencies_above_the_edge() -> None:
    x = torch.stack([tone(500, 16000) + tone(6000, 16000)] * 2)
    y = low_pass(x, torch.tensor([[3000.0], [7000.0]]), RATE)
    torch.testing.assert_close(y[0, 500:-500], tone(500, 16000)[500:-500], rtol=0, atol=0.01)
    torch.testing.assert_close(y[1, 500:-500], x[1, 500:-500], rtol=0, atol=0.01)


def test_all_augmentations_together_are_finite_and_zero_past_the_length() -> None:
    samples = [16000, 5000, 12000]
    rng = np.random.default_rng(0)
    speech = rng.integers(-9000, 9000, (3, 16000)).astype(np.int16)
    for row, length in enumerate(samples):
        speech[row, length:] = 0
    drawn = draws(samples, ALL)
    total = int(drawn.lengths.max())
    mixed_in: dict[str, Any] = {
        name: torch.from_numpy(rng.integers(-9000, 9000, (3, size)).astype(np.int16))
        for name, size in (("quiet", total), ("noise", total), ("rooms", 2000))
    }
    x, lengths = mix(sound(speech, **mixed_in), drawn, RATE)
    assert x.isfinite().all()
    assert 0.001 < x.abs().max() < 8
    for row in range(3):
        assert not x[row, int(lengths[row]) :].any()
        assert x[row, int(lengths[row]) - 1] != 0


def test_masks_stay_within_their_size_and_the_utterance() -> None:
    config = ALL.model_copy(
        update={"time_masks": 1, "frequency_masks": 1, "time_mask_seconds": 0.2, "frequency_mask_fraction": 0.25}
    )
    features, frames = torch.ones(200, 100, 40), torch.tensor([100] * 100 + [50] * 100)
    masked = mask(features, frames, draws([16000] * 200, config), config, FeaturesConfig())
    times = (masked == 0).all(2).sum(1)
    bands = (masked == 0).all(1).sum(1)
    assert 15 < times[:100].max() <= 20
    assert times[100:].max() <= 10  # a fifth of the utterance
    assert 7 < bands.max() <= 10
    assert not (masked[100:, 50:] == 0).all(2).any()


@pytest.mark.gpu
def test_gpu_equals_cpu() -> None:
    speech = np.random.default_rng(0).integers(-9000, 9000, (2, 16000)).astype(np.int16)
    drawn = draws([16000, 16000], ALL)
    rooms = torch.zeros(2, 800, dtype=torch.int16)
    rooms[:, 0], rooms[:, 300] = 20000, 5000
    noise = torch.randint(-9000, 9000, (2, int(drawn.lengths.max()))).to(torch.int16)
    batch = sound(speech, rooms=rooms, noise=noise)
    cpu, _ = mix(batch, drawn, RATE)
    gpu, _ = mix(batch.to(torch.device("cuda")), drawn, RATE)
    torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-3, atol=1e-4)
