"""Response times of searches by sound: in 100 hours, where every piece is scored, and in 10,000, where candidates are.

    python benchmarks/sound_search.py
    python benchmarks/sound_search.py --hours 100 --keep /var/tmp/sound

Emissions are synthetic: a random text with words by Zipf's law is spelled along the frames, clearly in most frames and
hardly in the rest. Bytes per hour, keys per piece and the share of blanks, which are printed, are similar to those of
the shipped model for read speech. The library of 100 hours is added by the usual means, with words for searches by
words. That of 10,000 hours has no words (``benchmarks/stores.py`` measures 10⁸ words), and its rows are written
directly, from pieces of six hours drawn at random for every block. Times are medians of searches for words and
phrases, with the file in the cache of the system.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import struct
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from audiosearch.alphabet import Alphabet
from audiosearch.spotting.ngram_index import BLOCK, invert_keys, key_numbers, pack_keys
from audiosearch.spotting.posteriorgram import PIECE_DURATION, pack_in_pieces
from audiosearch.spotting.scoring import AcousticProfile, SpottingCalibration
from audiosearch.types import Emissions, PackedEmissions, Word
from indexer.index import open_index
from indexer.search import spoken_terms
from indexer.search.engine import search
from indexer.search.parse import parse
from indexer.sqlite.index import SqliteIndex
from indexer.types import Location, Query, Recording

FRAME = 0.03
MODEL = "synthetic"
ALPHABET = Alphabet()
QUERIES = 12


def vocabulary(size: int, rng: np.random.Generator) -> list[str]:
    """Random words of syllables; frequent ones are short."""
    syllables = [a + b + c for a in ("", *"bcdfghklmnprstvw", "st", "tr") for b in "aeiou" for c in ("", *"dlmnrst")]
    words: dict[str, None] = {}
    while len(words) < size:
        length = 1 + int(rng.integers(0, 1 + min(len(words) // 50, 3)))
        words["".join(rng.choice(syllables, length))] = None
    return list(words)


def spoken(words: list[str], rng: np.random.Generator) -> tuple[list[Word], NDArray[np.float32]]:
    """Words at about 2.8 per second, and log-probabilities of their frames."""
    path: list[int] = []
    timed = []
    for word in words:
        first = len(path)
        for label in ALPHABET.encode(word):
            path += [label] * (1 + int(rng.random() < 0.3)) + [0] * int(rng.poisson(0.8))
        timed.append(Word(word, first * FRAME, len(path) * FRAME, 0.8))
        path += [ALPHABET.space] * 2 + [0] * int(rng.poisson(1.5))
    frames = len(path)
    clear = np.repeat(rng.random(-(-frames // 6)) < 0.75, 6)[:frames, None]
    logits = rng.standard_normal((frames, len(ALPHABET))).astype(np.float32) * np.where(clear, 1.1, 1.5)
    logits[np.arange(frames), path] += np.where(clear, 9.0, 5.1)[:, 0] * rng.uniform(0.7, 1.1, frames)
    logits[:, 0] += 1.2
    return timed, (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


class Speech:
    """Synthetic speech."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.words = vocabulary(20_000, self.rng)
        shares = 1 / (np.arange(len(self.words)) + 3.0)
        self.shares = shares / shares.sum()

    def hour(self) -> tuple[list[Word], list[PackedEmissions], float]:
        """Words, pieces and duration of a recording of about an hour."""
        timed: list[Word] = []
        pieces: list[PackedEmissions] = []
        start = 0.0
        while start < 3600:
            texts = [self.words[rank] for rank in self.rng.choice(len(self.words), 80, p=self.shares)]
            words, log_probs = spoken(texts, self.rng)
            timed += [Word(word.text, start + word.start, start + word.end, word.confidence) for word in words]
            pieces += pack_in_pieces(Emissions(log_probs, FRAME, start))
            start += len(log_probs) * FRAME
        return timed, pieces, start

    def queries(self) -> list[str]:
        """Single words and phrases of two words, frequent and rare."""
        rng = np.random.default_rng(7)
        long = [word for word in self.words if len(word) > 4]
        chosen = [str(word) for word in rng.choice(long, QUERIES, replace=False)]
        return chosen[: QUERIES // 2] + [f"{a} {b}" for a, b in zip(chosen[QUERIES // 2 :], chosen, strict=False)]


def recording(number: int, seconds: float) -> Recording:
    """Recording of a number."""
    location = Location(f"/synthetic/{number // 1000:04d}/{number:06d}.flac", 1, 10**18)
    return Recording(f"{number:064x}", (location,), seconds, MODEL, "2026-01-01T00:00:00+00:00")


def acoustic_profile() -> AcousticProfile:
    """Acoustic profile with the weights of the shipped model."""
    return AcousticProfile(ALPHABET, SpottingCalibration())


def build_small(path: Path, hours: int, speech: Speech) -> None:
    """Add recordings with words and emissions."""
    spent = 0.0
    with open_index(str(path), create=True) as index:
        index.keep_acoustic_profile(MODEL, acoustic_profile())
        for number in range(hours):
            words, pieces, seconds = speech.hour()
            started = time.perf_counter()
            index.add(recording(number, seconds), words, pieces)
            spent += time.perf_counter() - started
    print(f"  added in {spent / hours:.2f} s per hour of audio, with words")


def build_large(path: Path, hours: int, speech: Speech) -> None:
    """Write rows directly: recordings of an hour, and blocks of pieces drawn from six hours."""
    pool = [piece for _ in range(6) for piece in speech.hour()[1]]
    keys = [pack_keys(piece) for piece in pool]
    blocks = []
    for _ in range(4):
        drawn = speech.rng.choice(len(pool), BLOCK)
        blocks.append((drawn, list(invert_keys([keys[position] for position in drawn]))))
    per_hour = round(3600 / PIECE_DURATION)
    with SqliteIndex(str(path), create=True) as index:
        index.keep_acoustic_profile(MODEL, acoustic_profile())
        connection = index._connection
        connection.pragma("synchronous", 0)
        with connection:
            for number in range(hours):
                item = recording(number, 3600.0)
                connection.execute(
                    "INSERT INTO recordings VALUES (?, ?, 3600000, ?, ?, 0)", (number + 1, item.id, MODEL, item.added)
                )
                connection.execute("INSERT INTO locations VALUES (?, ?, 1, 0)", (number + 1, item.path))
        for block in range(hours * per_hour // BLOCK):
            drawn, rows = blocks[block % len(blocks)]
            positions = range(block * BLOCK, (block + 1) * BLOCK)
            names = [(position // per_hour + 1 << 32) + position % per_hour for position in positions]
            with connection:
                connection.executemany(
                    "INSERT INTO emissions VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        (name, 0, name % (1 << 32) * PIECE_DURATION, FRAME, pool[piece].frames, pool[piece].data)
                        for name, piece in zip(names, drawn, strict=True)
                    ),
                )
                packed = struct.pack(f"<{BLOCK}q", *names)
                connection.execute(
                    "INSERT INTO key_blocks VALUES (?, ?, ?, ?, ?)", (block, names[0], names[-1], BLOCK, packed)
                )
                connection.executemany(
                    "INSERT INTO block_keys VALUES (?, ?)", (((block << 15) + key, postings) for key, postings in rows)
                )


def describe(path: Path, hours: int, speech: Speech) -> None:
    """Print the size of an hour."""
    _, pieces, seconds = speech.hour()
    size = sum(len(piece.data) for piece in pieces)
    keys = sum(len(key_numbers(piece)) for piece in pieces[:100]) / 100
    stored = sum(int.from_bytes(piece.data[1:5], "little") for piece in pieces)
    frames = sum(piece.frames for piece in pieces)
    total = path.stat().st_size / hours / 1e6
    print(
        f"  per hour: emissions {size / seconds * 3.6:.0f} kB, {keys:.0f} keys per piece, {stored / frames:.0%} of"
        f" frames stored; the file {total:.2f} MB"
    )


def measure(path: Path, queries: list[str], mode: str) -> tuple[float, float, float, int]:
    """Median and maximum of response times, median of processor times, and number of hits."""
    times, used, hits = [], [], 0
    with open_index(str(path), create=False) as index:
        for number, text in enumerate([queries[0], *queries]):
            query: Query = parse([text]).query
            started, before = time.perf_counter(), time.process_time()
            page = search(index, query, mode, 20)  # type: ignore[arg-type]
            if number:  # the first search loads and compiles
                times.append(time.perf_counter() - started)
                used.append(time.process_time() - before)
                hits += len(page.hits)
    return statistics.median(times), max(times), statistics.median(used), hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, nargs="+", default=[100, 10_000], help="sizes of libraries")
    parser.add_argument("--keep", type=Path, help="folder for the libraries, reused by later runs")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for hours in arguments.hours:
            speech = Speech()
            queries = speech.queries()
            path = folder / f"{hours}.db"
            small = hours * 3600 <= spoken_terms.MAX_EXHAUSTIVE
            print(f"{hours:,} hours, " + ("every piece scored" if small else "candidates scored"))
            if not path.exists():
                started = time.perf_counter()
                (build_small if small else build_large)(path, hours, speech)
                print(f"  created in {time.perf_counter() - started:.0f} s")
            describe(path, hours, speech)
            for mode in ("words", "sound", "auto") if small else ("sound",):
                median, maximum, used, hits = (1000 * value for value in measure(path, queries, mode))
                print(
                    f"  --mode {mode:5}  {median:7.1f} ms, at most {maximum:7.1f} ms; {used:7.1f} ms of processor time;"
                    f" {hits / 1000:.0f} hits"
                )


if __name__ == "__main__":
    main()
