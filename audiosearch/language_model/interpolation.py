"""Linear interpolation of n-gram models, with weights fitted by EM, and pruning by relative entropy.

Legend: ``K`` n-grams of an order, ``T`` tokens of a text, ``M`` models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audiosearch.language_model.ngrams import (
    NEVER,
    START,
    UNKNOWN,
    Floats,
    Integers,
    NGramModel,
    Order,
    exp10,
    left_over,
    normalized,
    pack,
)

ITERATIONS = 100
"""Iterations of EM; after about thirty the weights change by less than a thousandth."""


def counted_tokens(tokens: Integers) -> NDArray[np.bool_]:
    """Mask of the tokens [T] that count in a perplexity: neither sentence starts nor unknown words."""
    counted: NDArray[np.bool_] = (tokens != START) & (tokens != UNKNOWN)
    return counted


def perplexity(log_probs: NDArray[np.float64]) -> float:
    """Perplexity of log10 probabilities [T]."""
    return float(10 ** -log_probs.mean())


def fit_weights(
    log_probs: Sequence[NDArray[np.float64]], prior: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Maximum-likelihood weights [M] of a mixture of models on development texts; they sum to 1.

    EM (Jelinek and Mercer 1980): each iteration sets the weights to the mean share of each model in the
    probability of a token, with the same total weight for each text.

    Args:
        log_probs: for each text, log10 probabilities of its tokens by the models [M, T].
        prior: number of tokens of each model that are added to each text [M]; default: none.
    """
    added = np.zeros(len(log_probs[0])) if prior is None else prior
    weights = np.full(len(log_probs[0]), 1 / len(log_probs[0]))
    probs = [exp10(logs) for logs in log_probs]
    for _ in range(ITERATIONS):
        shares = [weights[:, None] * text / (weights @ text) for text in probs]
        weights = np.mean([(share.sum(axis=1) + added) / (share.shape[1] + added.sum()) for share in shares], axis=0)
    return weights


def interpolate(models: Sequence[NGramModel], weights: NDArray[np.float64]) -> NGramModel:
    """Interpolated model: the probability of every n-gram in any of ``models`` is the weighted sum of theirs.

    Back-off weights are recomputed, as SRILM's ``ngram -mix-lm`` does (Stolcke 2002). The vocabulary and the order
    must be the same.
    """
    rows = [np.arange(len(model.orders[0])) for model in models]  # rows of each model's n-grams in the union
    logs = [model.orders[0].log_probs for model in models]  # of the n-grams of the union, by each model
    first = models[0].orders[0]
    orders = [Order(first.keys, first.suffixes, _mix(logs, weights), first.backoffs)]
    for n in range(1, len(models[0].orders)):
        longer = [model.orders[n] for model in models]
        parts = [pack(row[order.contexts], order.words) for row, order in zip(rows, longer, strict=True)]
        below, keys = orders[-1], _union(parts)
        bare = Order(keys, keys, np.empty(0, np.float32), np.empty(0, np.float32))
        suffixes = bare.words if n == 1 else below.find(below.suffixes[bare.contexts], bare.words)
        for i, (model, part) in enumerate(zip(models, parts, strict=True)):
            backoffs = np.zeros(len(below), np.float32)
            backoffs[rows[i]] = model.orders[n - 1].backoffs
            logs[i] = backoffs[bare.contexts] + logs[i][suffixes]
            rows[i] = np.searchsorted(keys, part)
            logs[i][rows[i]] = longer[i].log_probs
        orders.append(Order(keys, suffixes, _mix(logs, weights), np.empty(0, np.float32)))
    return normalized(orders)


def _union(parts: Sequence[Integers]) -> Integers:
    """All keys once, ascending; the stable sort merges ascending parts, of which the union is made in linear time."""
    merged = np.sort(np.concatenate(parts), kind="stable")
    keys: Integers = merged[np.diff(merged, prepend=-1) != 0]
    return keys


def _mix(logs: Sequence[Floats], weights: NDArray[np.float64]) -> Floats:
    mixed = np.zeros(len(logs[0]))
    for log_probs, weight in zip(logs, weights, strict=True):
        mixed += weight * exp10(log_probs)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(mixed), NEVER).astype(np.float32)


def ngram_frequencies(
    model: NGramModel, texts: Sequence[Integers], weights: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Weighted relative frequencies of n-grams in the texts [K], for each order but the longest.

    Pruning needs them as probabilities of contexts: those of a model with Kneser-Ney smoothing are misleading, since
    its lower orders count contexts instead of occurrences (Chelba, Brants, Neveitt and Xu 2010).
    """
    frequencies = [np.zeros(len(order)) for order in model.orders[:-1]]
    shorter = NGramModel(model.orders[:-1])
    for tokens, weight in zip(texts, weights, strict=True):
        for total, rows in zip(frequencies, shorter.rows(tokens), strict=True):
            total += np.bincount(rows[rows >= 0], minlength=len(total)) * (weight / len(tokens))
    return frequencies


def pruning_costs(model: NGramModel, contexts: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Relative entropy (nats per token) of removing each n-gram [K], for each order above 1.

    Stolcke 1998, equation 6: with a = (1 - Σ p(w|h)) / (1 - Σ p(w|h')) the back-off weight of h and a' the one without
    w, the cost is -p(h) (p(w|h) (log p(w|h') + log a' - log p(w|h)) + (1 - Σ p(w|h)) (log a' - log a)).

    Args:
        contexts: probabilities of the n-grams of each order as contexts, as from ``ngram_frequencies``.
    """
    costs = []
    for n in range(1, len(model.orders)):
        below, order = model.orders[n - 1], model.orders[n]
        rows, size = order.contexts, len(below)
        p, lower = exp10(order.log_probs), exp10(below.log_probs[order.suffixes])
        rest, rest_lower = (left_over(rows, values, size)[rows] for values in (p, lower))
        old, new = np.log(rest / rest_lower), np.log((rest + p) / (rest_lower + lower))
        change = p * (np.log(lower) + new - np.log(p)) + rest * (new - old)
        costs.append(-contexts[n - 1][rows] * change)
    return costs


def prune(model: NGramModel, costs: Sequence[NDArray[np.float64]], keep: int) -> NGramModel:
    """The model with the ``keep`` most costly n-grams above order 1, normalized again.

    The cost of an n-gram is at least that of every n-gram that needs it as context or suffix.

    Args:
        costs: of removing each n-gram, for each order above 1, as from ``pruning_costs``.
    """
    bounds = [cost.copy() for cost in costs]
    for n in range(len(bounds) - 1, 0, -1):
        order = model.orders[n + 1]
        for rows in (order.contexts, order.suffixes):
            np.maximum.at(bounds[n - 1], rows, bounds[n])
    all_bounds = np.concatenate(bounds)
    min_cost = (
        np.partition(all_bounds, len(all_bounds) - keep)[len(all_bounds) - keep]
        if 0 < keep < len(all_bounds)
        else -np.inf
    )
    orders = [model.orders[0]]
    rows = np.arange(len(orders[0]))  # of the order below, after pruning
    for order, values in zip(model.orders[1:], bounds, strict=True):
        kept = values >= min_cost if keep else np.zeros(len(values), np.bool_)
        keys = pack(rows[order.contexts[kept]], order.words[kept])
        orders.append(Order(keys, rows[order.suffixes[kept]], order.log_probs[kept], order.backoffs[kept]))
        rows = np.cumsum(kept) - 1
    return normalized(orders)
