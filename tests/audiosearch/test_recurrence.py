"""The LSTM for training on processors against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audiosearch import recurrence
from audiosearch.config import ModelConfig
from audiosearch.model import DeepSpeech


@pytest.mark.parametrize("shape", [(3, 11, 5), (1, 1, 5), (4, 2, 5)])
def test_outputs_and_gradients_equal_those_of_pytorch(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    cell = nn.LSTM(5, 7, batch_first=True)
    x = torch.randn(shape, requires_grad=True)
    weights = torch.randn(*shape[:2], 7)
    results = []
    for run in (
        lambda: cell(x)[0],
        lambda: recurrence.lstm(x, cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0 + cell.bias_hh_l0),
    ):
        cell.zero_grad()
        x.grad = None
        y = run()
        (y * weights).sum().backward()
        assert x.grad is not None
        results.append([y.detach(), x.grad.clone(), *(parameter.grad.clone() for parameter in cell.parameters())])
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-5)


def test_a_network_in_training_computes_what_it_does_in_use() -> None:
    torch.manual_seed(1)
    config = ModelConfig(conv_channels=6, conv_width=5, conv_stride=2, hidden=8, layers=2, dropout=0)
    network = DeepSpeech(config, 4, 5)
    x, lengths = torch.randn(3, 20, 4), torch.tensor([20, 13, 6])
    assert recurrence.suits(x)
    trained, frames = network(x, lengths)
    with torch.no_grad():
        assert not recurrence.suits(x)
        used, _ = network(x, lengths)
    for row, count in enumerate(frames.tolist()):
        torch.testing.assert_close(trained[row, :count], used[row, :count], rtol=1e-4, atol=1e-5)
