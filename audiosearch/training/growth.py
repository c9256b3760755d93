"""Widen a trained network by copying units, to initialize a larger one (Chen et al. 2016, Net2Net).

Each unit of a recurrent layer beyond the old width copies a random one of the old ones. The weights that lead out of a
unit are divided among its copies, so that their sum, and with it the output, is unchanged; layer normalization
sees the same values in slightly different proportions. The incoming weights of copies get a little noise, without which
Adam, which ignores the scale of a gradient, would update all copies equally.

Legend: H hidden, H' hidden of the wider network.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from audiosearch.config import ModelConfig

NOISE = 0.05
"""Standard deviation of the noise on copied incoming weights, as a share of that of the weights."""


def can_grow(old: ModelConfig, new: ModelConfig) -> bool:
    """True if the networks differ only in dropout and in wider recurrent layers."""
    ignored = {"dropout": 0.0, "hidden": 1}
    return old.model_copy(update=ignored) == new.model_copy(update=ignored) and new.hidden >= old.hidden


def widen(
    weights: Mapping[str, Tensor], old: ModelConfig, new: ModelConfig, seed: int, *, noise: float = NOISE
) -> dict[str, Tensor]:
    """Weights for the wider network ``new`` that compute nearly the function of ``old`` with ``weights``."""
    draw = torch.Generator().manual_seed(seed)
    grown = dict(weights)
    copies = [_copies(old.hidden, new.hidden, draw) for _ in range(old.layers)]
    for layer, (origins, shares) in enumerate(copies):
        below = copies[layer - 1] if layer else None
        if below is not None:
            for part in ("weight", "bias"):
                _take(grown, f"recurrent.{layer}.norm.{part}", below[0])
        for direction in ("forwards", "backwards"):
            name = f"recurrent.{layer}.{direction}"
            if f"{name}.weight_hh_l0" not in weights:
                continue
            gates = len(weights[f"{name}.weight_hh_l0"]) // old.hidden
            rows = torch.cat([origins + gate * old.hidden for gate in range(gates)])
            copied = torch.arange(new.hidden).ge(old.hidden).repeat(gates)
            for part, inputs in (("ih", below), ("hh", (origins, shares))):
                weight = weights[f"{name}.weight_{part}_l0"]
                wide = weight[rows]
                wide[copied] += noise * weight.std() * torch.randn(wide[copied].shape, generator=draw)
                if inputs is not None:
                    wide = wide[:, inputs[0]] * inputs[1]
                grown[f"{name}.weight_{part}_l0"] = wide
                grown[f"{name}.bias_{part}_l0"] = weights[f"{name}.bias_{part}_l0"][rows]
    origins, shares = copies[-1]
    for part in ("weight", "bias"):
        _take(grown, f"norm.{part}", origins)
    grown["output.weight"] = weights["output.weight"][:, origins] * shares
    return grown


def _copies(old: int, new: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Old unit that each new unit copies [H'], and its share of the outgoing weights [H']."""
    extra = [torch.randperm(old, generator=draw) for _ in range(-(-(new - old) // old))]
    origins = torch.cat([torch.arange(old), *extra])[:new]
    parts = 0.5 + torch.rand(new, generator=draw)  # uneven, so that copies diverge
    return origins, parts / torch.zeros(old).index_add_(0, origins, parts)[origins]


def _take(weights: dict[str, Tensor], name: str, units: Tensor) -> None:
    """Select the values of ``units`` from a vector with a value per unit, if the network has it."""
    if name in weights:
        weights[name] = weights[name][units]
