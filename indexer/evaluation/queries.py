"""Queries to measure a search by, given or drawn from what is said, with the places where they are said.

The *classes* of a query: its length in words; how often it is said; whether all its words are in the vocabulary of the
language model, as far as that is known; and *misspelled*, if it is in the vocabulary and the best transcripts spell it
right at fewer than half of the places where it is said. What is hard to find is out of the vocabulary or misspelled.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from audiosearch.types import Word
from indexer.evaluation.scoring import Detection, Occurrence, judge
from indexer.matching.match import positions, spans
from indexer.search.parse import parse
from indexer.types import Phrase

LONGEST = 4
"""Words of the longest phrase that is drawn."""

FEWEST_LETTERS = 4
"""Of the longest word of a phrase that is drawn: nobody looks for "of the"."""

FREQUENCIES = {"said once": 1, "said 2 to 9 times": 9, "said 10 times or more": math.inf}
"""Classes by how often a phrase is said, at most."""

IN, OUT = "in the vocabulary", "out of the vocabulary"
MISSPELLED = "misspelled"
HARD = "out of the vocabulary or misspelled"

SEED = 2007
"""Of the drawing, so that every run asks the same."""

Spoken = Mapping[str, Sequence[Word]]
"""Words by the recording that they are in, in the order of time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, where it is said, and what the best transcripts alone find of it."""

    text: str
    phrase: Phrase
    occurrences: tuple[Occurrence, ...]
    exact: tuple[Detection, ...]
    classes: tuple[str, ...]


def draw(spoken: Spoken, vocabulary: Collection[str] | None, each: int, seed: int = SEED) -> list[str]:
    """Words and phrases that are said: ``each`` of every length and frequency, and of those out of the vocabulary.

    All of a class where it has no more. Phrases of several words are in the vocabulary.
    """
    said: Counter[tuple[str, ...]] = Counter()
    for words in spoken.values():
        texts = [word.text for word in words]
        for length in range(1, LONGEST + 1):
            said.update(tuple(texts[first : first + length]) for first in range(len(texts) - length + 1))
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for phrase, count in said.items():
        if max(map(len, phrase)) < FEWEST_LETTERS:
            continue
        known = vocabulary is None or all(word in vocabulary for word in phrase)
        if known:
            groups[len(phrase), _frequency(count)].append(" ".join(phrase))
        elif len(phrase) == 1:
            groups[OUT,].append(phrase[0])
    chance = random.Random(seed)
    drawn = []
    for _, phrases in sorted(groups.items(), key=lambda group: str(group[0])):
        drawn += chance.sample(sorted(phrases), min(each, len(phrases)))
    return drawn


def look_up(
    texts: Sequence[str], spoken: Spoken, transcripts: Spoken, vocabulary: Collection[str] | None
) -> Iterator[Asked]:
    """Each query once, with where it is said and what the best transcripts hold of it.

    Args:
        spoken: what is said in truth.
        transcripts: what was recognized.
        vocabulary: of the language model; None: not known.

    Raises:
        QueryError: a text cannot be searched.
    """
    reference, recognized = _Words(spoken), _Words(transcripts)
    for phrase, text in {parse([text]).query.phrases[0]: text for text in reversed(texts)}.items():
        occurrences = tuple(Occurrence(name, words[0].start, words[-1].end) for name, words in reference.find(phrase))
        exact = tuple(
            Detection(name, words[0].start, words[-1].end, min(word.confidence for word in words))
            for name, words in recognized.find(phrase)
        )
        yield Asked(text, phrase, occurrences, exact, _classes(phrase, occurrences, exact, vocabulary))


class _Words:
    """Words by recording, and which recordings have each."""

    def __init__(self, words: Spoken) -> None:
        self._words = words
        self._texts = {name: [word.text for word in some] for name, some in words.items()}
        self._holding: dict[str, set[str]] = defaultdict(set)
        for name, texts in self._texts.items():
            for text in texts:
                self._holding[text].add(name)

    def find(self, phrase: Phrase) -> Iterator[tuple[str, Sequence[Word]]]:
        """Recordings and the words of each match in them; alternatives do not count."""
        held = [self._holding.get(term.text, set()) for term in phrase.terms if not term.prefix]
        for name in sorted(set.intersection(*held) if held else self._words):
            for span in spans(positions(self._texts[name], phrase.terms), phrase.slop):
                yield name, self._words[name][span[0] : span[-1] + 1]


def _classes(
    phrase: Phrase, occurrences: Sequence[Occurrence], exact: Sequence[Detection], vocabulary: Collection[str] | None
) -> tuple[str, ...]:
    length = len(phrase.terms)
    classes = ["1 word" if length == 1 else f"{length} words"]
    if occurrences:
        classes.append(_frequency(len(occurrences)))
    unknown = vocabulary is not None and any(not term.prefix and term.text not in vocabulary for term in phrase.terms)
    right = sum(hit.correct for hit in judge(exact, occurrences))
    if unknown:
        classes += [OUT, HARD]
    else:
        classes += [IN] * (vocabulary is not None)
        if 2 * right < len(occurrences):
            classes += [MISSPELLED, HARD]
    return tuple(classes)


def _frequency(count: int) -> str:
    return next(name for name, most in FREQUENCIES.items() if count <= most)
