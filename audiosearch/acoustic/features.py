"""Log-spectrogram features, computed by the same code in training and inference.

Legend: B batch, S samples, T frames, F bins.

Frame ``t`` stands for the samples ``[t·hop, (t+1)·hop)``. Its window is centered on the middle of that span;
the first window begins ``(window - hop) / 2`` samples before the recording, in zero padding::

        |<------- window ------->|
    0 0 0 [ hop 0 ][ hop 1 ][ hop 2 ] …
           └ frame 0 is centered here, in the middle of hop 0
"""

from __future__ import annotations

import math

import torch
import torchaudio
from torch import Tensor, nn

from audiosearch.config import FeaturesConfig

LOG_FLOOR = 1e-10
"""Added to power before the logarithm: about -100 dB relative to full scale."""

VARIANCE_FLOOR = 1e-2
"""Added to each bin's variance, so that digital silence stays near zero instead of being amplified."""


class Features(nn.Module):
    """Log-mel or log-power spectrogram of samples."""

    window: Tensor
    mel: Tensor

    def __init__(self, config: FeaturesConfig) -> None:
        super().__init__()
        self.config = config
        self.hop_length = config.hop_length
        self.window_length = config.window_length
        self.fft_length = self.window_length
        if config.kind == "log-mel":  # with a power of two no mel band is empty
            self.fft_length = 1 << (self.window_length - 1).bit_length()
        self.register_buffer("window", torch.hann_window(self.window_length), persistent=False)
        mel = torch.empty(0)
        if config.kind == "log-mel":
            mel = torchaudio.functional.melscale_fbanks(
                n_freqs=self.fft_length // 2 + 1,
                f_min=config.low_hz,
                f_max=config.high_hz,
                n_mels=config.mel_bins,
                sample_rate=config.sample_rate,
                norm=None,
                mel_scale="htk",
            )
        self.register_buffer("mel", mel, persistent=False)

    def frames(self, samples: Tensor) -> Tensor:
        """Number of frames T of ``samples`` samples, including a partly filled last one."""
        return torch.div(samples + self.hop_length - 1, self.hop_length, rounding_mode="floor")

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Spectrogram frames of padded samples.

        Args:
            samples: [B, S] in [-1, 1], zero past each length.
            lengths: samples of each utterance [B].

        Returns:
            features [B, T, F], zero past each length, and frames of each utterance [B].
        """
        frames = self.frames(lengths)
        total = -(-samples.shape[1] // self.hop_length)
        left = (self.window_length - self.hop_length) // 2
        right = (total - 1) * self.hop_length + self.window_length - left - samples.shape[1]
        padded = nn.functional.pad(samples, (left, right))  # [B, S] → [B, (T-1)·hop + window]
        windows = padded.unfold(1, self.window_length, self.hop_length)  # [B, T, window]
        spectrum = torch.fft.rfft(windows * self.window, n=self.fft_length)
        power = spectrum.real.square() + spectrum.imag.square()  # [B, T, n_freqs]
        power = power / self.window.square().sum()
        if self.config.kind == "log-mel":
            power = power @ self.mel
        features = torch.log(power + LOG_FLOOR)
        valid = (torch.arange(total, device=samples.device) < frames[:, None]).unsqueeze(2)  # [B, T, 1]
        if self.config.normalization == "utterance":
            count = frames.clamp(min=1)[:, None, None]
            mean = (features * valid).sum(1, keepdim=True) / count
            centered = (features - mean) * valid
            variance = centered.square().sum(1, keepdim=True) / count
            features = centered / torch.sqrt(variance + VARIANCE_FLOOR)
        return features * valid, frames


def bin_frequencies(bins: Tensor, config: FeaturesConfig) -> Tensor:
    """Center frequencies in Hz of bins; fractional bins lie between two."""
    if config.kind != "log-mel":
        return bins * (config.sample_rate / config.window_length)
    lowest, step = _mel_scale(config)
    return 700 * (10 ** ((lowest + (bins + 1) * step) / 2595) - 1)


def frequency_bins(frequencies: Tensor, config: FeaturesConfig) -> Tensor:
    """Fractional bins of frequencies in Hz, the inverse of ``bin_frequencies``."""
    if config.kind != "log-mel":
        return frequencies * (config.window_length / config.sample_rate)
    lowest, step = _mel_scale(config)
    return (2595 * torch.log10(1 + frequencies / 700) - lowest) / step - 1


def _mel_scale(config: FeaturesConfig) -> tuple[float, float]:
    """Lower edge of the lowest band and half the width of each, in mel (O'Shaughnessy 1987, as in HTK)."""
    lowest, highest = (2595 * math.log10(1 + edge / 700) for edge in (config.low_hz, config.high_hz))
    return lowest, (highest - lowest) / (config.mel_bins + 1)
