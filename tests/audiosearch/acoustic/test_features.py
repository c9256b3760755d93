from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audiosearch.acoustic.features import Features
from audiosearch.config import FeaturesConfig

CONFIGS = [
    FeaturesConfig(),
    FeaturesConfig(kind="log-spectrogram", normalization="none"),
    FeaturesConfig(sample_rate=8000, mel_bins=24, high_hz=4000, window_ms=20),
]


def noise(count: int, length: int, seed: int = 0) -> Tensor:
    return torch.randn(count, length, generator=torch.Generator().manual_seed(seed)) * 0.1


@pytest.mark.parametrize("config", CONFIGS, ids=["mel", "linear", "narrow"])
def test_an_utterance_alone_equals_the_same_one_padded_in_a_batch(config: FeaturesConfig) -> None:
    features = Features(config)
    lengths = torch.tensor([5000, 3217, 1, 160])
    batch = noise(4, 5000) * (torch.arange(5000) < lengths[:, None])
    together, frames = features(batch, lengths)
    assert together.shape == (4, -(-5000 // config.hop_length), config.bins)
    for row, length in enumerate(lengths.tolist()):
        alone, own_frames = features(batch[row : row + 1, :length], torch.tensor([length]))
        assert frames[row] == own_frames[0] == alone.shape[1] == features.frames(torch.tensor(length))
        torch.testing.assert_close(together[row, : alone.shape[1]], alone[0], rtol=1e-4, atol=1e-4)
        assert not together[row, alone.shape[1] :].any()


@pytest.mark.parametrize("config", CONFIGS, ids=["mel", "linear", "narrow"])
@pytest.mark.parametrize("frame", [0, 7, 24])
def test_a_click_is_loudest_in_the_frame_of_its_time(config: FeaturesConfig, frame: int) -> None:
    features = Features(config)
    samples = torch.zeros(1, 25 * features.hop_length)
    samples[0, frame * features.hop_length + features.hop_length // 2] = 0.9
    spectrogram, _ = features(samples, torch.tensor([samples.shape[1]]))
    assert spectrogram.sum(2).argmax() == frame


def test_normalized_bins_have_mean_0_and_variance_1() -> None:
    spectrogram, _ = Features(FeaturesConfig())(noise(2, 32000), torch.tensor([32000, 32000]))
    torch.testing.assert_close(spectrogram.mean(1), torch.zeros(2, 80), rtol=0, atol=1e-4)
    torch.testing.assert_close(spectrogram.std(1), torch.ones(2, 80), rtol=0, atol=5e-2)


def test_features_are_invariant_to_gain_and_silence_stays_near_zero() -> None:
    features, length = Features(FeaturesConfig()), torch.tensor([16000])
    loud, _ = features(noise(1, 16000), length)
    soft, _ = features(noise(1, 16000) / 100, length)
    torch.testing.assert_close(loud, soft, rtol=0, atol=5e-2)
    silence, _ = features(torch.zeros(1, 16000), length)
    assert silence.abs().max() < 1e-3


def test_a_tone_peaks_in_its_bin() -> None:
    time = torch.arange(16000) / 16000
    config = FeaturesConfig(kind="log-spectrogram", normalization="none")
    spectrogram, _ = Features(config)(torch.sin(2 * torch.pi * 1000 * time)[None], torch.tensor([16000]))
    assert spectrogram[0, 50].argmax() == 1000 * config.window_length // 16000


@pytest.mark.gpu
def test_gpu_equals_cpu() -> None:
    samples, lengths = noise(3, 8000), torch.tensor([8000, 5000, 100])
    samples = samples * (torch.arange(8000) < lengths[:, None])
    features = Features(FeaturesConfig())
    cpu, _ = features(samples, lengths)
    gpu, frames = features.cuda()(samples.cuda(), lengths.cuda())
    torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-3, atol=1e-3)
    assert frames.tolist() == [50, 32, 1]
