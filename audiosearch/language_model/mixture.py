"""Language models of several kinds of text: a model of each, interpolated to fit development text, pruned to a size.

::

    texts of a kind → lmplz → models ┐
    development texts → EM → weights ┴ interpolate → prune by relative entropy → build_binary

lmplz gets the words as numbers, so that numpy can parse its output.
"""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.estimation import (
    check_files,
    check_settings,
    find_programs,
    normalize_into,
    read_lines,
    run_build_binary,
    run_lmplz,
    write_words,
)
from audiosearch.language_model.kenlm_model import MODEL_NAME, WORDS_NAME
from audiosearch.normalizer import normalize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.language_model.ngrams import Integers, NGramModel

_MAX_TRIALS = 8
_SUFFICIENT = 0.98
"""Maximum number of binaries built to fill the size limit, and the share of it that is sufficient."""

_NGRAM_BYTES = 4.7
"""Bytes per n-gram of a binary, for a first guess."""

_UNKNOWN = "x"
"""Replaces words outside the vocabulary in numbered text."""


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
    bits: int = 8,
    memory: str = "1G",
) -> MixtureSummary:
    """Estimate a model of each kind of text and write their interpolation to ``output``, with its word list beside it.

    Args:
        kinds: the texts of each kind: plain, ``.gz`` or ``.xz``, or ``.jsonl`` manifests.
        development: texts that the weights are fitted to, each with the same importance.
        output: the KenLM binary; replaced only when the new one is complete.
        vocabulary: a list of words to include besides those that the texts hold ``min_count`` times: one per line,
            most important first, optionally followed by a tab and a count.
        max_words: maximum number of words read from ``vocabulary``.
        max_megabytes: size to which the model is pruned by relative entropy; None for no pruning.
        order, prune, min_count, bits, memory: as for ``estimate``, for the model of each kind; ``min_count`` refers to
            the counts over all kinds.

    Raises:
        LanguageModelError: a text cannot be read or contains no words, or KenLM's programs are missing or fail.
    """
    from audiosearch.language_model.interpolation import fit_weights, interpolate, ngram_frequencies
    from audiosearch.language_model.ngrams import MAX_WORDS, RESERVED, read_arpa

    check_settings(order, prune, min_count, bits)
    find_programs()
    check_files([*(path for kind in kinds for path in kind), *development], output)
    if not development:
        raise LanguageModelError("no development text, which the weights of the kinds of text are fitted to.")
    with tempfile.TemporaryDirectory(prefix=".lm-", dir=output.parent) as folder:
        work = Path(folder)
        texts = [work / f"text{number}" for number in range(len(kinds))]
        counts = [normalize_into(text, kind)[0] for text, kind in zip(texts, kinds, strict=True)]
        known = _known_words(kinds, counts, vocabulary, max_words, min_count)
        if len(known) > MAX_WORDS:
            raise LanguageModelError(f"{len(known):,} words are more than {MAX_WORDS:,}; raise --min-count.")
        names = (*RESERVED, *known)
        ids = {name: number for number, name in enumerate(names)}
        (work / "vocabulary").write_text(" ".join(map(str, range(len(RESERVED), len(names)))), encoding="ascii")
        limits = ["--limit_vocab_file", str(work / "vocabulary"), "--vocab_pad", str(len(names))]

        word_counts = _word_counts(known)
        models, tokens = [], []
        for text in texts:
            with text.open(encoding="ascii") as file, (work / "numbers").open("w", encoding="ascii") as numbers:
                tokens.append(_tokens(file, ids, numbers))
            text.unlink()
            run_lmplz(work / "numbers", work / "arpa", order, prune, memory, *limits)
            models.append(read_arpa(work / "arpa", word_counts))
        held_out = [_tokens(map(normalize, read_lines(path)), ids) for path in development]
        weights = fit_weights([_scores(models, *pair) for pair in zip(held_out, development, strict=True)])
        mixture = interpolate(models, weights)
        del models
        fits = tuple(_fit(mixture, *pair) for pair in zip(held_out, development, strict=True))
        contexts = ngram_frequencies(mixture, tokens, weights)
        del tokens
        sizes = _pack(mixture, contexts, names, work / MODEL_NAME, max_megabytes, bits, memory)
        ranks = (-contexts[0][len(RESERVED) :]).argsort(kind="stable") + len(RESERVED)
        write_words(work / WORDS_NAME, (names[rank] for rank in ranks))
        (work / WORDS_NAME).replace(output.parent / WORDS_NAME)
        (work / MODEL_NAME).replace(output)
    words = sum(count.total() for count in counts)
    return MixtureSummary(words, len(known), tuple(weights.tolist()), fits, sizes, output.stat().st_size)


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


def _tokens(sentences: Iterable[str], ids: dict[str, int], numbers: IO[str] | None = None) -> Integers:
    """Ids of the words of sentences between START and END; also written to ``numbers`` as input of lmplz."""
    import numpy as np

    from audiosearch.language_model.ngrams import END, START, UNKNOWN

    tokens = array("i")
    for sentence in filter(None, sentences):
        words = [ids.get(word, UNKNOWN) for word in sentence.split()]
        tokens.append(START)
        tokens.extend(words)
        tokens.append(END)
        if numbers is not None:
            numbers.write(" ".join([str(word) if word != UNKNOWN else _UNKNOWN for word in words]) + "\n")
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


def _pack(
    mixture: NGramModel,
    contexts: Sequence[NDArray[np.float64]],
    names: Sequence[str],
    binary: Path,
    max_megabytes: float | None,
    bits: int,
    memory: str,
) -> tuple[int, ...]:
    """Write the largest pruned model within the limit; returns its number of n-grams by order.

    Apart from the words, the size of a trie is nearly proportional to its number of n-grams: a few trials find the
    right number.

    Raises:
        LanguageModelError: the words alone exceed the limit.
    """
    from audiosearch.language_model.interpolation import prune, pruning_costs
    from audiosearch.language_model.ngrams import write_arpa

    def build(model: NGramModel) -> int:
        arpa = binary.with_name("arpa")
        write_arpa(model, names, arpa)
        run_build_binary(arpa, binary, bits, memory)
        arpa.unlink()
        return binary.stat().st_size

    if max_megabytes is None:
        build(mixture)
        return tuple(map(len, mixture.orders))
    limit = max_megabytes * 1e6
    costs = pruning_costs(mixture, contexts)
    total = sum(map(len, costs))
    words = prune(mixture, costs, 0)
    base = build(words)
    if base > limit:
        raise LanguageModelError(f"max-megabytes {max_megabytes:g}: the words alone take {base / 1e6:.2f}.")
    keep = min(int((limit - base) / _NGRAM_BYTES), total)
    for trial in range(_MAX_TRIALS):
        pruned = prune(mixture, costs, keep)
        size = build(pruned)
        if size <= limit and (size >= _SUFFICIENT * limit or keep == total or trial >= _MAX_TRIALS // 2):
            break
        target = limit * (1 + _SUFFICIENT) / 2 if trial < _MAX_TRIALS // 2 else limit * _SUFFICIENT**trial
        keep = min(total, int(keep * max(target - base, 0) / max(size - base, 1)))
    else:
        pruned = words
        build(pruned)
    return tuple(map(len, pruned.orders))
