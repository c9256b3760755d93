"""Models in ARPA format, as other programs write them: exact probabilities, in the order of the file.

Legend: K n-grams of an order, n its length.
"""

from __future__ import annotations

import gzip
import zlib
from array import array
from collections.abc import Sequence
from io import BufferedIOBase
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from audiosearch.errors import LanguageModelError
from audiosearch.files import atomic_write
from audiosearch.language_model.model import KENLM_MAGIC
from audiosearch.language_model.ngrams import (
    MAX_ORDER,
    MAX_WORDS,
    NEVER,
    RESERVED,
    Floats,
    Integers,
    NGramModel,
    Order,
    pack,
)
from audiosearch.language_model.storage import write_model

_SPELLINGS = {b"<UNK>": b"<unk>", b"<S>": b"<s>", b"</S>": b"</s>"}


def convert_arpa(arpa: Path, output: Path) -> NGramModel:
    """Convert a model in ARPA format, plain or ``.gz``, for the beam search; returns the n-grams.

    Raises:
        LanguageModelError: the file cannot be read or is no ARPA file, or the output cannot be written.
    """
    try:
        with atomic_write(output) as temporary:
            model, vocabulary = _read(arpa)
            write_model(model, vocabulary, temporary)
    except OSError as error:
        raise LanguageModelError(f"{output}: cannot be written ({error.strerror}).") from error
    return model


def _read(arpa: Path) -> tuple[NGramModel, tuple[str, ...]]:
    try:
        with gzip.open(arpa) if arpa.suffix == ".gz" else arpa.open("rb") as file:
            return read_text_arpa(file)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise LanguageModelError(f"{arpa}: cannot be read ({reason}).") from error
    except ValueError as error:
        raise LanguageModelError(f"{arpa}: cannot be read as a language model in ARPA format: {error}.") from error


def read_text_arpa(file: BufferedIOBase) -> tuple[NGramModel, tuple[str, ...]]:
    """A model and its words by id.

    If no word has a lower-case letter, all are read in lower case. Contexts and suffixes of n-grams that the file
    lacks, as in models pruned by SRILM, are added with the probability that the shorter n-grams give them.

    Raises:
        ValueError: not in ARPA format, or truncated.
    """
    sizes = _read_sizes(file)
    ids = {word.encode(): number for number, word in enumerate(RESERVED)}
    tables: list[tuple[Integers, Floats, Floats]] = []
    for n, size in enumerate(sizes, start=1):
        _read_line(file, b"\\%d-grams:" % n)
        words, log_probs, backoffs = array("i"), array("f"), array("f")
        for line in islice(file, size):
            fields = line.split()
            if not n < len(fields) <= n + 2:
                raise ValueError(f"{_quote(line)} among the {n}-grams")
            ngram = fields[1 : n + 1]
            if n == 1:
                ids.setdefault(_SPELLINGS.get(ngram[0], ngram[0]), len(ids))
            try:
                words.extend([ids[word] for word in ngram])
            except KeyError:
                words.extend([_known_id(ids, word) for word in ngram])
            log_probs.append(float(fields[0]))
            backoffs.append(float(fields[n + 1]) if len(fields) == n + 2 else 0.0)
        if len(log_probs) < size:
            raise ValueError(f"it ends among the {n}-grams")
        tables.append((np.array(words, np.int64).reshape(-1, n), _checked(log_probs), _checked(backoffs)))
    _read_line(file, b"\\end\\")
    if len(ids) > MAX_WORDS:
        raise ValueError(f"it has more than {MAX_WORDS:,} words")
    try:
        vocabulary = tuple(word.decode() for word in ids)
    except UnicodeDecodeError as error:
        raise ValueError("its words are not in UTF-8") from error
    named = vocabulary[len(RESERVED) :]
    if all(word == word.upper() for word in named):
        vocabulary = (*RESERVED, *map(str.lower, named))
    return _build(tables, vocabulary), vocabulary


