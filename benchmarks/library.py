"""Synthetic, reproducible library of any size for benchmarks of the stores."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audiosearch.types import Alternative, Word
from indexer.types import Location, Phrase, Recording, Term

VOCABULARY = 100_000
WORDS_OF_RECORDING = 9000
ALTERNATIVES = (0.6, 0.2, 0.2)
"""Shares of words with no, one and two alternatives: 0.6 per word on average."""

RARE, COMMON = 5000, 50
"""Lowest rank of rare words, and end of the ranks of common ones."""


@dataclass(frozen=True)
class Library:
    """Recordings that depend only on the seed; ``plain``: without alternatives."""

    words: int
    seed: int = 4
    plain: bool = False

    @property
    def recordings(self) -> int:
        """Number of recordings."""
        return max(round(self.words / WORDS_OF_RECORDING), 1)

    @cached_property
    def vocabulary(self) -> list[str]:
        """Words, most frequent first; frequent ones are short."""
        chance = random.Random(self.seed)
        words: dict[str, None] = {}
        while len(words) < VOCABULARY:
            syllables = 1 + (chance.random() < len(words) / 500) + (chance.random() < len(words) / 30_000)
            parts = ("".join(map(chance.choice, ("bdfghklmnprstvw", "aeiou", "nrstl"))) for _ in range(syllables))
            words["".join(parts)[chance.random() < 0.5 :]] = None
        return list(words)

    @cached_property
    def weights(self) -> Any:
        """Cumulative frequencies of words by rank."""
        import numpy as np  # at module level it would count as memory of a store

        return np.cumsum(1 / np.arange(1, VOCABULARY + 1))

    def ranks(self, number: int) -> Any:
        """Ranks of the words of a recording."""
        import numpy as np

        chance = np.random.default_rng([self.seed, number])
        length = self.words - WORDS_OF_RECORDING * (self.recordings - 1)
        if number < self.recordings - 1:
            length = WORDS_OF_RECORDING
        return np.searchsorted(self.weights, chance.random(length) * self.weights[-1]).clip(0, VOCABULARY - 1)

    def recording(self, number: int) -> tuple[Recording, list[Word]]:
        """Recording with its words, at frames of 20 ms, with some pauses; most confidences are high.

        Alternatives have the distribution of the words, and low probabilities.
        """
        import numpy as np

        ranks = self.ranks(number)
        chance = np.random.default_rng([self.seed, number, 1])
        lengths = chance.integers(3, 25, len(ranks))
        gaps = np.where(chance.random(len(ranks)) < 0.12, chance.integers(5, 60, len(ranks)), chance.integers(0, 4))
        ends = np.cumsum(lengths + gaps)
        confidences = np.round(chance.beta(5, 0.5, len(ranks)), 3).tolist()
        texts = [self.vocabulary[rank] for rank in ranks.tolist()]
        starts = ((ends - lengths) / 50).tolist()
        alternatives = [()] * len(ranks) if self.plain else self.alternatives(chance, ranks, confidences)
        times = starts, (ends / 50).tolist()
        words = [Word(*fields) for fields in zip(texts, *times, confidences, alternatives, strict=True)]
        location = Location(
            f"/library/{number % 97:02}/{number:06}.flac", 10**8 + number, 1_700_000_000 * 10**9 + number
        )
        return Recording(f"{number:064x}", (location,), words[-1].end, "benchmark", "2024-05-01T12:00:00Z"), words

    def alternatives(self, chance: Any, ranks: Any, confidences: list[float]) -> Iterator[tuple[Alternative, ...]]:
        """Alternatives of words; their probabilities sum to at most half of the words' remaining probability."""
        import numpy as np

        counts = np.searchsorted(np.cumsum(ALTERNATIVES), chance.random(len(ranks)))
        drawn = np.searchsorted(self.weights, chance.random((len(ranks), 2)) * self.weights[-1]).clip(0, VOCABULARY - 1)
        shares = chance.random((len(ranks), 2)) / 2
        for rank, count, candidates, share, confidence in zip(
            ranks.tolist(), counts.tolist(), drawn.tolist(), shares.tolist(), confidences, strict=True
        ):
            different = [candidate for candidate in dict.fromkeys(candidates[:count]) if candidate != rank]
            probabilities = sorted((part * (1 - confidence) for part in share), reverse=True)
            yield tuple(
                Alternative(self.vocabulary[each], p) for each, p in zip(different, probabilities, strict=False)
            )

    def queries(self, count: int) -> dict[str, list[Phrase]]:
        """Phrases by class, drawn from random positions in the library."""
        chance = random.Random(self.seed)
        sample = [self.ranks(chance.randrange(self.recordings)).tolist() for _ in range(50)]

        def spans(condition: Callable[[list[int]], bool] = lambda ranks: True, length: int = 2) -> Iterator[list[int]]:
            while True:
                ranks = chance.choice(sample)
                first = chance.randrange(max(len(ranks) - length, 1))
                if condition(ranks[first : first + length]):
                    yield ranks[first : first + length]

        def phrases(drawn: Iterator[list[int]], number: int = count, slop: int = 0) -> list[Phrase]:
            return [self.phrase(next(drawn), slop) for _ in range(number)]

        apart = ([ranks[0], ranks[1 + chance.randrange(3)]] for ranks in spans(length=4))
        prefixes = []
        for phrase in phrases(spans(lambda ranks: len(self.vocabulary[ranks[1]]) > 4)):
            first, second = phrase.terms
            prefixes.append(Phrase((first, Term(second.text[:4], prefix=True))))
        return {
            "two random words": phrases(spans()),
            "two rare words": phrases(spans(lambda ranks: min(ranks) >= RARE)),
            "two common words": phrases(spans(lambda ranks: max(ranks) < COMMON)),
            "three words": phrases(spans(length=3)),
            "two words, slop 2": phrases(apart, slop=2),
            "a word and a prefix": prefixes,
            "worst: most common word": [self.phrase([0])] * 5,
            "worst: that word twice": [self.phrase([0, 0])] * 5,
            "worst: that word and a rare word, slop 2": [self.phrase([0, RARE], 2)] * 3,
            "worst: prefix of two letters": [Phrase((Term(self.vocabulary[RARE][:2], prefix=True),))] * 3,
        }

    def phrase(self, ranks: Sequence[int], slop: int = 0) -> Phrase:
        """Phrase of the words of these ranks."""
        return Phrase(tuple(Term(self.vocabulary[rank]) for rank in ranks), slop)
