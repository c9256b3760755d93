from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from audiosearch.acoustic.features import Features
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.config import FeaturesConfig, ModelConfig

BINS, LABELS = 6, 5
SHAPES: list[dict[str, Any]] = [
    {"cell": "lstm", "bidirectional": True},
    {"cell": "lstm", "bidirectional": False, "conv_stride": 3},
    {"cell": "gru", "bidirectional": True, "norm": "none", "conv_stride": 1},
    {"cell": "gru", "bidirectional": False, "conv_width": 4, "conv_stride": 4},
]


def network(**settings: Any) -> DeepSpeech:
    torch.manual_seed(0)
    small = {"conv_channels": 8, "hidden": 7, "layers": 2, "dropout": 0.3, **settings}
    return DeepSpeech(ModelConfig(**small), BINS, LABELS).eval()


@pytest.mark.parametrize("settings", SHAPES, ids=str)
def test_an_utterance_alone_equals_the_same_one_padded_in_a_batch(settings: dict[str, Any]) -> None:
    model = network(**settings)
    lengths = torch.tensor([40, 23, 1, 12])
    batch = torch.randn(4, 40, BINS) * (torch.arange(40) < lengths[:, None]).unsqueeze(2)
    with torch.no_grad():
        together, frames = model(batch, lengths)
        for row, length in enumerate(lengths.tolist()):
            alone, own_frames = model(batch[row : row + 1, :length], torch.tensor([length]))
            assert frames[row] == own_frames[0] == alone.shape[1] == -(-length // model.stride)
            torch.testing.assert_close(together[row, : alone.shape[1]], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", SHAPES, ids=str)
def test_rows_are_log_probabilities_in_training_and_evaluation(settings: dict[str, Any]) -> None:
    model = network(**settings)
    for mode in (True, False):
        log_probs, _ = model.train(mode)(torch.randn(2, 17, BINS), torch.tensor([17, 9]))
        assert log_probs.dtype == torch.float32
        torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(log_probs.shape[:2]))


def test_bidirectional_networks_see_the_whole_utterance_and_others_only_the_past() -> None:
    for bidirectional in (True, False):
        model = network(bidirectional=bidirectional, dropout=0.0, conv_width=1, conv_stride=1)
        x = torch.randn(1, 20, BINS, requires_grad=True)
        log_probs, _ = model(x, torch.tensor([16]))
        log_probs[0, 8, 1].backward()
        assert x.grad is not None
        seen = x.grad.abs().sum(2)[0] > 0
        assert seen[:9].all()
        assert bool(seen[9:16].all()) == bool(seen[9:16].any()) == bidirectional
        assert not seen[16:].any()


@pytest.mark.parametrize(("width", "stride"), [(11, 2), (11, 3), (5, 1), (4, 4), (11, 4), (3, 2)])
def test_center_offset_is_the_middle_of_the_receptive_field(width: int, stride: int) -> None:
    model = network(conv_width=width, conv_stride=stride)
    nn.init.constant_(model.conv.weight, 1.0)
    outputs = []
    model.conv.register_forward_hook(lambda *arguments: outputs.append(arguments[2]))
    x = torch.ones(1, 60, BINS, requires_grad=True)
    model(x, torch.tensor([60]))
    outputs[0][0, 0, 6].backward()
    assert x.grad is not None
    seen = x.grad.abs().sum(2)[0].nonzero().squeeze(1)
    assert len(seen) == width
    stands_for = torch.arange(6 * stride, 7 * stride).float()
    assert model.center_offset == pytest.approx(float(seen.float().mean() - stands_for.mean()))
    assert abs(model.center_offset) <= 0.5


@pytest.mark.parametrize("seconds", [0.1, 0.5, 0.93])
def test_a_click_appears_in_the_emission_frame_of_its_time(seconds: float) -> None:
    """After features and convolution, the click is in emission frame ⌊time / frame duration⌋."""
    config = FeaturesConfig(kind="log-spectrogram", normalization="none")
    features = Features(config)
    model = DeepSpeech(ModelConfig(conv_channels=1, hidden=2, layers=1, conv_width=3, conv_stride=2), config.bins, 3)
    nn.init.constant_(model.conv.weight, 1.0)
    model.conv.bias.data.fill_(1e5)  # type: ignore[union-attr]
    samples = torch.zeros(1, 16000)
    samples[0, round(seconds * 16000)] = 1.0
    spectrogram, _ = features(samples, torch.tensor([16000]))
    output = model.conv(nn.functional.pad(spectrogram.transpose(1, 2), (model.left, model.right)))
    frame_duration = 0.02
    start = model.center_offset * 0.01
    frame = int(output[0, 0].argmax())
    assert start + frame * frame_duration - 0.01 <= seconds < start + (frame + 1) * frame_duration + 0.01


def test_gradients_reach_every_weight_and_the_initial_loss_is_plausible() -> None:
    model = network().train()
    log_probs, frames = model(torch.randn(3, 60, BINS), torch.tensor([60, 50, 40]))
    targets = torch.tensor([[1, 2, 3], [3, 2, 1], [4, 4, 1]])
    loss = nn.functional.ctc_loss(log_probs.transpose(0, 1), targets, frames, torch.tensor([3, 3, 3]))
    loss.backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert log_probs.exp().max() < 0.9


@pytest.mark.gpu
@pytest.mark.parametrize("settings", SHAPES, ids=str)
def test_gpu_equals_cpu(settings: dict[str, Any]) -> None:
    model = network(**settings)
    x, lengths = torch.randn(3, 40, BINS), torch.tensor([40, 20, 7])
    with torch.no_grad():
        cpu, _ = model(x, lengths)
        gpu, frames = model.cuda()(x.cuda(), lengths.cuda())
    for row, length in enumerate(frames.tolist()):
        torch.testing.assert_close(gpu[row, :length].cpu(), cpu[row, :length], rtol=1e-2, atol=1e-2)
