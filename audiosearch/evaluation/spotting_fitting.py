"""How probable places are that a search by sound finds, learned where it is known what is said.

Words and phrases are drawn from what is said, and looked for in all of the speech. A place is right if the text is said
there, with the middles of the two at most TOLERANCE apart, as NIST's evaluations of spoken term detection have it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.evaluation.confidence_fitting import Report, fitted_speakers
from audiosearch.evaluation.logistic import fit
from audiosearch.evaluation.reliability import calibration_error, reliability
from audiosearch.spotting.posteriorgram import pack_in_pieces
from audiosearch.spotting.scoring import KeywordQuery, SpottingCalibration, evidence
from audiosearch.types import Emissions, PackedEmissions, Seconds, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiosearch.alphabet import Alphabet

TOLERANCE: Seconds = 0.5

WORDS, PHRASES = 240, 160
"""Drawn at most; the words have at least LETTERS letters, and are said at most FREQUENT times."""

LETTERS = 4
FREQUENT = 10

Fit = Callable[["NDArray[np.float64]", "NDArray[np.bool_]"], tuple[float, ...]]
"""Weights from features [examples, features] and what is right [examples]."""


@dataclass(frozen=True)
class SoundExample:
    """A recording of which it is known what is said.

    Args:
        emissions: in stretches.
        said: the words, with the times at which they are said.
        heard: the words that were recognized.
    """

    emissions: tuple[Emissions, ...]
    said: tuple[Word, ...]
    heard: tuple[Word, ...]


def fit_sound(
    examples: Sequence[SoundExample], alphabet: Alphabet, fit: Fit = fit, calibration: SpottingCalibration | None = None
) -> SpottingCalibration:
    """The calibration with the weights that suit these recordings.

    Args:
        fit: logistic regression (``calibration.fit``).
        calibration: whose other settings stay.
    """
    calibration = calibration or SpottingCalibration()
    features, right = labeled(examples, alphabet, calibration)
    plain = len(SpottingCalibration().weights)
    return replace(calibration, weights=fit(features[:, :plain], right), rescoring_weights=fit(features, right))


def calibrated_sound(
    examples: Mapping[str, Sequence[SoundExample]], alphabet: Alphabet
) -> tuple[SpottingCalibration, Report]:
    """The calibration by half of the speakers, and how well it does on the rest.

    Args:
        examples: by speaker.
    """
    words = {speaker: sum(len(one.said) for one in some) for speaker, some in examples.items()}
    chosen = fitted_speakers(words)
    fitted, rest = (
        [one for speaker, some in examples.items() if (speaker in chosen) == wanted for one in some]
        for wanted in (True, False)
    )
    found = fit_sound(fitted, alphabet, fit)
    features, right = labeled(rest, alphabet, found)
    tables = [
        reliability([calibration.probability(row) for row in features.tolist()], right.tolist())
        for calibration in (SpottingCalibration(), found)
    ]
    before, after = map(calibration_error, tables)
    return found, Report("places by sound", tables[1], before, after)


def labeled(
    examples: Sequence[SoundExample], alphabet: Alphabet, calibration: SpottingCalibration
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """FEATURES and EVIDENCE of all places of drawn texts, and which of them are right."""
    from audiosearch.spotting.keyword_spotter import KeywordSpotter

    pieces: list[PackedEmissions] = []
    owners: list[str] = []
    for number, example in enumerate(examples):
        for emissions in example.emissions:
            some = list(pack_in_pieces(emissions))
            pieces += some
            owners += [str(number)] * len(some)
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for number, example in enumerate(examples):
        for word in example.said:
            holders[word.text].add(number)
    rows, right = [], []
    for text in drawn([example.said for example in examples]):
        left: defaultdict[int, list[Seconds]] = defaultdict(list)
        for number in sorted(holders[text.split()[0]]):
            left[number] = occurrences(examples[number].said, text)
        found = KeywordSpotter(KeywordQuery(text, alphabet), calibration).find(pieces, owners)
        for place in sorted(found, key=lambda one: -one.score):
            number = int(owners[place.piece])
            middle = (place.start + place.end) / 2
            of = [one for one in left[number] if abs(one - middle) <= TOLERANCE]
            if of:
                left[number].remove(min(of, key=lambda one: abs(one - middle)))
            rows.append((*place.features, *evidence(text, place.start, place.end, examples[number].heard)))
            right.append(bool(of))
    return np.array(rows), np.array(right)


def drawn(said: Sequence[Sequence[Word]], seed: int = 1) -> list[str]:
    """Words and phrases of two to four words that are said, always the same ones."""
    rng = random.Random(seed)
    counts = Counter(word.text for words in said for word in words)
    words = sorted(word for word, count in counts.items() if len(word) >= LETTERS and count <= FREQUENT)
    phrases = set()
    for _ in range(PHRASES):
        some, length = rng.choice(said), rng.choice((2, 2, 2, 3, 3, 4))
        if len(some) >= length:
            first = rng.randrange(len(some) - length + 1)
            phrases.add(" ".join(word.text for word in some[first : first + length]))
    return rng.sample(words, min(WORDS, len(words))) + sorted(phrase for phrase in phrases if len(phrase) > LETTERS)


def occurrences(said: Sequence[Word], text: str) -> list[Seconds]:
    """The middles of the places at which words and phrases are said."""
    terms = text.split()
    last = len(terms) - 1
    return [
        (said[first].start + said[first + last].end) / 2
        for first in range(len(said) - last)
        if all(said[first + place].text == term for place, term in enumerate(terms))
    ]
