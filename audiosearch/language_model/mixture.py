"""A language model of several kinds of text: one model of each, interpolated to fit development text, pruned to a size.

::

    texts of a kind → lmplz → models ┐
    development texts → EM → weights ┴ interpolate → prune by relative entropy → build_binary

lmplz gets the words as numbers, so that what it writes is read by numpy.
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
from audiosearch.language_model.kenlm_model import (
    MODEL_NAME,
    WORDS_NAME,
    check_files,
    check_settings,
    find_programs,
    normalize_into,
    read_lines,
    run_build_binary,
    run_lmplz,
    write_words,
)
from audiosearch.normalizer import normalize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.language_model.ngrams import Integers, NGramModel

_TRIALS = 8
_CLOSE = 0.98
"""How often a binary is built at most to find the largest under the size bound, and how near to it is near enough."""

_NGRAM_BYTES = 5.0
"""Of a binary, for a first guess."""

_UNKNOWN = "x"
"""Stands in numbered text for a word outside the vocabulary."""


@dataclass(frozen=True, slots=True)
class DevelopmentFit:
    """A development text under the mixture before pruning.

    Args:
        unknown: share of its words that are not in the vocabulary; the perplexity is that of the others.
    """

    path: Path
    perplexity: float
    unknown: float


@dataclass(frozen=True, slots=True)
class MixtureSummary:
    """An interpolated model: its size, and how it came about.

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
        kinds: the texts of each kind: plain, ``.gz`` or ``.xz``; of a ``.jsonl`` manifest its transcripts.
        development: texts that the weights of the kinds fit, each as important as the others.
        output: the KenLM binary; replaced only when the new one is whole.
        vocabulary: words to know beside those that the texts hold ``min_count`` times: one a line, the most important
            first, with a tab and a count behind it or without.
        max_words: so many words of the vocabulary are taken, all unless given.
        max_megabytes: size to which the model is pruned by relative entropy; unless given, it is not.
        order, prune, min_count, bits, memory: as of ``lm.estimate``, for the model of each kind; ``min_count`` means
            the words of all kinds together.

    Raises:
        LanguageModelError: a text cannot be read, holds no words, or KenLM's programs are missing or fail.
    """
    from audiosearch.language_model.interpolation import fit_weights, frequencies, interpolate
    from audiosearch.language_model.ngrams import MAX_WORDS, RESERVED, read_arpa

    check_settings(order, prune, min_count, bits)
    find_programs()
    check_files([*(path for kind in kinds for path in kind), *development], output)
    if not development:
        raise LanguageModelError("no development text: kinds of text are weighed by how they fit one.")
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

        shares = _shares(known)
        models, tokens = [], []
        for text in texts:
            with text.open(encoding="ascii") as file, (work / "numbers").open("w", encoding="ascii") as numbers:
                tokens.append(_tokens(file, ids, numbers))
            text.unlink()
            run_lmplz(work / "numbers", work / "arpa", order, prune, memory, *limits)
            models.append(read_arpa(work / "arpa", shares))
        held_out = [_tokens(map(normalize, read_lines(path)), ids) for path in development]
        weights = fit_weights([_scores(models, *pair) for pair in zip(held_out, development, strict=True)])
        mixture = interpolate(models, weights)
        del models
        fits = tuple(_fit(mixture, *pair) for pair in zip(held_out, development, strict=True))
        contexts = frequencies(mixture, tokens, weights)
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
    """The vocabulary, with how often each word comes in the list or in the texts, whichever is more."""
    total: Counter[str] = Counter()
    for kind, count in zip(kinds, counts, strict=True):
        if not count:
            raise LanguageModelError(f"{', '.join(map(str, kind))}: holds no words.")
        total.update(count)
    known = {} if vocabulary is None else read_vocabulary(vocabulary, max_words)
    for word, times in total.items():
        if times >= min_count:
            known[word] = max(times, known.get(word, 0))
    if not known:
        raise LanguageModelError(f"no word occurs {min_count} times or more.")
    return known


def read_vocabulary(path: Path, max_words: int | None = None) -> dict[str, int]:
    """The words of a list in its order with the counts behind them, 1 where there is none.

    Raises:
        LanguageModelError: the file cannot be read, or a line is not a word, perhaps with a tab and a count.
    """
    known: dict[str, int] = {}
    for number, line in enumerate(islice(read_lines(path), max_words), start=1):
        word, _, count = line.strip().partition("\t")
        if not word or " " in word or normalize(word) != word or not (count or "1").isdecimal():
            raise LanguageModelError(f"{path}: line {number} must be a normal word, or one with a tab and a count.")
        known[word] = max(int(count or 1), 1)
    return known


def _shares(known: dict[str, int]) -> NDArray[np.float64]:
    """What a model that has not seen a word goes by: its count; that of the rarest for an unknown one."""
    import numpy as np

    return np.array([min(known.values()), 0, 0, *known.values()], dtype=np.float64)


def _tokens(sentences: Iterable[str], ids: dict[str, int], numbers: IO[str] | None = None) -> Integers:
    """Ids of the words of sentences between START and END; also written to ``numbers`` as lmplz takes them."""
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
    """Of each model, log10 probabilities of the known words of a development text."""
    import numpy as np

    from audiosearch.language_model.interpolation import predicted

    counted = predicted(tokens)
    if not counted.any():
        raise LanguageModelError(f"{path}: holds no words to fit weights to.")
    return np.stack([model.score(tokens)[counted] for model in models])


def _fit(mixture: NGramModel, tokens: Integers, path: Path) -> DevelopmentFit:
    from audiosearch.language_model.interpolation import perplexity, predicted
    from audiosearch.language_model.ngrams import END, START, UNKNOWN

    words = (tokens != START) & (tokens != END)
    unknown = float((tokens[words] == UNKNOWN).mean())
    return DevelopmentFit(path, perplexity(mixture.score(tokens)[predicted(tokens)]), unknown)


def _pack(
    mixture: NGramModel,
    contexts: Sequence[NDArray[np.float64]],
    names: Sequence[str],
    binary: Path,
    max_megabytes: float | None,
    bits: int,
    memory: str,
) -> tuple[int, ...]:
    """Write the largest pruned model that fits; the n-grams of each order that it has.

    Beside what the words take, the bytes of a trie are nearly proportional to its n-grams: a few trials find the
    number that fits.

    Raises:
        LanguageModelError: the words alone take more.
    """
    from audiosearch.language_model.interpolation import losses, prune
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
    costs = losses(mixture, contexts)
    every = sum(map(len, costs))
    words = prune(mixture, costs, 0)
    base = build(words)
    if base > limit:
        raise LanguageModelError(f"max-megabytes {max_megabytes:g}: the words alone take {base / 1e6:.2f}.")
    keep = min(int((limit - base) / _NGRAM_BYTES), every)
    for trial in range(_TRIALS):
        pruned = prune(mixture, costs, keep)
        size = build(pruned)
        if size <= limit and (size >= _CLOSE * limit or keep == every or trial >= _TRIALS // 2):
            break
        target = limit * (1 + _CLOSE) / 2 if trial < _TRIALS // 2 else limit * _CLOSE**trial
        keep = min(every, int(keep * max(target - base, 0) / max(size - base, 1)))
    else:
        pruned = words
        build(pruned)
    return tuple(map(len, pruned.orders))
