"""Sentences of a library in files, by recordings, and the words that they add to a language model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.estimation import normalize_into, numbered
from audiosearch.language_model.model import LanguageModel
from audiosearch.language_model.ngrams import MAX_WORDS, NEVER, UNKNOWN, NGramModel, Order
from audiosearch.language_model.storage import read_model

FOLDS = 5
"""Parts of the recordings, of which each is held out in turn."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file of normalized sentences, the number of recordings or files in it, and the counts of its words."""

    path: Path
    sources: int
    counts: Counter[str]


def write_folds(recordings: Iterable[Iterable[str]], work: Path) -> list[Text]:
    """Files of about equal length, of whole recordings; fewer than FOLDS if there are fewer recordings."""
    counts: list[Counter[str]] = [Counter() for _ in range(FOLDS)]
    sizes, sources = [0] * FOLDS, [0] * FOLDS
    paths = [work / f"fold{number}" for number in range(FOLDS)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("w", encoding="ascii")) for path in paths]
        for recording in recordings:
            number = min(range(FOLDS), key=lambda fold: (sizes[fold], sources[fold]))
            sources[number] += 1
            for sentence in recording:
                words = sentence.split()
                counts[number].update(words)
                sizes[number] += len(words)
                files[number].write(sentence + "\n")
    return [Text(*fold) for fold in zip(paths, sources, counts, strict=True) if fold[2]]


def write_text(path: Path, sources: Sequence[Path]) -> Text:
    """A file of further text."""
    text = normalize_into(path, sources)
    if not text.counts:
        raise LanguageModelError(f"{', '.join(map(str, sources))}: contains no words.")
    return Text(path, len(sources), text.counts)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words of the adapted model and the new ones after them.

    Args:
        base: the adapted model, for all words.
        names: all words by id.
        known: number of ``names`` that are of the adapted model.
        always: words that are known to the new model even if they are rare.
    """

    base: NGramModel
    names: tuple[str, ...]
    known: int
    always: Collection[str]

    @classmethod
    def of(cls, base: LanguageModel, texts: Sequence[Text], always: Collection[str], min_count: int) -> Vocabulary:
        model, names = read_model(base.path)
        total: Counter[str] = Counter()
        for text in texts:
            total.update(text.counts)
        frequent = {word for word, count in total.items() if count >= min_count}
        new = sorted((frequent | set(always)).difference(names))
        if len(names) + len(new) > MAX_WORDS:
            raise LanguageModelError(f"{len(names) + len(new):,} words are more than {MAX_WORDS:,}; raise --min-count.")
        return cls(_with_words(model, len(new)), (*names, *new), len(names), frozenset(always))

    @cached_property
    def ids(self) -> dict[str, int]:
        """Numbers of the words."""
        return numbered(self.names)


def _with_words(model: NGramModel, count: int) -> NGramModel:
    """A model with further words, which share the probability of unknown words with it in equal parts."""
    words = model.orders[0]
    share = max(float(words.log_probs[UNKNOWN]) - math.log10(count + 1), NEVER)
    log_probs = np.concatenate([words.log_probs, np.full(count, share, np.float32)])
    log_probs[UNKNOWN] = share
    backoffs = np.concatenate([words.backoffs, np.zeros(count, np.float32)])
    size = len(log_probs)
    return NGramModel((Order(np.arange(size), np.zeros(size, np.int64), log_probs, backoffs), *model.orders[1:]))
