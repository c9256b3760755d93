"""N-gram back-off models as sorted arrays of integers, for vectorized lookups with numpy.

The key of an n-gram packs two integers: its *context*, the row of its first n-1 words at the order below, and its last
word. The rows of an order are sorted by key, and row w of order 1 is word w. The *suffix* of an n-gram is the row of
its last n-1 words. A model that holds an n-gram also holds its context and its suffix.

Legend: ``K`` n-grams of an order, ``V`` words, ``T`` tokens of a text.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

UNKNOWN, START, END = 0, 1, 2
"""Ids of the first words of every vocabulary."""
RESERVED = ("<unk>", "<s>", "</s>")

NEVER = -99.0
"""Log10 probability of the sentence start, which is never predicted."""

MAX_ORDER = 6
"""Maximum order that KenLM is compiled for, and that a model file holds."""

_WORD_BITS = 21
MAX_WORDS = (1 << _WORD_BITS) - len(RESERVED)
_LINES = 500_000
"""Lines of an ARPA file that are parsed at once."""


@dataclass(frozen=True, eq=False)
class Order:
    """The n-grams of one length.

    Args:
        keys: context and last word [K], ascending.
        suffixes: rows at the order below [K]; unused in order 1.
        log_probs: log10 probability of the last word given the others [K].
        backoffs: log10 back-off weight of the n-gram as a context [K].
    """

    keys: Integers
    suffixes: Integers
    log_probs: Floats
    backoffs: Floats

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def contexts(self) -> Integers:
        """Rows of the contexts at the order below [K]."""
        return self.keys >> _WORD_BITS

    @property
    def words(self) -> Integers:
        """The last words [K]."""
        return self.keys & ((1 << _WORD_BITS) - 1)

    def find(self, contexts: Integers, words: Integers) -> Integers:
        """Rows of n-grams, -1 for those not in the model; a context may be -1."""
        keys = pack(contexts, words)
        if not len(self):
            return np.full(keys.shape, -1)
        rows = np.minimum(np.searchsorted(self.keys, keys), len(self) - 1)
        return np.where(self.keys[rows] == keys, rows, -1)


def pack(contexts: Integers, words: Integers) -> Integers:
    """Keys of n-grams."""
    return (contexts << _WORD_BITS) | words


@dataclass(frozen=True, eq=False)
class NGramModel:
    """A back-off model (Katz 1987): p(w|h) is stored, or the back-off weight of h times p(w|h without its first word).

    Args:
        orders: from unigrams, which include the whole vocabulary, to the longest n-grams.
    """

    orders: tuple[Order, ...]

    def rows(self, tokens: Integers) -> list[Integers]:
        """For each order, the rows of the n-grams that end at each token [T], -1 for those not in the model."""
        rows = [tokens]
        for order in self.orders[1:]:
            contexts = np.concatenate([[-1], rows[-1][:-1]])
            rows.append(order.find(contexts, tokens))
        return rows

    def score(self, tokens: Integers) -> NDArray[np.float64]:
        """Log10 probability of each token [T] given those before it; sentences begin with START."""
        rows = self.rows(tokens)
        scores = self.orders[0].log_probs[tokens].astype(np.float64)
        for n in range(1, len(self.orders)):
            contexts = np.concatenate([[-1], rows[n - 1][:-1]])
            known = contexts >= 0
            scores[known] += self.orders[n - 1].backoffs[contexts[known]]
            stored = rows[n] >= 0
            scores[stored] = self.orders[n].log_probs[rows[n][stored]]
        return scores


def normalized(orders: Sequence[Order]) -> NGramModel:
    """Recompute back-off weights so that the probabilities after every context sum to 1.

    For a context h and the words w stored after it, the weight is (1 - Σ p(w|h)) / (1 - Σ p(w|h')), h' being h without
    its first word.
    """
    done = []
    for order, longer in pairwise(orders):
        seen = left_over(longer.contexts, exp10(longer.log_probs), len(order))
        lower = left_over(longer.contexts, exp10(order.log_probs[longer.suffixes]), len(order))
        weights = np.log10(seen / lower)
        done.append(replace(order, backoffs=weights.astype(np.float32)))
    last = orders[-1]
    return NGramModel((*done, replace(last, backoffs=np.zeros(len(last), np.float32))))


def exp10(values: Floats | NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of log10 probabilities."""
    return np.power(10.0, values, dtype=np.float64)


def left_over(contexts: Integers, probs: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Remaining probability after the n-grams of each of ``size`` contexts, at least 1e-6 against rounding errors."""
    sums: NDArray[np.float64] = np.bincount(contexts, probs, size).astype(np.float64)
    return np.maximum(1.0 - sums, 1e-6)


def read_arpa(path: Path, counts: NDArray[np.float64]) -> NGramModel:
    """Read a model by lmplz in which words are written as their ids.

    Args:
        counts: of the words of the vocabulary in other texts [V]. The probability that the file leaves to words that
            it does not hold is divided among them in proportion to these counts.
    """
    orders: list[Order] = []
    with path.open("rb") as file:
        sizes = _sizes(file)
        for n, size in enumerate(sizes, start=1):
            columns = n + 1 if n == len(sizes) > 1 else n + 2
            table = _table(file, size, columns)
            ids = table[:, 1 : n + 1].astype(np.int64)
            log_probs = table[:, 0].astype(np.float32)
            backoffs = table[:, n + 1].astype(np.float32) if columns == n + 2 else np.zeros(size, np.float32)
            if n == 1:
                orders.append(_unigrams(ids[:, 0], log_probs, backoffs, counts))
                continue
            contexts, suffixes = ids[:, 0], ids[:, 1]
            for order, column in zip(orders[1:], range(1, n), strict=False):
                contexts = order.find(contexts, ids[:, column])
                suffixes = order.find(suffixes, ids[:, column + 1])
            keys = pack(contexts, ids[:, -1])
            rank = np.argsort(keys)
            orders.append(Order(keys[rank], suffixes[rank], log_probs[rank], backoffs[rank]))
            assert size == 0 or min(orders[-1].keys[0], suffixes.min()) >= 0, "an n-gram without context or suffix"
    return NGramModel(tuple(orders))


def _sizes(file: IO[bytes]) -> list[int]:
    """Numbers of n-grams, from the header."""
    assert file.readline().strip() == b"\\data\\"
    sizes = []
    while line := file.readline().strip():
        sizes.append(int(line.split(b"=")[1]))
    return sizes


def _table(file: IO[bytes], size: int, columns: int) -> NDArray[np.float64]:
    """The next section of an ARPA file, including the empty line at its end."""
    file.readline()  # \1-grams:
    parts = [np.empty((0, columns))]
    for first in range(0, size, _LINES):
        text = b"".join(islice(file, min(_LINES, size - first)))
        for number, name in enumerate(RESERVED):
            text = text.replace(name.encode(), b"%d" % number)
        parts.append(np.fromstring(text, sep=" ").reshape(-1, columns))
    file.readline()
    return np.concatenate(parts)


def _unigrams(ids: Integers, log_probs: Floats, backoffs: Floats, counts: NDArray[np.float64]) -> Order:
    size = len(counts)
    probs = np.zeros(size)
    probs[ids] = exp10(log_probs)
    probs[[START, UNKNOWN]] = 0.0
    unseen = probs == 0.0
    unseen[START] = False
    probs[unseen] = max(1.0 - probs.sum(), 0.0) * counts[unseen] / counts[unseen].sum()
    probs /= probs.sum()
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log10(probs), NEVER).astype(np.float32)
    weights = np.zeros(size, np.float32)
    weights[ids] = backoffs
    words = np.arange(size)
    return Order(words, np.zeros(size, np.int64), logs, weights)


def write_arpa(model: NGramModel, vocabulary: Sequence[str], path: Path) -> None:
    """Write a model in ARPA format, compressed if ``path`` ends with ``.gz``; ``vocabulary`` begins with RESERVED."""
    names: Sequence[str] = ()
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        file.write("\\data\\\n")
        file.writelines(f"ngram {n}={len(order)}\n" for n, order in enumerate(model.orders, start=1))
        for n, order in enumerate(model.orders, start=1):
            file.write(f"\n\\{n}-grams:\n")
            if n == 1:
                texts = list(vocabulary)
            else:
                pairs = zip(order.contexts.tolist(), order.words.tolist(), strict=True)
                texts = [f"{names[context]} {vocabulary[word]}" for context, word in pairs]
            values = zip(order.log_probs.tolist(), texts, order.backoffs.tolist(), strict=True)
            if n < len(model.orders):
                file.writelines(f"{p:.5f}\t{text}\t{b:.5f}\n" for p, text, b in values)
            else:
                file.writelines(f"{p:.5f}\t{text}\n" for p, text, _ in values)
            names = texts
        file.write("\n\\end\\\n")
