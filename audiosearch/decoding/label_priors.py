"""How likely labels are by themselves, and emissions without that.

A network trained by CTC says what is likely in text as well as what it hears, blanks above all; a language model knows
the former better. So what it says of a label is divided by a power of the label's prior (Miao, Gowayyed and Metze 2015,
"EESEN", section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from audiosearch.config import DecoderConfig
from audiosearch.types import Emissions

LEAST = 1e-6
"""No label is less likely; else what is never heard would be divided by nothing."""


def measure(emissions: Iterable[Emissions]) -> tuple[float, ...]:
    """The mean probability of each label over all frames; () of no frames."""
    total, frames = np.zeros(0), 0
    for one in emissions:
        more = np.exp(one.log_probs, dtype=np.float64).sum(0)
        total = more if not frames else total + more
        frames += len(one)
    return tuple(round(float(prior), 6) for prior in np.maximum(total / frames, LEAST)) if frames else ()


def divide(emissions: Emissions, config: DecoderConfig) -> Emissions:
    """The emissions with the priors of the labels divided out, as far as ``prior_weight`` says; normalized again."""
    priors, weight = config.label_priors, config.prior_weight
    if not priors or not weight or len(emissions) == 0:
        return emissions
    scores = emissions.log_probs - np.float32(weight) * np.log(np.array(priors, np.float32))
    return replace(emissions, log_probs=scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
