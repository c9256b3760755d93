"""Interpolating and pruning n-gram models, compared with sums over a vocabulary of four words."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from audiosearch.language_model.interpolation import (
    counted_tokens,
    fit_weights,
    interpolate,
    ngram_frequencies,
    perplexity,
    prune,
    pruning_costs,
)
from audiosearch.language_model.kenlm_model import KenlmScorer
from audiosearch.language_model.ngrams import END, NEVER, RESERVED, START, UNKNOWN, NGramModel, read_arpa, write_arpa

NAMES = (*RESERVED, "a", "b", "c", "d")
A, B, C, D = range(3, 7)
COUNTS = np.array([1.0, 0.0, 0.0, 5.0, 5.0, 4.0, 12.0])
WEIGHTS = np.array([0.3, 0.7])

# Words 3 to 6 as lmplz gets them; neither model has seen "d", and the second not "c".
FIRST = """\\data\\
ngram 1=6
ngram 2=5
ngram 3=2

\\1-grams:
-1.3\t<unk>\t0
0\t<s>\t-0.3
-0.8\t</s>\t0
-0.5\t3\t-0.2
-0.7\t4\t-0.1
-1.0\t5\t0

\\2-grams:
-0.4\t<s> 3\t-0.25
-0.3\t3 4\t-0.15
-0.9\t4 3\t0
-0.6\t4 </s>\t0
-0.2\t5 </s>\t0

\\3-grams:
-0.1\t<s> 3 4
-0.5\t3 4 3

\\end\\
"""
SECOND = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-1.0\t<unk>\t0
0\t<s>\t-0.4
-0.9\t</s>\t0
-0.4\t4\t-0.3
-0.6\t3\t-0.2

\\2-grams:
-0.2\t<s> 4\t-0.1
-0.5\t4 4\t-0.2
-0.3\t3 </s>\t0
-0.7\t4 3\t0

\\3-grams:
-0.3\t<s> 4 3

\\end\\
"""
HISTORIES = [(START,), (A,), (B,), (C,), (D,), *itertools.product((START, A, B, C, D), (A, B, C, D))]


@pytest.fixture
def models(tmp_path: Path) -> list[NGramModel]:
    loaded = []
    for number, text in enumerate((FIRST, SECOND)):
        (tmp_path / f"{number}.arpa").write_text(text)
        loaded.append(read_arpa(tmp_path / f"{number}.arpa", COUNTS))
    return loaded


@pytest.fixture
def mixture(models: list[NGramModel]) -> NGramModel:
    return interpolate(models, WEIGHTS)


def probability(model: NGramModel, history: tuple[int, ...], word: int) -> float:
    return float(10 ** model.score(np.array([*history, word]))[-1])


def ngrams(model: NGramModel, n: int) -> list[tuple[int, ...]]:
    order = model.orders[n - 1]
    if n == 1:
        return [(word,) for word in order.words.tolist()]
    shorter = ngrams(model, n - 1)
    pairs = zip(order.contexts.tolist(), order.words.tolist(), strict=True)
    return [(*shorter[context], word) for context, word in pairs]


def test_a_model_read_from_a_file_has_its_probabilities(models: list[NGramModel]) -> None:
    first = models[0]
    assert [len(order) for order in first.orders] == [7, 5, 2]
    assert set(ngrams(first, 2)) == {(START, A), (A, B), (B, A), (B, END), (C, END)}
    assert set(ngrams(first, 3)) == {(START, A, B), (A, B, A)}
    assert probability(first, (START, A), B) == pytest.approx(10**-0.1, rel=1e-5)
    assert probability(first, (START, A), A) == pytest.approx(probability(first, (), A) * 10**-0.45, rel=1e-5)
    assert probability(first, (A, B), END) == pytest.approx(10 ** (-0.15 - 0.6), rel=1e-5)


def test_unseen_words_share_the_leftover_probability(models: list[NGramModel]) -> None:
    for model in models:
        unigrams = 10.0 ** model.orders[0].log_probs.astype(float)
        assert unigrams.sum() == pytest.approx(1, abs=1e-6)
        assert unigrams[D] == pytest.approx(12 * unigrams[UNKNOWN], rel=1e-5)
        assert model.orders[0].log_probs[START] == NEVER
    assert models[1].orders[0].log_probs[C] == pytest.approx(models[1].orders[0].log_probs[D] - math.log10(3))


def test_a_mixture_has_the_weighted_sums(models: list[NGramModel], mixture: NGramModel) -> None:
    for n in (1, 2, 3):
        seen = {ngram for model in models for ngram in ngrams(model, n)}
        assert ngrams(mixture, n) == sorted(seen)
        for *history, word in seen - {(START,)}:
            wanted = sum(w * probability(m, tuple(history), word) for w, m in zip(WEIGHTS, models, strict=True))
            assert probability(mixture, tuple(history), word) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("keep", [None, 0, 1, 3, 6, 8, 100])
