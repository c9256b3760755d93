"""Logistic regression with few features, fitted by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_ITERATIONS = 25
CONVERGED = 1e-8
"""Largest change of a weight in the last iteration."""


def fit_logistic(features: NDArray[np.float64], labels: NDArray[np.bool_], ridge: float = 1.0) -> tuple[float, ...]:
    """Maximum-likelihood weights with an L2 penalty.

    Args:
        features: [examples, features].
        labels: [examples].
        ridge: strength of the penalty; half of it times the squared norm of the weights is subtracted from the
            log-likelihood.
    """
    weights = np.zeros(features.shape[1])
    for _ in range(MAX_ITERATIONS):
        probabilities = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        gradient = features.T @ (labels - probabilities) - ridge * weights
        variance = probabilities * (1 - probabilities)
        hessian = (features * variance[:, None]).T @ features + ridge * np.eye(len(weights))
        step = np.linalg.solve(hessian, gradient)
        weights += step
        if np.abs(step).max() < CONVERGED:
            break
    return tuple(round(float(weight), 5) for weight in weights)
