"""Language models of several kinds of text: a model of each, interpolated to fit development text, pruned to a size.

::

    texts of a kind → lmplz → models ┐
    development texts → EM → weights ┴ interpolate → prune by relative entropy → lm.bin
"""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import LanguageModelError
from audiosearch.files import lock_output
from audiosearch.language_model.estimation import (
    LeftOut,
    check_files,
    check_settings,
    estimate_numbered,
    find_lmplz,
    normalize_into,
    numbered,
    read_lines,
    save_model,
)
from audiosearch.normalizer import normalize
from audiosearch.tags import normalize_transcript

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.language_model.ngrams import Integers, NGramModel

_SUFFICIENT = 0.995
"""Share of the size limit that is sufficient."""


@dataclass(frozen=True, slots=True)
class DevelopmentFit:
    """Fit of the mixture, before pruning, to a development text.

    Args:
        unknown: share of its words outside the vocabulary; the perplexity is that of the other words.
    """

    path: Path
    perplexity: float
    unknown: float


@dataclass(frozen=True, slots=True)
class MixtureSummary:
    """Size and statistics of an interpolated model.

    Args:
        weights: of each kind of text.
        ngrams: of each order, after pruning.
    """

    words: int
    vocabulary: int
    weights: tuple[float, ...]
    fits: tuple[DevelopmentFit, ...]
    ngrams: tuple[int, ...]
    bytes: int
    left_out: tuple[LeftOut, ...] = ()


def estimate_mixture(
    kinds: Sequence[Sequence[Path]],
    development: Sequence[Path],
    output: Path,
    *,
    vocabulary: Path | None = None,
    max_words: int | None = None,
    max_megabytes: float | None = None,
    order: int = 4,
    prune: Sequence[int] = (0,),
    min_count: int = 1,
    memory: str = "1G",
    arpa: Path | None = None,
) -> MixtureSummary:
    """Estimate a model of each kind of text and write their interpolation to ``output``.

    Args:
        kinds: the texts of each kind: plain, ``.gz`` or ``.xz``, or ``.jsonl`` manifests.
        development: texts that the weights are fitted to, each with the same importance.
        output: the model; replaced only when the new one is complete.
        vocabulary: a list of words to include besides those that the texts hold ``min_count`` times: one per line,
            most important first, optionally followed by a tab and a count.
        max_words: maximum number of words read from ``vocabulary``.
        max_megabytes: size to which the model is pruned by relative entropy; None for no pruning.
        order, prune, min_count, memory, arpa: as for ``estimate``, for the model of each kind; ``min_count`` refers to
            the counts over all kinds.

    Raises:
        LanguageModelError: a text cannot be read or contains no words, lmplz is missing or fails, or the words alone
            exceed the size.
    """
    from audiosearch.language_model.interpolation import fit_weights, interpolate, ngram_frequencies
    from audiosearch.language_model.ngrams import MAX_WORDS, RESERVED

    check_settings(order, prune, min_count)
    find_lmplz()
    check_files([*(path for kind in kinds for path in kind), *development], output, arpa)
    if not development:
        raise LanguageModelError("no development text, which the weights of the kinds of text are fitted to.")
    with lock_output(output), tempfile.TemporaryDirectory(prefix=".lm-", dir=output.parent) as folder:
        work = Path(folder)
        texts = [work / f"text{number}" for number in range(len(kinds))]
        normalized = [normalize_into(text, kind) for text, kind in zip(texts, kinds, strict=True)]
        counts = [text.counts for text in normalized]
        known = _known_words(kinds, counts, vocabulary, max_words, min_count)
        if len(known) > MAX_WORDS:
            raise LanguageModelError(f"{len(known):,} words are more than {MAX_WORDS:,}; raise --min-count.")
        names = (*RESERVED, *known)
        ids = numbered(names)
        padding = ["--vocab_pad", str(len(names))]
        word_counts = _word_counts(known)
        models, tokens = [], []
        for text in texts:
            with text.open(encoding="ascii") as file:
                tokens.append(tokens_of(file, ids))
            models.append(estimate_numbered(text, ids, word_counts, order, prune, memory, *padding))
        held_out = [tokens_of(map(normalize_transcript, read_lines(path)), ids) for path in development]
        weights = fit_weights([_scores(models, *pair) for pair in zip(held_out, development, strict=True)])
        mixture = interpolate(models, weights)
        del models
        fits = tuple(_fit(mixture, *pair) for pair in zip(held_out, development, strict=True))
        contexts = ngram_frequencies(mixture, tokens, weights)
        del tokens
        if max_megabytes is not None:
            mixture = _prune_to(mixture, contexts, names, max_megabytes)
        save_model(mixture, names, output, arpa)
    sizes = tuple(map(len, mixture.orders))
    words = sum(count.total() for count in counts)
    left_out = tuple(lines for text in normalized for lines in text.left_out)
    return MixtureSummary(words, len(known), tuple(weights.tolist()), fits, sizes, output.stat().st_size, left_out)


