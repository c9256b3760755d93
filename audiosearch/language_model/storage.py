"""N-gram models as files that the compiled core maps into memory (``core/ngram_model.hpp``).

A file holds these sections, each padded to eight bytes, all numbers little-endian::

    magic            28 bytes
    checksum         uint32: sum of the 32-bit words of all that follows, the nth (from 0) multiplied by 2n + 1
    sizes            uint64 [8]: order, bytes of the words, n-grams of orders 1 to 6
    words            UTF-8, one a line, ascending; the words of id 3 and up
    log-probs        float32 [words + 3], of unigrams; ids 0 to 2 are <unk>, <s> and </s>
    back-offs        float32 [words + 3]
    begins           uint32 [n-grams + 1]: row of the first continuation of each unigram
    for each longer order:
      levels         float32 [256]: log-probabilities
      entries        uint32 [n-grams]: last word · 256 + level, sorted by context and word
      and unless it is the longest:
      contexts       uint64 [⌈n-grams / 64⌉]: a bit for each n-gram, set if it has continuations or a back-off weight
      ranks          uint32 [⌈n-grams / 64⌉]: set bits before
      levels         float32 [256]: back-off weights
      back-offs      uint8 [contexts]: levels
      begins         uint32 [contexts + 1]: row of the first continuation of each context

Log-probabilities and back-off weights of n-grams of two and more words are quantized to 256 levels (Federico and
Bertoldi 2006: bins of equal frequency); values of at most 256 kinds remain exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.language_model.ngrams import MAX_ORDER, RESERVED, Floats, Integers, NGramModel, Order, pack

_MAGIC = b"audiosearch n-gram model 2\n"
_MAGIC_SIZE = 28
_LEVELS = 256
_ALIGNMENT = 8


def stored_size(model: NGramModel, vocabulary: Sequence[str]) -> int:
    """Bytes of the file of a model; ``vocabulary`` begins with RESERVED."""
    words = len(vocabulary)
    text = sum(len(word.encode()) + 1 for word in vocabulary[len(RESERVED) :])
    sections = [32, 8 * (2 + MAX_ORDER), text, 4 * words, 4 * words]
    if len(model.orders) > 1:
        sections.append(4 * (words + 1))
    for n, (order, is_context) in enumerate(zip(model.orders, _contexts(model), strict=True), start=1):
        if n > 1:
            sections += [4 * _LEVELS, 4 * len(order)]
        if 1 < n < len(model.orders):
            blocks, contexts = -(-len(order) // 64), int(is_context.sum())
            sections += [8 * blocks, 4 * blocks, 4 * _LEVELS, contexts, 4 * (contexts + 1)]
    return sum(size + -size % _ALIGNMENT for size in sections)


def write_model(model: NGramModel, vocabulary: Sequence[str], path: Path) -> int:
    """Write a model; returns the number of bytes.

    Args:
        vocabulary: the words by id; it begins with RESERVED.
    """
    content = b"".join(section + b"\0" * (-len(section) % _ALIGNMENT) for section in _sections(model, vocabulary))
    values = np.frombuffer(content, "<u4")
    factors = np.arange(1, 2 * len(values), 2, dtype=np.uint32)
    checksum = int((values * factors).sum(dtype=np.uint32))
    with path.open("wb") as file:
        file.write(_MAGIC.ljust(_MAGIC_SIZE, b"\0") + checksum.to_bytes(4, "little"))
        file.write(content)
        return file.tell()


def read_model(path: Path) -> tuple[NGramModel, tuple[str, ...]]:
    """The n-grams of a file that the core has opened, and its words by id.

    Values that were quantized remain so. The file is read as it is: the core has verified its checksum and structure.
    """
    sections = _Sections(path.read_bytes())
    sizes = sections.take("<u8", 2 + MAX_ORDER).tolist()
    counts = sizes[2 : 2 + sizes[0]]
    text = sections.take("u1", sizes[1]).tobytes().decode()
    log_probs, backoffs = sections.take("<f4", counts[0]), sections.take("<f4", counts[0])
    orders = [Order(np.arange(counts[0]), np.zeros(counts[0], np.int64), log_probs, backoffs)]
    context_rows = np.arange(counts[0])
    for n, count in enumerate(counts[1:], start=2):
        begins = sections.take("<u4", len(context_rows) + 1).astype(np.int64)
        levels, entries = sections.take("<f4", _LEVELS), sections.take("<u4", count)
        below, words = orders[-1], (entries >> 8).astype(np.int64)
        contexts = np.repeat(context_rows, np.diff(begins))
        suffixes = words if n == 2 else below.find(below.suffixes[contexts], words)
        backoffs = np.zeros(count, np.float32)
        if n < len(counts):
            blocks = -(-count // 64)
            bits = sections.take("u1", 8 * blocks)
            sections.take("<u4", blocks)
            context_rows = np.flatnonzero(np.unpackbits(bits, count=count, bitorder="little"))
            backoff_levels = sections.take("<f4", _LEVELS)
            backoffs[context_rows] = backoff_levels[sections.take("u1", len(context_rows))]
        orders.append(Order(pack(contexts, words), suffixes, levels[entries & (_LEVELS - 1)], backoffs))
    return NGramModel(tuple(orders)), (*RESERVED, *text.split("\n")[:-1])


class _Sections:
    """The padded sections of a file, from the sizes on."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = _MAGIC_SIZE + 4

    def take(self, kind: str, count: int) -> NDArray[Any]:
        """The next section."""
        values = np.frombuffer(self._content, kind, count, self._position)
        self._position += values.nbytes + -values.nbytes % _ALIGNMENT
        return values


