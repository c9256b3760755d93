"""Keys by which pieces of emissions are found that may hold a text, before any of them is scored.

The keys of a text are the three letters that begin at each of its places, with a space before and after it. Those of a
piece are all that some path through it spells on adjacent labels, at a loss of at most WIDEST against the best path of
the same frames (``posteriors.py``). A network that errs in every third letter still has most keys of what was said
among its likely paths. A piece is the better a candidate the more keys it shares with the text, rare ones above all.

A key is a number of 15 bits, five for each label; pieces of larger alphabets have none and are no candidates. Numbers
that ascend are kept as the gaps between them, a byte each; 255 says that the gap goes on in the next byte. The pieces
of a block that have a key are kept as a bit for each, if that is shorter.

Legend: N stored frames, P pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import Alphabet
from audiosearch.spotting.keyword_spotter import UNIT, compiled
from audiosearch.spotting.posteriorgram import HEADER, LARGEST_LOSS, LEVELS
from audiosearch.spotting.scoring import Spelling
from audiosearch.types import PackedEmissions

LETTERS = 3
KEYS = 1 << 15
WIDEST = 2.4
"""Nats. Of pieces of 5 s 1 % then hold 91 to 95 % of the places that scoring all of them finds."""

BLOCK = 4096
"""Pieces whose keys are kept together, about six hours."""

_ESCAPE = 255
BITS = BLOCK // 8
"""Bytes of a bit for each piece of a block; what is as long is these bits."""

_LOSSES = np.round((np.arange(LEVELS) + 0.5) * LARGEST_LOSS / LEVELS / UNIT).astype(np.int32)


def keys(packed: PackedEmissions, alphabet: Alphabet) -> list[str]:
    """The keys of a piece as text; a space is written _."""
    labels = alphabet.labels
    return [
        _written(labels[number >> 10] + labels[number >> 5 & 31] + labels[number & 31])
        for number in numbers(packed).tolist()
    ]


def query_keys(asked: Spelling) -> list[str]:
    """The keys of a text as ``keys`` writes them, each once, in its order."""
    spaced = f" {asked.text}" if asked.unfinished else f" {asked.text} "
    found = (spaced[place : place + LETTERS] for place in range(len(spaced) - LETTERS + 1))
    return list(dict.fromkeys(map(_written, found)))


def _written(key: str) -> str:
    return key.replace(" ", "_")


def query_numbers(asked: Spelling) -> list[int]:
    """The same as numbers; none where the pieces of this alphabet have no keys."""
    if len(asked.alphabet) > 32:
        return []
    found = []
    for key in query_keys(asked):
        first, second, third = asked.alphabet.encode(key.replace("_", " "))
        found.append(first << 10 | second << 5 | third)
    return found


def numbers(packed: PackedEmissions, widest: float = WIDEST) -> NDArray[np.int64]:
    """The keys of a piece, ascending."""
    if packed.data[:1] != b"\1":
        return np.empty(0, np.int64)
    seen = np.zeros(KEYS, np.bool_)
    data = np.frombuffer(packed.data, np.uint8, offset=HEADER)
    _spell(data, int.from_bytes(packed.data[1:HEADER], "little"), 32, _LOSSES, round(widest / UNIT), seen)
    return np.flatnonzero(seen)


def pack_keys(packed: PackedEmissions) -> bytes:
    """The keys of a piece as they are kept."""
    return zlib.compress(_gaps(numbers(packed)), 1)


def transposed(pieces: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """For each key that one of at most BLOCK pieces has, the places of those that do, as they are kept.

    Args:
        pieces: their keys as they are kept.
    """
    lists = [_places(zlib.decompress(one)) for one in pieces]
    owners = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    every = np.concatenate([np.empty(0, np.int64), *lists])
    order = np.argsort(every, kind="stable")
    ordered, owners = every[order], owners[order]
    edges = np.flatnonzero(np.diff(ordered, prepend=-1, append=KEYS))
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        gaps = _gaps(owners[first:end])
        if len(gaps) >= BITS:
            bits = np.zeros(BLOCK, np.bool_)
            bits[owners[first:end]] = True
            gaps = np.packbits(bits).tobytes()
        yield int(ordered[first]), gaps


class Tally:
    """Counts how well pieces go with keys.

    Args:
        asked: numbers of the keys.
    """

    def __init__(self, asked: Sequence[int]) -> None:
        self._asked = {key: place for place, key in enumerate(dict.fromkeys(asked))}
        self._data: list[bytes] = []
        self._of: list[tuple[int, int]] = []  # number of the first piece, place of the key
        self._loose: list[tuple[int, bytes]] = []
        self._pieces = 0

    def block(self, size: int) -> int:
        """Number of the first of so many pieces that are counted together."""
        self._pieces += size
        return self._pieces - size

    def add(self, first: int, key: int, places: bytes) -> None:
        """Pieces that have a key, as ``transposed`` gave them, from that number on."""
        self._data.append(places)
        self._of.append((first, self._asked[key]))

    def add_piece(self, piece: bytes) -> None:
        """A piece that is in no block; it takes the next number."""
        self._loose.append((self.block(1), piece))

    def best(self, most: int, names: bytes | bytearray, owners: Collection[int] | None = None) -> list[int]:
        """The pieces that go with the keys best, ascending; such as share none are not there.

        Args:
            names: of the pieces by number, eight bytes each, lowest first; the result has these.
            owners: those that count, which are the upper four bytes of a name; None: all.
        """
        wanted = np.zeros(KEYS, np.int64)
        for key, place in self._asked.items():
            wanted[key] = place + 1
        for first, piece in self._loose:
            for place in wanted[_places(zlib.decompress(piece))].tolist():
                if place:
                    self._data.append(b"\1")
                    self._of.append((first, place - 1))
        sizes = np.array([len(one) for one in self._data], np.int64)
        data = np.frombuffer(b"".join(self._data), np.uint8)
        of = np.array(self._of, np.int64).reshape(-1, 2)
        counts = np.zeros(len(self._asked), np.int64)
        ends = np.cumsum(sizes)
        sizes[sizes == BITS] *= 2  # about so many pieces are in these bits; the other sizes are numbers of pieces
        np.add.at(counts, of[:, 1], sizes)
        rarity = np.log((self._pieces + 1) / (counts + 0.5)).clip(0).astype(np.float32)
        scores = np.zeros(self._pieces, np.float32)
        _tally(data, ends, of, rarity, scores)
        named = np.frombuffer(names, "<i8")
        if owners is not None:
            scores[~np.isin(named >> 32, np.array(sorted(owners), np.int64))] = 0
        found = np.flatnonzero(scores)
        if len(found) > most:
            found = found[np.argpartition(-scores[found], most - 1)[:most]]
        best: list[int] = np.unique(named[found]).tolist()
        return best


@compiled
def _tally(data, ends, of, rarity, scores):  # type: ignore[no-untyped-def]
    """Add the rarity of each key to the scores of the pieces that have it."""
    begin = 0
    for n in range(ends.shape[0]):
        piece = of[n, 0] - 1
        worth = rarity[of[n, 1]]
        if ends[n] - begin == BITS:
            for byte in range(BITS):
                for bit in range(8):
                    if data[begin + byte] >> (7 - bit) & 1:
                        scores[piece + 1 + 8 * byte + bit] += worth
            begin = ends[n]
            continue
        for byte in range(begin, ends[n]):
            piece += data[byte]
            if data[byte] != 255:
                scores[piece] += worth
        begin = ends[n]


def _gaps(ascending: NDArray[np.int64]) -> bytes:
    """Numbers as the gaps between them, the first to -1."""
    gaps = np.diff(ascending, prepend=-1)
    escapes = gaps // _ESCAPE
    places = np.cumsum(escapes + 1) - 1
    kept = np.full(int(escapes.sum()) + len(gaps), _ESCAPE, np.uint8)
    kept[places] = gaps % _ESCAPE
    written: bytes = kept.tobytes()
    return written


def _places(gaps: bytes) -> NDArray[np.int64]:
    """The numbers of which those are the gaps."""
    steps = np.frombuffer(gaps, np.uint8)
    found: NDArray[np.int64] = np.cumsum(steps, dtype=np.int64)[steps != _ESCAPE] - 1
    return found


@compiled
def _spell(data, count, labels, losses, widest, seen):  # type: ignore[no-untyped-def]
    """Mark the keys of ``count`` stored frames in ``seen`` [K]; see ``spotting.py`` for paths through frames."""
    never = np.int32(1 << 20)
    pairs = labels * labels
    # Least losses of paths that spelled one letter so far, and two: on the last one, and in the blank after it. ``old``
    # is of the frame before; only what is in the lists is below never.
    one, old_one = np.full((labels, 2), never, np.int32), np.full((labels, 2), never, np.int32)
    two, old_two = np.full((pairs, 2), never, np.int32), np.full((pairs, 2), never, np.int32)
    ones, old_ones = np.empty(labels, np.int32), np.empty(labels, np.int32)
    twos, old_twos = np.empty(pairs, np.int32), np.empty(pairs, np.int32)
    some, many = 0, 0
    more = count
    for i in range(count):
        one, old_one, two, old_two = old_one, one, old_two, two
        ones, old_ones, twos, old_twos = old_ones, ones, old_twos, twos
        old_some, old_many = some, many
        some, many = 0, 0
        entry = np.int32(data[i])
        label, loss = entry >> 3, np.int32(0)
        left = entry & 7
        if entry == 0:
            more += 1  # the length of the run
        while True:
            if label == 0:
                for n in range(old_some):
                    x = old_ones[n]
                    lost = min(old_one[x, 0], old_one[x, 1]) + loss
                    if lost <= widest:
                        if one[x, 0] == never and one[x, 1] == never:
                            ones[some] = x
                            some += 1
                        one[x, 1] = lost
                for n in range(old_many):
                    pair = old_twos[n]
                    lost = min(old_two[pair, 0], old_two[pair, 1]) + loss
                    if lost <= widest:
                        if two[pair, 0] == never and two[pair, 1] == never:
                            twos[many] = pair
                            many += 1
                        two[pair, 1] = lost
            else:
                if one[label, 0] == never and one[label, 1] == never:
                    ones[some] = label
                    some += 1
                one[label, 0] = loss  # a path may begin anywhere
                for n in range(old_some):
                    x = old_ones[n]
                    pair = x * labels + label
                    lost = old_one[x, 1] if x == label else min(old_one[x, 0], old_one[x, 1])
                    lost = min(lost, old_two[pair, 0]) + loss
                    if lost <= widest:
                        if two[pair, 0] == never and two[pair, 1] == never:
                            twos[many] = pair
                            many += 1
                        two[pair, 0] = lost
                for n in range(old_many):
                    pair = old_twos[n]
                    if pair % labels == label:
                        lost = old_two[pair, 1]
                        if old_one[pair // labels, 0] == never and old_one[pair // labels, 1] == never:
                            stays = old_two[pair, 0] + loss
                            if stays <= widest:
                                if two[pair, 0] == never and two[pair, 1] == never:
                                    twos[many] = pair
                                    many += 1
                                two[pair, 0] = stays
                    else:
                        lost = min(old_two[pair, 0], old_two[pair, 1])
                    if lost + loss <= widest:
                        seen[pair * labels + label] = True
            if left == 0:
                break
            left -= 1
            entry = np.int32(data[more])
            more += 1
            label, loss = entry >> 3, losses[entry & 7]
        for n in range(old_some):
            old_one[old_ones[n], 0] = never
            old_one[old_ones[n], 1] = never
        for n in range(old_many):
            old_two[old_twos[n], 0] = never
            old_two[old_twos[n], 1] = never