def _known_words(
    kinds: Sequence[Sequence[Path]],
    counts: Sequence[Counter[str]],
    vocabulary: Path | None,
    max_words: int | None,
    min_count: int,
) -> dict[str, int]:
    """The vocabulary, with the count of each word in the list or in the texts, whichever is larger."""
    total: Counter[str] = Counter()
    for kind, count in zip(kinds, counts, strict=True):
        if not count:
            raise LanguageModelError(f"{', '.join(map(str, kind))}: contains no words.")
        total.update(count)
    known = {} if vocabulary is None else read_vocabulary(vocabulary, max_words)
    for word, occurrences in total.items():
        if occurrences >= min_count:
            known[word] = max(occurrences, known.get(word, 0))
    if not known:
        raise LanguageModelError(f"no word occurs {min_count} times or more.")
    return known


def read_vocabulary(path: Path, max_words: int | None = None) -> dict[str, int]:
    """The words of a list in order, with their counts, 1 where the list has none.

    Raises:
        LanguageModelError: the file cannot be read, or a line is not a word, optionally with a tab and a count.
    """
    known: dict[str, int] = {}
    for number, line in enumerate(islice(read_lines(path), max_words), start=1):
        word, _, count = line.strip().partition("\t")
        if not word or " " in word or normalize(word) != word or not (count or "1").isdecimal():
            raise LanguageModelError(
                f"{path}: line {number} must be a normalized word, optionally with a tab and a count."
            )
        known[word] = max(int(count or 1), 1)
    return known


def _word_counts(known: dict[str, int]) -> NDArray[np.float64]:
    """Counts [V] by which unseen words share probability; unknown words count as the rarest known one."""
    import numpy as np

    return np.array([min(known.values()), 0, 0, *known.values()], dtype=np.float64)


def tokens_of(sentences: Iterable[str], ids: dict[str, int]) -> Integers:
    """Ids of the words of sentences between START and END."""
    import numpy as np

    from audiosearch.language_model.ngrams import END, START, UNKNOWN

    tokens = array("i")
    for sentence in filter(None, sentences):
        tokens.append(START)
        tokens.extend([ids.get(word, UNKNOWN) for word in sentence.split()])
        tokens.append(END)
    return np.asarray(tokens, dtype=np.int64)


def _scores(models: Sequence[NGramModel], tokens: Integers, path: Path) -> NDArray[np.float64]:
    """Log10 probabilities of the known words of a development text by each model [M, T]."""
    import numpy as np

    from audiosearch.language_model.interpolation import counted_tokens

    counted = counted_tokens(tokens)
    if not counted.any():
        raise LanguageModelError(f"{path}: contains no known words to fit the weights to.")
    return np.stack([model.score(tokens)[counted] for model in models])


def _fit(mixture: NGramModel, tokens: Integers, path: Path) -> DevelopmentFit:
    from audiosearch.language_model.interpolation import counted_tokens, perplexity
    from audiosearch.language_model.ngrams import END, START, UNKNOWN

    words = (tokens != START) & (tokens != END)
    unknown = float((tokens[words] == UNKNOWN).mean())
    return DevelopmentFit(path, perplexity(mixture.score(tokens)[counted_tokens(tokens)]), unknown)


def _prune_to(
    mixture: NGramModel, contexts: Sequence[NDArray[np.float64]], names: Sequence[str], max_megabytes: float
) -> NGramModel:
    """The largest pruned model within the limit, or one that nearly fills it.

    Raises:
        LanguageModelError: the words alone exceed the limit.
    """
    from audiosearch.language_model.interpolation import prune, pruning_costs
    from audiosearch.language_model.storage import stored_size

    limit = max_megabytes * 1e6
    costs = pruning_costs(mixture, contexts)
    # Numbers of n-grams, with the sizes of their models: the first fits, the second does not.
    low, high = 0, sum(map(len, costs))
    pruned = prune(mixture, costs, 0)
    low_size, high_size = stored_size(pruned, names), stored_size(mixture, names)
    if low_size > limit:
        raise LanguageModelError(f"max-megabytes {max_megabytes:g}: the words alone take {low_size / 1e6:.2f}.")
    if high_size <= limit:
        return mixture
    target = limit * (1 + _SUFFICIENT) / 2
    trial = 0
    while high - low > 1 and low_size < _SUFFICIENT * limit:
        trial += 1
        # The size is nearly proportional to the number; halving the interval at times bounds the number of trials.
        share = 0.5 if trial % 3 == 0 else (target - low_size) / (high_size - low_size)
        keep = min(max(low + 1, low + int(share * (high - low))), high - 1)
        model = prune(mixture, costs, keep)
        size = stored_size(model, names)
        if size <= limit:
            low, low_size, pruned = keep, size, model
        else:
            high, high_size = keep, size
    return pruned
