"""LSTM layers with weights in 8 bits, computed by the core (``core/lstm.hpp``).

Legend: B batch, T frames, C inputs, H hidden.
"""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import Tensor, nn

from audiosearch.core import QuantizedLstm

Network = TypeVar("Network", bound=nn.Module)


class QuantizedLSTM(nn.Module):
    """Quantized copy of a unidirectional, one-layer, batch-first LSTM; always starts from zero states."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        weights = {name: parameter.detach().float() for name, parameter in lstm.named_parameters()}
        bias = weights["bias_ih_l0"] + weights["bias_hh_l0"]
        self._core = QuantizedLstm(weights["weight_ih_l0"].numpy(), weights["weight_hh_l0"].numpy(), bias.numpy())

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Outputs [B, T, H] of inputs [B, T, C], both float32."""
        out = x.new_empty(x.shape[0], x.shape[1], self.hidden)
        self._core.run(x.contiguous().numpy(), out.numpy())
        return out, None


def quantize(network: Network) -> Network:
    """Return a copy of a network with all of its LSTMs quantized."""
    layers = {id(layer): QuantizedLSTM(layer) for layer in network.modules() if isinstance(layer, nn.LSTM)}
    return copy.deepcopy(network, dict(layers))  # deepcopy uses these as copies already made
