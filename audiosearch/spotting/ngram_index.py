"""Trigram keys of pieces of emissions, by which a search selects candidate pieces before it scores any.

The keys of a text are its letter trigrams, with a space before and after it. Those of a piece are all trigrams spelled
on adjacent labels by some path with a loss of at most MAX_KEY_LOSS against the best path (``posteriorgram.py``). Even
if the network errs in every third letter, most keys of the true text are among its likely paths. Candidates are ranked
by the summed rarity of the keys they share with the text.

A key is a number of 15 bits, five for each label; pieces of larger alphabets have no keys and are never candidates.
Ascending numbers are stored as gaps of one byte each; 255 means that the gap continues in the next byte. The posting
list of a key within a block is stored as a bitmap if that is shorter.

Legend: N stored frames, P pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import Alphabet
from audiosearch.core import add_rarities, mark_keys
from audiosearch.spotting.keyword_spotter import UNIT
from audiosearch.spotting.posteriorgram import HEADER, LEVELS, MAX_LOSS
from audiosearch.spotting.scoring import KeywordQuery
from audiosearch.types import PackedEmissions

LETTERS = 3
KEYS = 1 << 15
MAX_KEY_LOSS = 2.4
"""Nats. The best 1 % of pieces of 5 s then hold 91 to 95 % of the hits of an exhaustive search."""

BLOCK = 4096
"""Pieces whose keys are stored together, about six hours."""

_ESCAPE = 255
BITMAP_SIZE = BLOCK // 8
"""Bytes of a bitmap of a block; a posting list of this size is a bitmap."""

_LOSSES = np.round((np.arange(LEVELS) + 0.5) * MAX_LOSS / LEVELS / UNIT).astype(np.int32)


def keys(packed: PackedEmissions, alphabet: Alphabet) -> list[str]:
    """The keys of a piece as text, with _ for a space."""
    labels = alphabet.labels
    return [
        _as_text(labels[number >> 10] + labels[number >> 5 & 31] + labels[number & 31])
        for number in key_numbers(packed).tolist()
    ]


def query_keys(query: KeywordQuery) -> list[str]:
    """The distinct keys of a text, as ``keys`` writes them, in order."""
    spaced = f" {query.text}" if query.unfinished else f" {query.text} "
    trigrams = (spaced[first : first + LETTERS] for first in range(len(spaced) - LETTERS + 1))
    return list(dict.fromkeys(map(_as_text, trigrams)))


def _as_text(key: str) -> str:
    return key.replace(" ", "_")


def query_key_numbers(query: KeywordQuery) -> list[int]:
    """The distinct keys of a text as numbers; empty if pieces of this alphabet have no keys."""
    if len(query.alphabet) > 32:
        return []
    numbers = []
    for key in query_keys(query):
        first, second, third = query.alphabet.encode(key.replace("_", " "))
        numbers.append(first << 10 | second << 5 | third)
    return numbers


def key_numbers(packed: PackedEmissions, max_loss: float = MAX_KEY_LOSS) -> NDArray[np.int64]:
    """The keys of a piece, ascending."""
    if packed.data[:1] != b"\1":
        return np.empty(0, np.int64)
    marked = np.zeros(KEYS, np.bool_)
    data = np.frombuffer(packed.data, np.uint8, offset=HEADER)
    mark_keys(data, int.from_bytes(packed.data[1:HEADER], "little"), _LOSSES, round(max_loss / UNIT), marked)
    return np.flatnonzero(marked)


def pack_keys(packed: PackedEmissions) -> bytes:
    """The keys of a piece in stored form."""
    return zlib.compress(_to_gaps(key_numbers(packed)), 1)


def invert_keys(pieces: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each key of at most BLOCK pieces with its posting list, the positions of the pieces that have it.

    Args:
        pieces: keys of each piece in stored form.
    """
    lists = [_from_gaps(zlib.decompress(stored)) for stored in pieces]
    owners = np.repeat(np.arange(len(lists)), [len(numbers) for numbers in lists])
    every = np.concatenate([np.empty(0, np.int64), *lists])
    order = np.argsort(every, kind="stable")
    ordered, owners = every[order], owners[order]
    edges = np.flatnonzero(np.diff(ordered, prepend=-1, append=KEYS))
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        postings = _to_gaps(owners[first:end])
        if len(postings) >= BITMAP_SIZE:
            bits = np.zeros(BLOCK, np.bool_)
            bits[owners[first:end]] = True
            postings = np.packbits(bits).tobytes()
        yield int(ordered[first]), postings


