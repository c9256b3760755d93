"""An LSTM layer for training on processors: forward and backward as few large matrix products and in-place updates.

PyTorch's own LSTM builds a graph of small operations for each frame in fp32, and in bf16 calls oneDNN, whose kernels
are half as fast as fp32 where the processor's bf16 dot products are. Here the input projection and all weight
gradients are one product each over all frames; what remains in each frame is one product with the recurrent weights
and a handful of element-wise updates. Gers, Schmidhuber & Cummins 2000, as torch.nn.LSTM defines it.

Legend: B batch, T frames, C inputs, H hidden. Gates lie in the order output, input, forget, cell (o, i, f, g), so that
the three sigmoids are one slice [0, 3H) and the three gates that change the cell another [H, 4H).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def suits(x: Tensor) -> bool:
    """Whether a training step on a processor, in fp32, is going on."""
    training = torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
    return training and x.device.type == "cpu" and x.dtype == torch.float32


def lstm(x: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor) -> Tensor:
    """Hidden states [B, T, H] of inputs [B, T, C], from zero states.

    Args:
        x: float32.
        weight_ih: [4H, C], gates in PyTorch's order i, f, g, o.
        weight_hh: [4H, H].
        bias: [4H], the sum of PyTorch's two.
    """
    order = _gate_order(weight_hh.shape[1])
    y: Tensor = _Lstm.apply(x.transpose(0, 1), weight_ih[order], weight_hh[order], bias[order])  # type: ignore[no-untyped-call]
    return y.transpose(0, 1)


def _gate_order(hidden: int) -> Tensor:
    """Rows of PyTorch's gates (i, f, g, o) in the order o, i, f, g."""
    i, f, g, o = torch.arange(4 * hidden).split(hidden)
    return torch.cat((o, i, f, g))


class _Lstm(torch.autograd.Function):
    """Inputs [T, B, C] to hidden states [T, B, H]; weights in the order o, i, f, g."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor) -> Tensor:
        frames, batch, inputs = x.shape
        hidden = weight_hh.shape[1]
        x = x.reshape(frames * batch, inputs)
        gates = torch.addmm(bias, x, weight_ih.t()).view(frames, batch, 4 * hidden)
        states = x.new_zeros(2, frames + 1, batch, hidden)  # h and c, each after the zeros before the first frame
        h, c = states[0].unbind(0), states[1].unbind(0)
        squashed = x.new_empty(frames, batch, hidden)  # tanh(c)
        sigmoids = gates[:, :, : 3 * hidden].unbind(0)
        cells = gates[:, :, 3 * hidden :].unbind(0)
        outputs, ins, forgets = (part.unbind(0) for part in gates[:, :, : 3 * hidden].split(hidden, 2))
        recurrent = weight_hh.t().contiguous()  # a product with rows that lie apart takes half as long again
        for t, (now, tanh_c) in enumerate(zip(gates.unbind(0), squashed.unbind(0), strict=True)):
            if t:
                now.addmm_(h[t], recurrent)
            sigmoids[t].sigmoid_()
            cells[t].tanh_()
            torch.mul(forgets[t], c[t], out=c[t + 1]).addcmul_(ins[t], cells[t])
            torch.tanh(c[t + 1], out=tanh_c)
            torch.mul(outputs[t], tanh_c, out=h[t + 1])
        ctx.save_for_backward(x, weight_ih, weight_hh, gates, states, squashed)
        return states[0, 1:]

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, weight_ih, weight_hh, gates, states, squashed = ctx.saved_tensors
        frames, batch, hidden = squashed.shape
        o, i, f, g = gates.split(hidden, 2)
        # What a gradient of h or c is multiplied by to become one of the gates' inputs, for all frames at once.
        slopes = torch.empty_like(gates)
        to_o, to_i, to_f, to_g = slopes.split(hidden, 2)
        one = x.new_ones(())
        torch.addcmul(o, o, o, value=-1, out=to_o).mul_(squashed)  # tanh(c) · o(1-o)
        torch.addcmul(i, i, i, value=-1, out=to_i).mul_(g)
        torch.addcmul(f, f, f, value=-1, out=to_f).mul_(states[1, :-1])
        torch.addcmul(one, g, g, value=-1, out=to_g).mul_(i)
        into_c = torch.addcmul(one, squashed, squashed, value=-1).mul_(o)  # of h into c: o(1-tanh²(c))
        forgets, into = f.unbind(0), into_c.unbind(0)
        each, outs, rest = (
            slopes.unbind(0),
            to_o.unbind(0),
            slopes[:, :, hidden:].view(frames, batch, 3, hidden).unbind(0),
        )
        dys = dy.unbind(0)
        dc = x.new_zeros(batch, hidden)
        wide = dc.unsqueeze(1)
        dh = dys[-1]
        for t in range(frames - 1, -1, -1):
            dc.addcmul_(dh, into[t])
            outs[t].mul_(dh)
            rest[t].mul_(wide)
            dc.mul_(forgets[t])
            if t:
                dh = torch.addmm(dys[t - 1], each[t], weight_hh)
        flat = slopes.view(frames * batch, 4 * hidden)
        before = states[0, :-1].reshape(frames * batch, hidden)
        dx = (flat @ weight_ih).view(frames, batch, -1)
        return dx, flat.t() @ x, flat.t() @ before, flat.sum(0)
