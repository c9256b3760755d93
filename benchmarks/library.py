"""A made-up library, as big as one likes, for the benchmarks of the stores; the same each time."""

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
"""Shares of the words that have no alternative, one, and two: 0.6 a word."""

RARE, COMMON = 5000, 50
"""Ranks from which words are rare here, and up to which they are common."""


@dataclass(frozen=True)
class Library:
    """Recordings that are the same each time they are asked for; ``plain``: without alternatives."""

    words: int
    seed: int = 4
    plain: bool = False

    @property
    def recordings(self) -> int:
        """How many there are."""
        return max(round(self.words / WORDS_OF_RECORDING), 1)

    @cached_property
    def vocabulary(self) -> list[str]:
        """Words, the commonest first; common ones are short."""
        chance = random.Random(self.seed)
        words: dict[str, None] = {}
        while len(words) < VOCABULARY:
            syllables = 1 + (chance.random() < len(words) / 500) + (chance.random() < len(words) / 30_000)
            parts = ("".join(map(chance.choice, ("bdfghklmnprstvw", "aeiou", "nrstl"))) for _ in range(syllables))
            words["".join(parts)[chance.random() < 0.5 :]] = None
        return list(words)

    @cached_property
    def weights(self) -> Any:
        """Sums of the chances of words up to each rank."""
        import numpy as np  # not above: it would count as the memory of a store

        return np.cumsum(1 / np.arange(1, VOCABULARY + 1))

    def ranks(self, number: int) -> Any:
        """What is said in a recording, as ranks of words."""
        import numpy as np

        chance = np.random.default_rng([self.seed, number])
        length = self.words - WORDS_OF_RECORDING * (self.recordings - 1)
        if number < self.recordings - 1:
            length = WORDS_OF_RECORDING
        return np.searchsorted(self.weights, chance.random(length) * self.weights[-1]).clip(0, VOCABULARY - 1)

    def recording(self, number: int) -> tuple[Recording, list[Word]]:
        """One recording with its words: whole frames of 20 ms, some pauses, most confidences high.

        Alternatives are drawn as words are, which makes them as common; they are hardly ever likely.
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
        others = [()] * len(ranks) if self.plain else self.others(chance, ranks, confidences)
        words = [Word(*word) for word in zip(texts, starts, (ends / 50).tolist(), confidences, others, strict=True)]
        where = Location(f"/library/{number % 97:02}/{number:06}.flac", 10**8 + number, 1_700_000_000 * 10**9 + number)
        return Recording(f"{number:064x}", (where,), words[-1].end, "benchmark", "2024-05-01T12:00:00Z"), words

    def others(self, chance: Any, ranks: Any, confidences: list[float]) -> Iterator[tuple[Alternative, ...]]:
        """Alternatives for words of these ranks; they share half of what the confidence leaves, or less."""
        import numpy as np

        counts = np.searchsorted(np.cumsum(ALTERNATIVES), chance.random(len(ranks)))
        drawn = np.searchsorted(self.weights, chance.random((len(ranks), 2)) * self.weights[-1]).clip(0, VOCABULARY - 1)
        shares = chance.random((len(ranks), 2)) / 2
        for rank, count, some, share, confidence in zip(
            ranks.tolist(), counts.tolist(), drawn.tolist(), shares.tolist(), confidences, strict=True
        ):
            different = [one for one in dict.fromkeys(some[:count]) if one != rank]
            likely = sorted((part * (1 - confidence) for part in share), reverse=True)
            yield tuple(Alternative(self.vocabulary[one], part) for one, part in zip(different, likely, strict=False))

    def queries(self, count: int) -> dict[str, list[Phrase]]:
        """Phrases of each class; what comes is drawn from places in the library."""
        chance = random.Random(self.seed)
        some = [self.ranks(chance.randrange(self.recordings)).tolist() for _ in range(50)]

        def places(wanted: Callable[[list[int]], bool] = lambda ranks: True, length: int = 2) -> Iterator[list[int]]:
            while True:
                ranks = chance.choice(some)
                first = chance.randrange(max(len(ranks) - length, 1))
                if wanted(ranks[first : first + length]):
                    yield ranks[first : first + length]

        def phrases(drawn: Iterator[list[int]], number: int = count, slop: int = 0) -> list[Phrase]:
            return [self.phrase(next(drawn), slop) for _ in range(number)]

        apart = ([ranks[0], ranks[1 + chance.randrange(3)]] for ranks in places(length=4))
        prefixes = []
        for one in phrases(places(lambda ranks: len(self.vocabulary[ranks[1]]) > 4)):
            first, second = one.terms
            prefixes.append(Phrase((first, Term(second.text[:4], prefix=True))))
        return {
            "two words as they come": phrases(places()),
            "two rare words": phrases(places(lambda ranks: min(ranks) >= RARE)),
            "two common words": phrases(places(lambda ranks: max(ranks) < COMMON)),
            "three words": phrases(places(length=3)),
            "two words, slop 2": phrases(apart, slop=2),
            "a word and a prefix": prefixes,
            "worst: commonest word": [self.phrase([0])] * 5,
            "worst: it twice": [self.phrase([0, 0])] * 5,
            "worst: it and a rare, slop 2": [self.phrase([0, RARE], 2)] * 3,
            "worst: prefix of two letters": [Phrase((Term(self.vocabulary[RARE][:2], prefix=True),))] * 3,
        }

    def phrase(self, ranks: Sequence[int], slop: int = 0) -> Phrase:
        """Words of these ranks."""
        return Phrase(tuple(Term(self.vocabulary[rank]) for rank in ranks), slop)
