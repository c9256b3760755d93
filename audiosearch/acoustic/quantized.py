"""LSTM layers in 8-bit integers, for processors that multiply those faster than anything else (AVX-512 VNNI).

Legend: B batch, T frames, C inputs, H hidden.

Vector-wise quantization (Dettmers et al. 2022, arXiv:2208.07339, section 2): a weight matrix has a scale for each
output, an input a scale for each frame of each utterance, so no row depends on its neighbors. Hidden states lie in
(-1, 1), which is their scale. Products are summed in 32-bit integers; gates, cells and outputs are float32.
"""

from __future__ import annotations

import copy
import warnings
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

SCALE = 1 / 127
"""Of inputs, which are scaled to lie in [-1, 1]."""

ZERO = 128
"""Inputs are unsigned: 128 stands for zero."""

TINY = torch.finfo(torch.float32).tiny
"""The smallest scale, of what is all zeros."""

BLOCK_ROWS = 64
"""Rows of input that are multiplied at once: few enough for their gates to stay in a core's cache."""


class QuantizedLSTM(nn.Module):
    """Runs like the one-way, one-layer, batch-first LSTM it is made of, but for rounding; from zero states only."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        # tanh(x) = 2·σ(2x) - 1, and one σ over all gates takes half the time of two functions
        parameters = {name: _ordered(parameter) for name, parameter in lstm.named_parameters()}
        self.bias = parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
        self.weight_ih, self.weight_hh = _packed(parameters["weight_ih_l0"]), _packed(parameters["weight_hh_l0"])

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Outputs [B, T, H] of inputs [B, T, C], both float32."""
        rows, frames, _ = x.shape
        out = x.new_empty(rows, frames, self.hidden)
        h, c = x.new_zeros(rows, self.hidden), x.new_zeros(rows, self.hidden)
        squashed = torch.empty_like(c)
        block = max(BLOCK_ROWS // max(rows, 1), 1)
        for inputs, outputs in zip(torch.split(x, block, 1), torch.split(out, block, 1), strict=True):
            scales = torch.linalg.vector_norm(inputs, torch.inf, 2, keepdim=True).clamp_min_(TINY)  # [B, T, 1]
            products = _linear((inputs / scales).flatten(0, 1), self.weight_ih).view(rows, -1, 4 * self.hidden)
            gates = torch.addcmul(self.bias, products, scales)  # [B, T, 4·H]
            for gate, output in zip(gates.unbind(1), outputs.unbind(1), strict=True):
                gate += _linear(h, self.weight_hh)
                i, f, o, g = gate.sigmoid_().chunk(4, 1)
                c.mul_(f).addcmul_(i, g, value=2).sub_(i)  # c·f + i·(2g - 1)
                torch.add(c, c, out=squashed).sigmoid_().mul_(2).sub_(1)  # tanh(c)
                h = torch.mul(o, squashed)
                output.copy_(h)
        return out, None


def quantized(network: Network) -> Network:
    """A copy of a network with every LSTM in it quantized."""
    layers = {id(layer): QuantizedLSTM(layer) for layer in network.modules() if isinstance(layer, nn.LSTM)}
    return copy.deepcopy(network, dict(layers))  # what the memo names is taken for its copy


def _ordered(parameter: Tensor) -> Tensor:
    """The rows of an LSTM's gates in another order, and doubled for the one that is squashed by tanh."""
    i, f, g, o = parameter.detach().float().chunk(4)
    return torch.cat([i, f, o, 2 * g])


def _packed(weight: Tensor) -> torch.ScriptObject:
    """A weight matrix in 8 bits, as the kernel wants it, with a scale for each row."""
    scales = (weight.abs().amax(1) * SCALE).clamp_min(TINY)
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():  # torch 2.15 announces that these tensors go, and names no other way to this kernel
        warnings.filterwarnings("ignore", r"torch\.quantize_per_tensor", UserWarning)
        rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack(rounded, None)
    return packed


def _linear(x: Tensor, packed: torch.ScriptObject) -> Tensor:
    """Products [N, outputs] of rows [N, C] that lie in [-1, 1]."""
    y: Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(x, SCALE, ZERO, packed)
    return y