def _read_sizes(file: BufferedIOBase) -> list[int]:
    """Numbers of n-grams, from the header."""
    start = file.readline(1 << 16)
    if start.startswith(KENLM_MAGIC):
        raise ValueError("it is a KenLM binary; give the ARPA file that it was made from")
    while start.strip() != b"\\data\\":
        if not start or b"\0" in start:
            raise ValueError("there is no line \\data\\")
        start = file.readline(1 << 16)
    sizes: list[int] = []
    while line := file.readline(1 << 16).strip():
        name, _, size = line.partition(b"=")
        if name.split() != [b"ngram", b"%d" % (len(sizes) + 1)] or not size.strip().isdigit():
            raise ValueError(f"{_quote(line)} in the header")
        sizes.append(int(size))
    if not 1 <= len(sizes) <= MAX_ORDER:
        raise ValueError(f"n-grams must have 1 to {MAX_ORDER} words, not {len(sizes)}")
    return sizes


def _read_line(file: BufferedIOBase, expected: bytes) -> None:
    """Read the next line that is not empty."""
    line = next((line.strip() for line in file if line.strip()), b"")
    if line != expected:
        found = _quote(line) if line else "the end"
        raise ValueError(f"{found} in place of {expected.decode()}; it may be truncated")


def _known_id(ids: dict[bytes, int], word: bytes) -> int:
    """Id of a word that may be a reserved one in capitals."""
    number = ids.get(_SPELLINGS.get(word, word))
    if number is None:
        raise ValueError(f"{_quote(word)} is not among the 1-grams")
    return number


def _quote(text: bytes) -> str:
    return repr(text.strip()[:60].decode("utf-8", "replace"))


def _checked(values: array[float]) -> Floats:
    """Log10 values; the infinite ones of impossible words become NEVER."""
    logs = np.array(values, np.float32)
    if not (logs < -NEVER).all():
        raise ValueError("a probability is not a number, or far above 1")
    clipped: Floats = np.maximum(logs, np.float32(NEVER))
    return clipped


def _build(tables: Sequence[tuple[Integers, Floats, Floats]], vocabulary: Sequence[str]) -> NGramModel:
    """The n-grams, and those that they need as contexts and suffixes."""
    complete = [words for words, _, _ in tables]
    for n in range(len(tables), 2, -1):
        longer = complete[n - 1]
        candidates = np.concatenate([complete[n - 2], longer[:, :-1], longer[:, 1:]])
        first = _first_rows(candidates)
        complete[n - 2] = candidates[
            np.concatenate([np.arange(len(complete[n - 2])), first[first >= len(complete[n - 2])]])
        ]
    orders: list[Order] = []
    for n, (words, (_, log_probs, backoffs)) in enumerate(zip(complete, tables, strict=True), start=1):
        if n == 1:
            scores, weights = np.full(len(vocabulary), NEVER, np.float32), np.zeros(len(vocabulary), np.float32)
            scores[words[:, 0]], weights[words[:, 0]] = log_probs, backoffs
            orders.append(Order(np.arange(len(vocabulary)), np.zeros(len(vocabulary), np.int64), scores, weights))
            continue
        contexts, suffixes = words[:, 0], words[:, 1]
        for order, (column, following) in zip(orders[1:], pairwise(range(1, n)), strict=True):
            contexts, suffixes = order.find(contexts, words[:, column]), order.find(suffixes, words[:, following])
        below, added = orders[-1], slice(len(log_probs), None)
        log_probs = np.concatenate([log_probs, below.backoffs[contexts[added]] + below.log_probs[suffixes[added]]])
        backoffs = np.concatenate([backoffs, np.zeros(len(words) - len(backoffs), np.float32)])
        keys = pack(contexts, words[:, -1])
        ranking = np.argsort(keys)
        if (np.diff(keys[ranking]) == 0).any():
            raise ValueError(f"a {n}-gram is there twice")
        orders.append(Order(keys[ranking], suffixes[ranking], log_probs[ranking], backoffs[ranking]))
    return NGramModel(tuple(orders))


def _first_rows(words: Integers) -> Integers:
    """Index of the first of equal rows [K, n]."""
    keys = words[:, 0]
    for column in words.T[1:]:
        keys = pack(np.unique(keys, return_inverse=True)[1], column)
    rows: Integers = np.unique(keys, return_index=True)[1]
    return rows
