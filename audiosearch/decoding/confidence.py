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

Legend: W words, C candidates, N rows, F features.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.decoding.hypothesis import ConfusionSlot
from audiosearch.errors import ConfigError
from audiosearch.model_folder import CALIBRATION_NAME, CALIBRATION_REMEDY, read_calibration
from audiosearch.spotting.scoring import SpottingCalibration
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Word

MIN_PROBABILITY = 0.05
"""Alternatives below this probability are dropped; about 0.7 per word remain."""

WORD_FEATURES = 5
CANDIDATE_FEATURES = 7

_MIN_SHARE = 0.003
"""Shares are clipped to ``[_MIN_SHARE, 1 - _MIN_SHARE]`` before log-odds are taken."""


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
        confidences = [word.confidence for word in words]
        if self.word:
            confidences = logistic(self.word, word_features(words, slots)).tolist()
        shares = [candidate.share for slot in slots for candidate in slot.candidates]
        if self.alternative:
            shares = logistic(self.alternative, candidate_features(slots)).tolist()
        probabilities = iter(shares)
        rescored = []
        for word, confidence, slot in zip(words, confidences, slots, strict=True):
            alternatives = [
                Alternative(candidate.text, probability)
                for candidate, probability in zip(slot.candidates, probabilities, strict=False)
                if probability >= MIN_PROBABILITY
            ]
            rescored.append(self._rescored(word, confidence, alternatives, fixed=word.text in keep))
        return tuple(rescored)

    def _rescored(self, word: Word, confidence: float, alternatives: list[Alternative], *, fixed: bool) -> Word:
        alternatives.sort(key=_by_probability)
        del alternatives[MAX_ALTERNATIVES:]
        text = word.text
        if alternatives and self.word and self.alternative and not fixed and alternatives[0].probability > confidence:
            alternatives.append(Alternative(text, confidence))
            text, confidence = alternatives[0].text, alternatives[0].probability
            alternatives = sorted(alternatives[1:], key=_by_probability)
        return replace(word, text=text, confidence=confidence, alternatives=tuple(alternatives))


def _by_probability(alternative: Alternative) -> tuple[float, str]:
    return -alternative.probability, alternative.text


def word_features(words: Sequence[Word], slots: Sequence[ConfusionSlot]) -> NDArray[np.float64]:
    """Features [W, 5] of aligned words; the ``confidence`` of each is the mean probability of its letters."""
    columns = [
        (word.confidence, slot.posterior, slot.share, len(word.text)) for word, slot in zip(words, slots, strict=True)
    ]
    confidence, posterior, share, length = np.array(columns, np.float64).reshape(-1, 4).T
    return np.column_stack(
        [
            np.ones(len(columns)),
            np.log(np.maximum(confidence, 1e-4)),
            _log_odds(posterior),
            _log_odds(share),
            np.log(length),
        ]
    )


def candidate_features(slots: Sequence[ConfusionSlot]) -> NDArray[np.float64]:
    """Features [C, 7] of the candidates of all slots, one slot after another."""
    columns = [
        (
            candidate.acoustic_score,
            candidate.language_score,
            candidate.posterior,
            candidate.share,
            len(candidate.text),
            share,
        )
        for slot, share in ((slot, slot.share) for slot in slots)
        for candidate in slot.candidates
    ]
    acoustic, language, posterior, share, length, best = np.array(columns, np.float64).reshape(-1, 6).T
    return np.column_stack(
        [
            np.ones(len(columns)),
            acoustic,
            language,
            _log_odds(posterior),
            _log_odds(share),
            np.log(length),
            _log_odds(best),
        ]
    )


def logistic(weights: Sequence[float], features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities [N] by a logistic model, for features [N, F]."""
    odds: NDArray[np.float64] = np.exp(np.clip(features @ np.asarray(weights), -30.0, 30.0))
    return odds / (1 + odds)


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


def _log_odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.clip(shares, _MIN_SHARE, 1 - _MIN_SHARE)
    odds: NDArray[np.float64] = np.log(shares / (1 - shares))
    return odds