class KeyCounter:
    """Ranking of pieces by the keys that they share with a text.

    Args:
        keys: numbers of the keys of the text.
    """

    def __init__(self, keys: Sequence[int]) -> None:
        self._positions = {key: position for position, key in enumerate(dict.fromkeys(keys))}
        self._postings: list[bytes] = []
        self._owners: list[tuple[int, int]] = []  # number of the first piece, position of the key
        self._loose: list[tuple[int, bytes]] = []
        self._pieces = 0

    def reserve(self, size: int) -> int:
        """Number of the first of ``size`` pieces of a block."""
        self._pieces += size
        return self._pieces - size

    def add_postings(self, first: int, key: int, postings: bytes) -> None:
        """Add a posting list, as from ``invert_keys``, of a block whose first piece has the number ``first``."""
        self._postings.append(postings)
        self._owners.append((first, self._positions[key]))

    def add_piece(self, stored: bytes) -> None:
        """Add the keys, as from ``pack_keys``, of a piece outside of blocks; it takes the next number."""
        self._loose.append((self.reserve(1), stored))

    def best_pieces(self, limit: int, names: bytes | bytearray, recordings: Collection[int] | None = None) -> list[int]:
        """Names of the best pieces, ascending; pieces that share no key are excluded.

        Args:
            limit: maximum number of pieces.
            names: of the pieces by number, eight bytes each, little-endian.
            recordings: only pieces of these, the upper four bytes of a name; None for all.
        """
        wanted = np.zeros(KEYS, np.int64)
        for key, position in self._positions.items():
            wanted[key] = position + 1
        for first, stored in self._loose:
            for position in wanted[_from_gaps(zlib.decompress(stored))].tolist():
                if position:
                    self._postings.append(b"\1")
                    self._owners.append((first, position - 1))
        sizes = np.array([len(postings) for postings in self._postings], np.int64)
        data = np.frombuffer(b"".join(self._postings), np.uint8)
        owners = np.array(self._owners, np.int64).reshape(-1, 2)
        counts = np.zeros(len(self._positions), np.int64)
        ends = np.cumsum(sizes)
        sizes[sizes == BITMAP_SIZE] *= 2  # estimated number of pieces in a bitmap; other sizes are numbers of pieces
        np.add.at(counts, owners[:, 1], sizes)
        rarity = np.log((self._pieces + 1) / (counts + 0.5)).clip(0).astype(np.float32)
        scores = np.zeros(self._pieces, np.float32)
        add_rarities(data, ends, owners, rarity, BITMAP_SIZE, scores)
        named = np.frombuffer(names, "<i8")
        if recordings is not None:
            scores[~np.isin(named >> 32, np.array(sorted(recordings), np.int64))] = 0
        matching = np.flatnonzero(scores)
        if len(matching) > limit:
            matching = matching[np.argpartition(-scores[matching], limit - 1)[:limit]]
        best: list[int] = np.unique(named[matching]).tolist()
        return best


def _to_gaps(ascending: NDArray[np.int64]) -> bytes:
    """Ascending numbers as the gaps between them, the first gap counted from -1."""
    gaps = np.diff(ascending, prepend=-1)
    escapes = gaps // _ESCAPE
    positions = np.cumsum(escapes + 1) - 1
    written = np.full(int(escapes.sum()) + len(gaps), _ESCAPE, np.uint8)
    written[positions] = gaps % _ESCAPE
    stored: bytes = written.tobytes()
    return stored


def _from_gaps(gaps: bytes) -> NDArray[np.int64]:
    """The numbers with these gaps."""
    steps = np.frombuffer(gaps, np.uint8)
    numbers: NDArray[np.int64] = np.cumsum(steps, dtype=np.int64)[steps != _ESCAPE] - 1
    return numbers
