"""Fit the probabilities of keyword hits on recordings of known text.

Words and phrases are sampled from the references and searched in all recordings. A hit is correct if the reference has
the text with its midpoint at most TOLERANCE away, as in NIST's evaluations of spoken term detection.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.evaluation.confidence_fitting import CalibrationReport, calibration_report, split_by_speaker
from audiosearch.evaluation.logistic import fit_logistic
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import KeywordQuery, SpottingCalibration, evidence
from audiosearch.types import Emissions, PackedEmissions, Seconds, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiosearch.alphabet import Alphabet

TOLERANCE: Seconds = 0.5

MAX_WORDS, MAX_PHRASES = 240, 160
"""Maximum number of sampled queries."""

MIN_LETTERS = 4
MAX_OCCURRENCES = 10
"""Minimum length and maximum frequency of sampled words."""

FitWeights = Callable[["NDArray[np.float64]", "NDArray[np.bool_]"], tuple[float, ...]]
"""Weights from features [examples, features] and labels [examples]."""


@dataclass(frozen=True)
class SpottingExample:
    """A recording of known text.

    Args:
        emissions: by segment.
        reference: words with their times.
        recognized: words of the transcript.
    """

    emissions: tuple[Emissions, ...]
    reference: tuple[Word, ...]
    recognized: tuple[Word, ...]


def fit_spotting(
    examples: Sequence[SpottingExample],
    alphabet: Alphabet,
    fit: FitWeights = fit_logistic,
    calibration: SpottingCalibration | None = None,
) -> SpottingCalibration:
    """Fit the weights of a calibration on recordings.

    Args:
        calibration: supplies the other settings; None: the defaults.
    """
    calibration = calibration or SpottingCalibration()
    features, correct = label_hits(examples, alphabet, calibration)
    plain = len(SpottingCalibration().weights)
    return replace(calibration, weights=fit(features[:, :plain], correct), rescoring_weights=fit(features, correct))


def fit_and_measure_spotting(
    examples: Mapping[str, Sequence[SpottingExample]], alphabet: Alphabet
) -> tuple[SpottingCalibration, CalibrationReport]:
    """Fit a calibration on half of the speakers and measure it on the other half.

    Args:
        examples: by speaker.
    """
    word_counts = {speaker: sum(len(example.reference) for example in members) for speaker, members in examples.items()}
    fitted_speakers = split_by_speaker(word_counts)
    fitted, held_out = (
        [
            example
            for speaker, members in examples.items()
            if (speaker in fitted_speakers) == is_fitted
            for example in members
        ]
        for is_fitted in (True, False)
    )
    calibration = fit_spotting(fitted, alphabet)
    features, correct = label_hits(held_out, alphabet, calibration)
    before, after = (
        [weights.probability(row) for row in features.tolist()] for weights in (SpottingCalibration(), calibration)
    )
    return calibration, calibration_report("hits by sound", before, after, correct.tolist())


def label_hits(
    examples: Sequence[SpottingExample], alphabet: Alphabet, calibration: SpottingCalibration
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features and evidence of all hits for sampled queries [hits, features], and their correctness [hits]."""
    from audiosearch.spotting.keyword_spotter import KeywordSpotter

    pieces: list[PackedEmissions] = []
    owners: list[str] = []
    for number, example in enumerate(examples):
        for emissions in example.emissions:
            packed = list(pack_in_pieces(emissions))
            pieces += packed
            owners += [str(number)] * len(packed)
    examples_with_word: defaultdict[str, set[int]] = defaultdict(set)
    for number, example in enumerate(examples):
        for word in example.reference:
            examples_with_word[word.text].add(number)
    rows, correct = [], []
    for text in sample_queries([example.reference for example in examples]):
        unmatched: defaultdict[int, list[Seconds]] = defaultdict(list)
        for number in sorted(examples_with_word[text.split()[0]]):
            unmatched[number] = occurrence_midpoints(examples[number].reference, text)
        hits = KeywordSpotter(KeywordQuery(text, alphabet), calibration).find(pieces, owners)
        for hit in sorted(hits, key=lambda hit: -hit.score):
            number = int(owners[hit.piece])
            distances = [(abs(time - (hit.start + hit.end) / 2), time) for time in unmatched[number]]
            nearest = min(distances, default=None)
            is_correct = nearest is not None and nearest[0] <= TOLERANCE
            if nearest is not None and is_correct:
                unmatched[number].remove(nearest[1])
            rows.append((*hit.features, *evidence(text, hit.start, hit.end, examples[number].recognized)))
            correct.append(is_correct)
    return np.array(rows), np.array(correct)


def sample_queries(references: Sequence[Sequence[Word]], seed: int = 1) -> list[str]:
    """Words, and phrases of two to four words, that occur in the references; the same ones for the same seed."""
    rng = random.Random(seed)
    counts = Counter(word.text for words in references for word in words)
    words = sorted(word for word, count in counts.items() if len(word) >= MIN_LETTERS and count <= MAX_OCCURRENCES)
    phrases = set()
    for _ in range(MAX_PHRASES):
        reference, length = rng.choice(references), rng.choice((2, 2, 2, 3, 3, 4))
        if len(reference) >= length:
            first = rng.randrange(len(reference) - length + 1)
            phrases.add(" ".join(word.text for word in reference[first : first + length]))
    sampled = rng.sample(words, min(MAX_WORDS, len(words)))
    return sampled + sorted(phrase for phrase in phrases if len(phrase) > MIN_LETTERS)


def occurrence_midpoints(reference: Sequence[Word], text: str) -> list[Seconds]:
    """Midpoints of the occurrences of a word or phrase."""
    terms = text.split()
    last = len(terms) - 1
    return [
        (reference[first].start + reference[first + last].end) / 2
        for first in range(len(reference) - last)
        if all(reference[first + position].text == term for position, term in enumerate(terms))
    ]
