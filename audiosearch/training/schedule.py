"""Learning rate and averaging as pure functions of the step, which is all that a resumed run needs."""

from __future__ import annotations

import math

from audiosearch.config import OptimConfig


def learning_rate(step: int, total: int, config: OptimConfig) -> float:
    """Learning rate of ``step``, counted from 0, of ``total``: linear warm-up, then decay to the final fraction."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / (config.warmup_steps + 1)
    if config.schedule == "constant":
        return config.lr
    last = max(total - 1 - config.warmup_steps, 1)
    progress = min((step - config.warmup_steps) / last, 1.0)
    remaining = 1 - progress if config.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return config.lr * (config.final_lr_fraction + (1 - config.final_lr_fraction) * remaining)


def averaging_decay(steps: int, config: OptimConfig) -> float:
    """Decay of the moving average of weights; low during the first steps, to forget the initial weights."""
    return min(config.ema_decay, (1 + steps) / (10 + steps))
