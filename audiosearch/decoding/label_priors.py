"""Label priors: estimated from emissions, and subtracted from them.

A network trained by CTC learns how frequent labels are in its training text, blanks above all, besides how they sound;
a language model knows those frequencies better. Dividing the posteriors of labels by a power of their priors leaves
scaled likelihoods (Miao, Gowayyed and Metze 2015, "EESEN", section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from audiosearch.config import DecoderConfig
from audiosearch.types import Emissions

MIN_PRIOR = 1e-6
"""Lower bound of a prior, so that a label that never occurs does not get an infinite score."""


def estimate_label_priors(emissions: Iterable[Emissions]) -> tuple[float, ...]:
    """Mean probability of each label over all frames; empty if there are no frames."""
    total, frames = np.zeros(0), 0
    for segment in emissions:
        sums = np.exp(segment.log_probs, dtype=np.float64).sum(0)
        total = sums if not frames else total + sums
        frames += len(segment)
    return tuple(round(float(prior), 6) for prior in np.maximum(total / frames, MIN_PRIOR)) if frames else ()


def subtract_label_priors(emissions: Emissions, config: DecoderConfig) -> Emissions:
    """Emissions minus ``prior_weight`` times the log-priors of the labels, normalized again."""
    priors, weight = config.label_priors, config.prior_weight
    if not priors or not weight or len(emissions) == 0:
        return emissions
    scores = emissions.log_probs - np.float32(weight) * np.log(np.array(priors, np.float32))
    return replace(emissions, log_probs=scores - np.log(np.exp(scores).sum(1, keepdims=True)))
