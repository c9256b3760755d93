"""Logistic models that map decoder scores to the probability that a word is right.

The features are those of ``word_features`` and ``candidate_features``. Their weights are fitted on speech with known
text (Platt 1999) and stored beside the model in ``calibration.yaml``, with those of keyword spotting::

    word:
      weights: [...]
    alternative:
      weights: [...]
    sound: {}

``spotting/scoring.py`` describes the section ``sound``. Without the file the confidence of a word is the mean
probability of its letters, and the probability of an alternative its share among all candidates.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from operator import mul
from pathlib import Path
from typing import Any

from audiosearch.decoding.hypothesis import Candidate, ConfusionSlot
from audiosearch.errors import ConfigError
from audiosearch.model_folder import CALIBRATION_NAME, CALIBRATION_REMEDY, read_calibration
from audiosearch.spotting.scoring import SpottingCalibration, sigmoid
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Word

MIN_PROBABILITY = 0.05
"""Alternatives below this probability are dropped; about 0.7 per word remain."""

WORD_FEATURES = 5
CANDIDATE_FEATURES = 7

_MIN_SHARE = 0.003
"""Shares are clipped to ``[_MIN_SHARE, 1 - _MIN_SHARE]`` before log-odds are taken."""

_MIN_LOG_ODDS = math.log(_MIN_SHARE / (1 - _MIN_SHARE))


@dataclass(frozen=True)
class Calibration:
    """Weights of the logistic models.

    Args:
        word: weights of the features of words; if empty, confidences stay as they are.
        alternative: weights of the features of candidates; if empty, shares become probabilities.
        sound: calibration of keyword spotting.
    """

    word: tuple[float, ...] = ()
    alternative: tuple[float, ...] = ()
    sound: SpottingCalibration = field(default_factory=SpottingCalibration)

    def to_dict(self) -> dict[str, Any]:
        """The sections of ``calibration.yaml`` as plain values; fingerprints are computed from them."""
        return {"word": list(self.word), "alternative": list(self.alternative), "sound": self.sound.to_dict()}

    def rescore(
        self, words: Sequence[Word], slots: Sequence[ConfusionSlot], keep: Collection[str] = ()
    ) -> tuple[Word, ...]:
        """Words with calibrated confidences and with alternatives.

        If an alternative is more probable than the word, the two change places: the best text as a whole, which the
        search returns, need not have the most probable word in each slot (Mangu, Brill and Stolcke 2000).

        Args:
            keep: words that are never replaced by an alternative.
        """
        rescored = (self._with_probabilities(word, slot) for word, slot in zip(words, slots, strict=True))
        return tuple(self._most_probable(word, keep) for word in rescored)

    def _most_probable(self, word: Word, keep: Collection[str]) -> Word:
        if not (self.word and self.alternative and word.alternatives) or word.text in keep:
            return word
        best, *alternatives = word.alternatives
        if best.probability <= word.confidence:
            return word
        alternatives.append(Alternative(word.text, word.confidence))
        alternatives.sort(key=_by_probability)
        return replace(word, text=best.text, confidence=best.probability, alternatives=tuple(alternatives))

    def _with_probabilities(self, word: Word, slot: ConfusionSlot) -> Word:
        confidence = word.confidence
        if self.word:
            confidence = logistic(self.word, word_features(word, slot))
        alternatives = []
        for candidate in slot.candidates:
            probability = candidate.share
            if self.alternative:
                probability = logistic(self.alternative, candidate_features(candidate, slot))
            if probability >= MIN_PROBABILITY:
                alternatives.append(Alternative(candidate.text, probability))
        alternatives.sort(key=_by_probability)
        return replace(word, confidence=confidence, alternatives=tuple(alternatives[:MAX_ALTERNATIVES]))


def _by_probability(alternative: Alternative) -> tuple[float, str]:
    return -alternative.probability, alternative.text


def word_features(word: Word, slot: ConfusionSlot) -> tuple[float, ...]:
    """Features of an aligned word; its ``confidence`` is the mean probability of its letters."""
    return (
        1.0,
        math.log(max(word.confidence, 1e-4)),
        _log_odds(slot.posterior),
        _log_odds(slot.share),
        math.log(len(word.text)),
    )


def candidate_features(candidate: Candidate, slot: ConfusionSlot) -> tuple[float, ...]:
    """Features of a candidate in a slot."""
    return (
        1.0,
        candidate.acoustic_score,
        candidate.language_score,
        _log_odds(candidate.posterior),
        _log_odds(candidate.share),
        math.log(len(candidate.text)),
        _log_odds(slot.share),
    )


def logistic(weights: Sequence[float], features: Sequence[float]) -> float:
    """Probability by a logistic model."""
    total = sum(map(mul, weights, features))
    return sigmoid(max(-30.0, min(30.0, total)))


def load_calibration(folder: Path) -> Calibration:
    """The calibration stored beside a model, or an empty one if there is none.

    Raises:
        ConfigError: the file cannot be read, or is not what ``audiosearch calibrate`` writes.
    """
    path = folder / CALIBRATION_NAME
    sections = read_calibration(folder)
    stored = []
    for name, count in (("word", WORD_FEATURES), ("alternative", CANDIDATE_FEATURES)):
        weights = sections[name].get("weights", ())
        if not isinstance(weights, tuple) or len(weights) not in (0, count) or not sections[name].keys() <= {"weights"}:
            raise ConfigError(f"{path}: {name} must have {count} weights; {CALIBRATION_REMEDY}.")
        stored.append(weights)
    try:
        return Calibration(stored[0], stored[1], SpottingCalibration.from_dict(sections["sound"]))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: sound: {error}; {CALIBRATION_REMEDY}.") from error


def _log_odds(share: float) -> float:
    if share <= _MIN_SHARE:  # of most candidates
        return _MIN_LOG_ODDS
    return math.log(share / (1 - share)) if share < 1 - _MIN_SHARE else -_MIN_LOG_ODDS