def test_probabilities_sum_to_one(mixture: NGramModel, keep: int | None) -> None:
    model = mixture
    if keep is not None:
        contexts = ngram_frequencies(mixture, [np.array([START, A, B, A, B, END])], np.ones(1))
        model = prune(mixture, pruning_costs(mixture, contexts), keep)
        assert sum(map(len, model.orders[1:])) >= min(keep, sum(map(len, mixture.orders[1:])))
    for history in HISTORIES:
        total = sum(probability(model, history, word) for word in range(len(NAMES)))
        assert total == pytest.approx(1, abs=1e-5), history


def test_kenlm_reads_the_same(mixture: NGramModel, tmp_path: Path) -> None:
    pytest.importorskip("kenlm", reason="kenlm is not installed: pip install kenlm with a Python below 3.13")
    write_arpa(mixture, NAMES, tmp_path / "mixture.arpa")
    read = KenlmScorer(tmp_path / "mixture.arpa", NAMES)
    for tokens in itertools.product((A, B, C, D, UNKNOWN), repeat=4):
        state, scores = read.start(), []
        for token in (*tokens, END):
            score, state = read.score(state, NAMES[token])
            scores.append(score)
        assert mixture.score(np.array([START, *tokens, END]))[1:].tolist() == pytest.approx(scores, abs=1e-4)


def test_weights_have_maximum_likelihood(models: list[NGramModel]) -> None:
    texts = [np.array([START, A, B, END, START, B, A, END]), np.array([START, C, UNKNOWN, D, END] * 3)]
    scores = [np.stack([model.score(text)[counted_tokens(text)] for model in models]) for text in texts]
    assert [score.shape for score in scores] == [(2, 6), (2, 9)]
    weights = fit_weights(scores)
    assert weights.sum() == pytest.approx(1)

    def likelihood(first: float) -> float:
        mixing = np.array([first, 1 - first])
        return sum(float(np.log(mixing @ 10**score).mean()) for score in scores)

    best = max(np.linspace(0.001, 0.999, 999), key=likelihood)
    assert weights[0] == pytest.approx(best, abs=0.002)
    assert fit_weights([scores[0], scores[1], scores[1], scores[0]]) == pytest.approx(weights)
    assert perplexity(np.log10([0.25, 0.25])) == pytest.approx(4)


def test_frequencies_are_counted(mixture: NGramModel) -> None:
    texts = [np.array([START, A, B, END]), np.array([START, B, B, B, END])]
    unigrams, bigrams = ngram_frequencies(mixture, texts, np.array([0.4, 0.6]))
    assert unigrams.tolist() == pytest.approx([0, 0.4 / 4 + 0.6 / 5, 0.22, 0.1, 0.4 / 4 + 0.6 * 3 / 5, 0, 0])
    frequencies = dict(zip(ngrams(mixture, 2), bigrams.tolist(), strict=True))
    assert frequencies[(START, A)] == pytest.approx(0.1)
    assert frequencies[(B, B)] == pytest.approx(0.6 * 2 / 5)
    assert frequencies[(C, END)] == 0


def test_pruning_costs_are_relative_entropies(mixture: NGramModel) -> None:
    """Each cost equals the divergence, summed over all words, of the model without that n-gram."""
    contexts = [np.linspace(0.1, 0.2, len(order)) for order in mixture.orders[:-1]]
    for n, costs in enumerate(pruning_costs(mixture, contexts), start=2):
        for ngram, cost, row in zip(ngrams(mixture, n), costs, mixture.orders[n - 1].contexts, strict=True):
            history = ngram[:-1]
            old = [probability(mixture, history, word) for word in range(len(NAMES)) if word != START]
            new = without(mixture, ngram)
            wanted = contexts[n - 2][row] * sum(p * math.log(p / q) for p, q in zip(old, new, strict=True))
            assert cost == pytest.approx(wanted, abs=2e-6)


def without(model: NGramModel, ngram: tuple[int, ...]) -> list[float]:
    """Probabilities of all words but START after the context of an n-gram that is removed."""
    history, n = ngram[:-1], len(ngram)
    seen = {stored[-1] for stored in ngrams(model, n) if stored[:-1] == history} - {ngram[-1]}
    words = [word for word in range(len(NAMES)) if word != START]
    lower = {word: probability(model, history[1:], word) for word in words}
    kept = {word: probability(model, history, word) for word in seen}
    weight = (1 - sum(kept.values())) / (1 - sum(lower[word] for word in seen))
    return [kept.get(word, weight * lower[word]) for word in words]


def test_pruning_keeps_contexts_and_suffixes(mixture: NGramModel) -> None:
    costs = [np.zeros(len(order)) for order in mixture.orders[1:]]
    costs[1][ngrams(mixture, 3).index((A, B, A))] = 1.0
    pruned = prune(mixture, costs, 1)
    assert ngrams(pruned, 3) == [(A, B, A)]
    assert ngrams(pruned, 2) == [(A, B), (B, A)]
    assert ngrams(pruned, 1) == ngrams(mixture, 1)
    assert probability(pruned, (A, B), A) == pytest.approx(probability(mixture, (A, B), A), rel=1e-5)
    assert ngrams(prune(mixture, costs, 100), 3) == ngrams(mixture, 3)
