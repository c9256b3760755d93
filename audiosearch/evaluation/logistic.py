"""Logistic regression with few features, fitted by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fit(features: NDArray[np.float64], right: NDArray[np.bool_], ridge: float = 1.0) -> tuple[float, ...]:
    """Weights that make what is right and wrong likeliest (Newton's method), drawn a little to zero by ``ridge``.

    Args:
        features: [examples, features].
        right: [examples].
    """
    weights = np.zeros(features.shape[1])
    for _ in range(25):
        probabilities = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (right - probabilities) - ridge * weights
        spread = probabilities * (1 - probabilities)
        curvature = (features * spread[:, None]).T @ features + ridge * np.eye(len(weights))
        step = np.linalg.solve(curvature, slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return tuple(round(float(weight), 5) for weight in weights)
