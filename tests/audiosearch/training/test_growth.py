"""Widening of trained networks."""

from __future__ import annotations

import pytest
import torch

from audiosearch.acoustic.model import DeepSpeech
from audiosearch.config import ModelConfig
from audiosearch.training.growth import can_grow, widen

OLD = ModelConfig(conv_channels=6, conv_width=5, conv_stride=2, hidden=8, layers=3, dropout=0, norm="none")


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("hidden", [8, 11, 21])
def test_without_noise_and_normalization_the_wider_network_computes_the_same(cell: str, hidden: int) -> None:
    old = OLD.model_copy(update={"cell": cell})
    new = old.model_copy(update={"hidden": hidden})
    torch.manual_seed(1)
    narrow, wide = DeepSpeech(old, 4, 5), DeepSpeech(new, 4, 5)
    wide.load_state_dict(widen(narrow.state_dict(), old, new, seed=1, noise=0.0))
    x, lengths = torch.randn(2, 20, 4), torch.tensor([20, 13])
    with torch.no_grad():
        torch.testing.assert_close(wide(x, lengths)[0], narrow(x, lengths)[0], rtol=1e-4, atol=1e-5)


def test_copies_of_a_unit_differ() -> None:
    new = OLD.model_copy(update={"hidden": 16})
    torch.manual_seed(1)
    weights = widen(DeepSpeech(OLD, 4, 5).state_dict(), OLD, new, seed=1)
    rows = weights["recurrent.1.forwards.weight_hh_l0"]
    assert len(torch.unique(rows, dim=0)) == len(rows)


def test_only_wider_recurrent_layers_and_dropout_may_differ() -> None:
    assert can_grow(OLD, OLD.model_copy(update={"hidden": 9, "dropout": 0.3}))
    assert not can_grow(OLD, OLD.model_copy(update={"hidden": 7}))
    assert not can_grow(OLD, OLD.model_copy(update={"layers": 4}))
