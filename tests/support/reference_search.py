"""The search of the core without pruning, in a few lines: an oracle for small emissions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from audiosearch.language_model.arpa import convert_arpa
from audiosearch.language_model.model import LanguageModel

LETTERS_ARPA = Path(__file__).parents[1] / "data" / "letters.arpa"
"""Trigrams of words of the letters a, b and c."""

_FOLDER = TemporaryDirectory()


def letters_model() -> LanguageModel:
    """The model of LETTERS_ARPA as the core reads it."""
    path = Path(_FOLDER.name, "letters.bin")
    convert_arpa(LETTERS_ARPA, path)
    return LanguageModel(path)


Words = tuple[str, ...]


class Arpa:
    """Log10 probabilities by a model in ARPA format, with back-off as its definition says."""

    def __init__(self, path: Path) -> None:
        self.log_probs: dict[Words, float] = {}
        self.backoffs: dict[Words, float] = {}
        length = 0
        for line in path.read_text().splitlines():
            if line.endswith("-grams:"):
                length = int(line[1])
            elif line[:1] == "-" and length:
                log_prob, *words = line.split()
                self.log_probs[tuple(words[:length])] = float(log_prob)
                self.backoffs[tuple(words[:length])] = float(words[length]) if len(words) > length else 0.0

    @cached_property
    def words(self) -> frozenset[str]:
        """Words but for the reserved ones."""
        return frozenset(words[0] for words in self.log_probs if len(words) == 1 and words[0][0] != "<")

    def score(self, context: Words, word: str) -> float:
        """Log10 probability of a word after ``context``."""
        if (word,) not in self.log_probs:
            word = "<unk>"
        context = tuple(before if (before,) in self.log_probs else "<unk>" for before in context)
        if (*context, word) in self.log_probs:
            ngram = (*context, word)
            return self.log_probs[ngram]
        return self.backoffs.get(context, 0.0) + self.score(context[1:], word)


def hot_word_bonus(words: Sequence[str], phrases: Collection[Words], weight: float) -> float:
    """Bonus of the phrases in a text, in nats: ``weight`` for each letter of theirs."""
    matched: Words = ()
    total, settled = 0.0, 0
    for word in words:
        matched = (*matched, word)
        while matched and not any(phrase[: len(matched)] == matched for phrase in phrases):
            matched, settled = matched[1:], max(0, settled - 1)
        if matched in phrases:
            total += weight * len("".join(matched[settled:]))
            settled = len(matched)
    return total


def reference_beams(rows: NDArray[np.float32], labels: Sequence[str]) -> dict[tuple[str, str], float]:
    """Log-probability of every prefix and last label, summed over all paths; the prefix may end with a space."""
    beams = {("", ""): 0.0}
    for row in rows.tolist():
        extended: dict[tuple[str, str], float] = defaultdict(lambda: -math.inf)
        for (prefix, last), score in beams.items():
            for label, log_prob in zip(labels, row, strict=True):
                is_new = label not in ("", last) and not (label == " " and prefix[-1:] in ("", " "))
                key = (prefix + label if is_new else prefix, label)
                extended[key] = float(np.logaddexp(extended[key], score + log_prob))
        beams = dict(extended)
    return beams


def reference_search(
    rows: NDArray[np.float32],
    labels: Sequence[str],
    arpa: Arpa | None = None,
    phrases: Collection[Words] = (),
    *,
    alpha: float = 0.0,
    beta: float = 0.0,
    unknown_score: float = 0.0,
    hot_word_weight: float = 0.0,
) -> list[tuple[str, float]]:
    """All texts with their scores, best first."""
    scores: dict[str, float] = defaultdict(lambda: -math.inf)
    for (prefix, _), score in reference_beams(rows, labels).items():
        scores[prefix.strip()] = float(np.logaddexp(scores[prefix.strip()], score))
    for text in scores:
        words = text.split()
        scores[text] += hot_word_bonus(words, phrases, hot_word_weight)
        if arpa is not None:
            known = arpa.words | {word for phrase in phrases for word in phrase}
            log10 = unknown_score * sum(word not in known for word in words)
            context: Words = ("<s>",)
            for word in (*words, "</s>"):
                log10 += arpa.score(context, word)
                context = (*context, word)
            scores[text] += alpha * math.log(10) * log10 + beta * len(words)
    return sorted(scores.items(), key=lambda result: -result[1])
