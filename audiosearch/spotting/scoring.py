"""Score calibration and acoustic profile: metadata stored with the emissions, so that a query needs no model.

The score of a hit is the difference in log-probability between the text and the best path of the same frames
(``keyword_spotter.py``). A logistic regression on FEATURES, fitted on speech with known words, turns it into a
probability: long texts fit nowhere by chance, and short ones do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import SequenceMatcher
from typing import Any

from audiosearch.alphabet import Alphabet
from audiosearch.types import Seconds, Word

FEATURES = ("one", "score", "letters", "score a letter", "score² a letter", "length a letter", "words")
"""Features of a hit: 1; its score in nats, at most 0; L; score / L; score² / L; ln(frames / L); words of the text."""

EVIDENCE = ("same", "sure", "other", "alike")
"""Features of the recognized words at a hit: 1 if they are the text; then their lowest confidence; if they are not,
their mean confidence weighted by duration; then the similarity of spelling, from 0 to 1. All are 0 without words.
"""

RESCORING_WEIGHTS = (-3.8924, 0.1609, 0.9526, 1.7488, -0.0458, 0.3604, -1.8753, 1.3227, 1.6142, 1.5533, -1.0295)

_STORED_NAMES = {"max_loss_per_letter": "widest", "rescoring_weights": "judged"}
"""Names of fields in stored files, where they differ."""


@dataclass(frozen=True, slots=True)
class SpottingCalibration:
    """Scoring of hits and the weights of their probabilities; section ``sound`` of a model's ``calibration.yaml``.

    Args:
        floor: loss in nats of a letter in a frame whose stored labels do not include it.
        boundary: maximum loss in nats of beginning or ending within a word.
        max_loss_per_letter: nats per letter beyond which a span is no hit.
        weights: of FEATURES, used to select hits.
        rescoring_weights: of FEATURES and EVIDENCE, used for the confidence of selected hits.
    """

    floor: float = 8.0
    boundary: float = 6.0
    max_loss_per_letter: float = 2.0
    weights: tuple[float, ...] = (-2.9898, 0.4894, 1.0762, 2.1401, 0.1031, 0.3802, -1.7654)
    rescoring_weights: tuple[float, ...] = RESCORING_WEIGHTS

    def __post_init__(self) -> None:
        numbers = (self.floor, self.boundary, self.max_loss_per_letter, *self.weights, *self.rescoring_weights)
        counts = len(self.weights), len(self.rescoring_weights)
        if counts != (len(FEATURES), len(FEATURES) + len(EVIDENCE)) or not all(map(math.isfinite, numbers)):
            raise ValueError(f"weights must be {len(FEATURES)} numbers, and judged {len(FEATURES) + len(EVIDENCE)}")
        if not (0 < self.floor <= 50 and 0 <= self.boundary <= 50 and 0 < self.max_loss_per_letter <= 10):
            raise ValueError("floor must be above 0 and at most 50, boundary 0 to 50, widest above 0 and at most 10")

    @staticmethod
    def from_dict(section: Mapping[str, Any]) -> SpottingCalibration:
        """The calibration that ``to_dict`` wrote; ValueError for anything else."""
        names = {_STORED_NAMES.get(field.name, field.name): field.name for field in fields(SpottingCalibration)}
        if unknown := sorted(set(section) - set(names)):
            raise ValueError(f"unknown settings {', '.join(unknown)}")
        values: dict[str, Any] = {
            names[name]: tuple(map(float, value)) if name in ("weights", "judged") else float(value)
            for name, value in section.items()
        }
        return SpottingCalibration(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as stored in files."""
        values = {_STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}
        return {**values, "weights": list(self.weights), "judged": list(self.rescoring_weights)}

    def probability(self, features: Sequence[float]) -> float:
        """Probability that the text is said at a hit, by its FEATURES, with or without EVIDENCE."""
        weights = self.rescoring_weights if len(features) > len(FEATURES) else self.weights
        return sigmoid(sum(weight * feature for weight, feature in zip(weights, features, strict=True)))


@dataclass(frozen=True, slots=True)
class AcousticProfile:
    """Description of a recognizer's emissions.

    Args:
        alphabet: of the labels.
        calibration: of the scores of hits.
    """

    alphabet: Alphabet
    calibration: SpottingCalibration

    def to_json(self) -> str:
        """The profile as a store keeps it."""
        plain = {"labels": list(self.alphabet.labels), "calibration": self.calibration.to_dict()}
        return json.dumps(plain, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> AcousticProfile:
        """The profile that ``to_json`` wrote; ValueError for anything else."""
        plain = json.loads(text)
        return AcousticProfile(Alphabet(tuple(plain["labels"])), SpottingCalibration.from_dict(plain["calibration"]))


@dataclass(frozen=True, slots=True)
class KeywordQuery:
    """A text to spot.

    Args:
        text: normalized words separated by single spaces, in letters of the alphabet.
        alphabet: of the emissions.
        unfinished: the last word may be the beginning of a longer one.
    """

    text: str
    alphabet: Alphabet
    unfinished: bool = False


def features(score: float, letters: int, frames: int, words: int) -> tuple[float, ...]:
    """FEATURES of a hit.

    Args:
        score: in nats, at most 0.
        letters: of the text, including spaces.
        frames: of the hit.
        words: of the text.
    """
    stretch = math.log(frames / letters)
    return 1.0, score, float(letters), score / letters, score * score / letters, stretch, float(words)


def evidence(text: str, start: Seconds, end: Seconds, words: Sequence[Word]) -> tuple[float, ...]:
    """EVIDENCE of a text in a span of time.

    Args:
        words: in order of time; at least all that were recognized in the span.
    """
    matching = overlapping_words(start, end, words)
    if not matching:
        return 0.0, 0.0, 0.0, 0.0
    recognized = " ".join(word.text for word in matching)
    if recognized == text:
        return 1.0, min(word.confidence for word in matching), 0.0, 0.0
    duration = sum(word.end - word.start for word in matching)
    weighted = sum(word.confidence * (word.end - word.start) for word in matching)
    similarity = SequenceMatcher(None, recognized, text, autojunk=False).ratio()
    return 0.0, 0.0, weighted / duration if duration else 0.0, similarity


def overlapping_words(start: Seconds, end: Seconds, words: Sequence[Word]) -> list[Word]:
    """Words that lie at least half in a span; if there are none, the one that overlaps it most, if any."""
    overlaps = [(min(word.end, end) - max(word.start, start), word) for word in words]
    matching = [word for overlap, word in overlaps if overlap > 0 and 2 * overlap >= word.end - word.start]
    if not matching and (longest := max((overlap for overlap, _ in overlaps), default=0.0)) > 0:
        return [word for overlap, word in overlaps if overlap == longest][:1]
    return matching


def sigmoid(logit: float) -> float:
    """Probability of log-odds."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