def _sections(model: NGramModel, vocabulary: Sequence[str]) -> Iterator[bytes]:
    """All sections from the sizes on, without padding."""
    words = np.array(vocabulary[len(RESERVED) :], dtype=np.str_)
    text = "".join(f"{word}\n" for word in np.sort(words).tolist()).encode()
    counts = [len(order) for order in model.orders]
    yield np.array([len(counts), len(text), *counts, *[0] * (MAX_ORDER - len(counts))], "<u8").tobytes()
    yield text
    ids = np.arange(len(vocabulary))  # in the file
    ids[len(RESERVED) + np.argsort(words, kind="stable")] = np.arange(len(RESERVED), len(vocabulary))
    rows: Integers = ids  # of the n-grams of the order before, in the file
    for n, (order, is_context) in enumerate(zip(model.orders, _contexts(model), strict=True), start=1):
        keys = ids if n == 1 else pack(rows[order.contexts], ids[order.words])
        ranking = np.argsort(keys)
        rows = np.empty(len(ranking), np.int64)
        rows[ranking] = np.arange(len(ranking))
        is_context = is_context[ranking]
        if n == 1:
            yield order.log_probs[ranking].astype("<f4").tobytes()
            yield order.backoffs[ranking].astype("<f4").tobytes()
        else:
            levels, codes = _quantize(order.log_probs[ranking])
            yield levels.tobytes()
            yield (ids[order.words[ranking]] << 8 | codes).astype("<u4").tobytes()
        if n == len(model.orders):
            return
        if n > 1:
            bits = np.packbits(is_context, bitorder="little")
            bits = np.concatenate([bits, np.zeros(-len(bits) % 8, np.uint8)])
            ones = np.bincount(np.flatnonzero(is_context) // 64, minlength=len(bits) // 8)
            levels, codes = _quantize(order.backoffs[ranking][is_context])
            yield bits.tobytes()
            yield (np.cumsum(ones) - ones).astype("<u4").tobytes()
            yield levels.tobytes()
            yield codes.astype(np.uint8).tobytes()
        continuations = np.bincount(rows[model.orders[n].contexts], minlength=len(order))[is_context]
        yield np.concatenate([[0], np.cumsum(continuations)]).astype("<u4").tobytes()


def _contexts(model: NGramModel) -> list[NDArray[np.bool_]]:
    """Masks of the n-grams of each order that are stored as contexts: all unigrams, and none of the longest order.

    An n-gram that is a context ends with contexts only, as the core expects.
    """
    masks = [np.zeros(len(order), np.bool_) for order in model.orders]
    masks[0][:] = True
    for n in range(len(masks) - 2, 0, -1):
        masks[n] |= model.orders[n].backoffs != 0
        masks[n][model.orders[n + 1].contexts] = True
        masks[n][model.orders[n + 1].suffixes[masks[n + 1]]] = True
    return masks


def _quantize(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Levels [256], ascending, and the number of the nearest one for each value."""
    centers = np.unique(values)
    if len(centers) > _LEVELS:
        ordered = np.sort(values).astype(np.float64)
        starts = np.linspace(0, len(values), _LEVELS, endpoint=False).astype(np.int64)
        sizes = np.diff(starts, append=len(values))
        centers = np.unique((np.add.reduceat(ordered, starts) / sizes).astype(np.float32))
    levels = np.zeros(_LEVELS, "<f4")
    levels[: len(centers)] = centers
    codes = np.searchsorted((centers[1:] + centers[:-1]) / 2, values)
    return levels, codes.astype(np.int64)
