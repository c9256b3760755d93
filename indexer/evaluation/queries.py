"""Queries for measuring a search, given or sampled from the references, with the times at which they occur.

*Classes* of a query: its length in words; its number of occurrences; in or out of the vocabulary of the language model,
if that is known; and *misspelled*, if it is in the vocabulary and the best transcripts contain fewer than half of its
occurrences. Queries out of the vocabulary and misspelled ones are the hard ones.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from audiosearch.types import Word
from indexer.evaluation.scoring import Detection, Occurrence, score_hits
from indexer.matching.match import positions, spans
from indexer.search.parse import parse
from indexer.types import Phrase

MAX_WORDS = 4
"""Maximum words of a sampled phrase."""

MIN_LETTERS = 4
"""Minimum letters of the longest word of a sampled phrase: nobody searches for "of the"."""

FREQUENCIES = {"said once": 1, "said 2 to 9 times": 9, "said 10 times or more": math.inf}
"""Maximum number of occurrences of each class of frequency."""

IN_VOCABULARY, OUT_OF_VOCABULARY = "in the vocabulary", "out of the vocabulary"
MISSPELLED = "misspelled"
HARD = "out of the vocabulary or misspelled"

SEED = 2007
"""Seed of the sampling; all runs sample the same queries."""

WordsByRecording = Mapping[str, Sequence[Word]]
"""Words by the id of their recording, in order of time."""


@dataclass(frozen=True, slots=True)
class EvaluationQuery:
    """A query with its occurrences in the references.

    Args:
        exact: hits of an exact search in the best transcripts.
        classes: classes that the query belongs to.
    """

    text: str
    phrase: Phrase
    occurrences: tuple[Occurrence, ...]
    exact: tuple[Detection, ...]
    classes: tuple[str, ...]


def sample_queries(
    references: WordsByRecording, vocabulary: Collection[str] | None, count: int, seed: int = SEED
) -> list[str]:
    """Sample ``count`` phrases of every length and frequency, and ``count`` words out of the vocabulary.

    Smaller classes are taken whole. Phrases of several words are in the vocabulary.
    """
    frequencies: Counter[tuple[str, ...]] = Counter()
    for words in references.values():
        texts = [word.text for word in words]
        for length in range(1, MAX_WORDS + 1):
            frequencies.update(tuple(texts[start : start + length]) for start in range(len(texts) - length + 1))
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for phrase, frequency in frequencies.items():
        if max(map(len, phrase)) < MIN_LETTERS:
            continue
        if vocabulary is None or all(word in vocabulary for word in phrase):
            groups[len(phrase), _frequency_class(frequency)].append(" ".join(phrase))
        elif len(phrase) == 1:
            groups[OUT_OF_VOCABULARY,].append(phrase[0])
    generator = random.Random(seed)
    sample = []
    for _, phrases in sorted(groups.items(), key=lambda group: str(group[0])):
        sample += generator.sample(sorted(phrases), min(count, len(phrases)))
    return sample


def prepare_queries(
    texts: Sequence[str],
    references: WordsByRecording,
    transcripts: WordsByRecording,
    vocabulary: Collection[str] | None,
) -> Iterator[EvaluationQuery]:
    """Parse each query and find its occurrences; repeated queries are left out.

    Args:
        references: words of the true text.
        transcripts: recognized words.
        vocabulary: words of the language model; None: unknown.

    Raises:
        QueryError: a text cannot be parsed.
    """
    reference, recognized = _WordIndex(references), _WordIndex(transcripts)
    for phrase, text in {parse([text]).query.phrases[0]: text for text in reversed(texts)}.items():
        occurrences = tuple(Occurrence(name, words[0].start, words[-1].end) for name, words in reference.find(phrase))
        exact = tuple(
            Detection(name, words[0].start, words[-1].end, min(word.confidence for word in words))
            for name, words in recognized.find(phrase)
        )
        yield EvaluationQuery(text, phrase, occurrences, exact, _classes(phrase, occurrences, exact, vocabulary))


class _WordIndex:
    """Inverted index of words by recording."""

    def __init__(self, words: WordsByRecording) -> None:
        self._words = words
        self._texts = {name: [word.text for word in sequence] for name, sequence in words.items()}
        self._recordings: dict[str, set[str]] = defaultdict(set)
        for name, texts in self._texts.items():
            for text in texts:
                self._recordings[text].add(name)

    def find(self, phrase: Phrase) -> Iterator[tuple[str, Sequence[Word]]]:
        """Yield the recording and the words of each match; alternatives are ignored."""
        sets = [self._recordings.get(term.text, set()) for term in phrase.terms if not term.prefix]
        for name in sorted(set.intersection(*sets) if sets else self._words):
            for span in spans(positions(self._texts[name], phrase.terms), phrase.slop):
                yield name, self._words[name][span[0] : span[-1] + 1]


def _classes(
    phrase: Phrase, occurrences: Sequence[Occurrence], exact: Sequence[Detection], vocabulary: Collection[str] | None
) -> tuple[str, ...]:
    length = len(phrase.terms)
    classes = ["1 word" if length == 1 else f"{length} words"]
    if occurrences:
        classes.append(_frequency_class(len(occurrences)))
    unknown = vocabulary is not None and any(not term.prefix and term.text not in vocabulary for term in phrase.terms)
    correct = sum(hit.correct for hit in score_hits(exact, occurrences))
    if unknown:
        classes += [OUT_OF_VOCABULARY, HARD]
    else:
        classes += [IN_VOCABULARY] * (vocabulary is not None)
        if 2 * correct < len(occurrences):
            classes += [MISSPELLED, HARD]
    return tuple(classes)


def _frequency_class(count: int) -> str:
    return next(name for name, maximum in FREQUENCIES.items() if count <= maximum)
