"""LSTM layers in 8-bit integers, for CPUs with fast integer products (AVX-512 VNNI).

Legend: B batch, T frames, C inputs, H hidden.

Vector-wise quantization (Dettmers et al. 2022, arXiv:2208.07339, section 2): weights have a scale for each output,
inputs a scale for each frame of each utterance; no row of a batch depends on another. Hidden states lie in
(-1, 1) and need no scale. Products are summed in 32-bit integers; gates, cells and outputs are float32.
"""

from __future__ import annotations

import copy
import warnings
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

SCALE = 1 / 127
"""Quantization step of inputs, which are scaled to [-1, 1]."""

ZERO = 128
"""Zero point: inputs are unsigned, and 128 stands for 0."""

MIN_SCALE = torch.finfo(torch.float32).tiny
"""Scale of a vector of zeros."""

BLOCK_ROWS = 64
"""Input rows multiplied at once; their gates fit into a core's cache."""


class QuantizedLSTM(nn.Module):
    """Quantized copy of a unidirectional, one-layer, batch-first LSTM; always starts from zero states."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        # tanh(x) = 2·σ(2x) - 1: one σ over all gates takes half the time of two functions
        parameters = {name: _reorder_gates(parameter) for name, parameter in lstm.named_parameters()}
        self.bias = parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
        self.weight_ih, self.weight_hh = _pack(parameters["weight_ih_l0"]), _pack(parameters["weight_hh_l0"])

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Outputs [B, T, H] of inputs [B, T, C], both float32."""
        rows, frames, _ = x.shape
        out = x.new_empty(rows, frames, self.hidden)
        h, c = x.new_zeros(rows, self.hidden), x.new_zeros(rows, self.hidden)
        cell_output = torch.empty_like(c)
        block = max(BLOCK_ROWS // max(rows, 1), 1)
        for inputs, outputs in zip(torch.split(x, block, 1), torch.split(out, block, 1), strict=True):
            scales = torch.linalg.vector_norm(inputs, torch.inf, 2, keepdim=True).clamp_min_(MIN_SCALE)  # [B, T, 1]
            products = _linear((inputs / scales).flatten(0, 1), self.weight_ih).view(rows, -1, 4 * self.hidden)
            gates = torch.addcmul(self.bias, products, scales)  # [B, T, 4·H]
            for gate, output in zip(gates.unbind(1), outputs.unbind(1), strict=True):
                gate += _linear(h, self.weight_hh)
                i, f, o, g = gate.sigmoid_().chunk(4, 1)
                c.mul_(f).addcmul_(i, g, value=2).sub_(i)  # c·f + i·(2g - 1)
                torch.add(c, c, out=cell_output).sigmoid_().mul_(2).sub_(1)  # tanh(c)
                h = torch.mul(o, cell_output)
                output.copy_(h)
        return out, None


def quantize(network: Network) -> Network:
    """Return a copy of a network with all of its LSTMs quantized."""
    layers = {id(layer): QuantizedLSTM(layer) for layer in network.modules() if isinstance(layer, nn.LSTM)}
    return copy.deepcopy(network, dict(layers))  # deepcopy uses these as copies already made


def _reorder_gates(parameter: Tensor) -> Tensor:
    """Reorder the gates' rows to input, forget, output, cell, and double those of the cell gate (for tanh by σ)."""
    i, f, g, o = parameter.detach().float().chunk(4)
    return torch.cat([i, f, o, 2 * g])


def _pack(weight: Tensor) -> torch.ScriptObject:
    """Pack a weight matrix for the kernel: 8-bit integers with a scale for each row."""
    scales = (weight.abs().amax(1) * SCALE).clamp_min(MIN_SCALE)
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():  # deprecated in torch 2.15, but there is no other way to this kernel
        warnings.filterwarnings("ignore", r"torch\.quantize_per_tensor", UserWarning)
        rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack(rounded, None)
    return packed


def _linear(x: Tensor, packed: torch.ScriptObject) -> Tensor:
    """Products [N, outputs] of rows [N, C] that lie in [-1, 1]."""
    y: Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(x, SCALE, ZERO, packed)
    return y
