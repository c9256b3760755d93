"""Probabilities that words are right, from what recognition knows of them (logistic regression).

What it knows, by ``word_features`` and ``rival_features``, is weighted; the weights are found on speech whose words are
known (Platt 1999) and lie beside the model in ``calibration.yaml``, with those of the search by sound::

    word:
      weights: [...]
    alternative:
      weights: [...]
    sound: {}

What stands under ``sound`` is that of ``sounding.py``. Without the file a word's confidence is the mean probability of
its letters, and an alternative's its share among what was tried.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audiosearch.errors import ConfigError
from audiosearch.model_folder import CALIBRATION_NAME, CALIBRATION_REMEDY, read_calibration
from audiosearch.spotting.scoring import SoundCalibration, sigmoid
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Rival, Slot, Word

LEAST_PROBABILITY = 0.05
"""Alternatives less probable than this are not kept; that leaves about 0.7 for a word."""

WORD_FEATURES = 5
RIVAL_FEATURES = 7

_LEAST_SHARE = 0.003
"""Shares are taken for no smaller, and no nearer to one."""


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities of raw values.

    Args:
        word: weights of a word's features; without, its confidence stays as it is.
        alternative: weights of a rival's features; without, its share is its probability.
        sound: of the scores of places where a text may be heard.
    """

    word: tuple[float, ...] = ()
    alternative: tuple[float, ...] = ()
    sound: SoundCalibration = field(default_factory=SoundCalibration)

    def judge(self, words: Sequence[Word], slots: Sequence[Slot], keep: Collection[str] = ()) -> tuple[Word, ...]:
        """Words with probabilities for confidences, and with their alternatives.

        Where a rival is the more probable, the two change places: the likeliest text as a whole, which the search
        found, need not have the likeliest word at each place (Mangu, Brill and Stolcke 2000, of confusion networks).

        Args:
            keep: words that stay where the search put them.
        """
        return tuple(self._likeliest(self._judged(word, slot), keep) for word, slot in zip(words, slots, strict=True))

    def _likeliest(self, word: Word, keep: Collection[str]) -> Word:
        if not (self.word and self.alternative and word.alternatives) or word.text in keep:
            return word
        best, *others = word.alternatives
        if best.probability <= word.confidence:
            return word
        others.append(Alternative(word.text, word.confidence))
        others.sort(key=_by_probability)
        return replace(word, text=best.text, confidence=best.probability, alternatives=tuple(others))

    def _judged(self, word: Word, slot: Slot) -> Word:
        confidence = word.confidence
        if self.word:
            confidence = logistic(self.word, word_features(word, slot))
        found = []
        for rival in slot.rivals:
            probability = rival.share
            if self.alternative:
                probability = logistic(self.alternative, rival_features(rival, slot))
            if probability >= LEAST_PROBABILITY:
                found.append(Alternative(rival.text, probability))
        found.sort(key=_by_probability)
        return replace(word, confidence=confidence, alternatives=tuple(found[:MAX_ALTERNATIVES]))


def _by_probability(alternative: Alternative) -> tuple[float, str]:
    return -alternative.probability, alternative.text


def word_features(word: Word, slot: Slot) -> tuple[float, ...]:
    """What tells whether an aligned word is right; ``word.confidence`` is the mean probability of its letters."""
    return (
        1.0,
        math.log(max(word.confidence, 1e-4)),
        _log_odds(slot.posterior),
        _log_odds(slot.share),
        math.log(len(word.text)),
    )


def rival_features(rival: Rival, slot: Slot) -> tuple[float, ...]:
    """What tells whether a rival is right."""
    return (
        1.0,
        rival.sound,
        rival.language,
        _log_odds(rival.posterior),
        _log_odds(rival.share),
        math.log(len(rival.text)),
        _log_odds(slot.share),
    )


def logistic(weights: Sequence[float], features: Sequence[float]) -> float:
    """The probability that weights make of features."""
    total = sum(weight * value for weight, value in zip(weights, features, strict=True))
    return sigmoid(max(-30.0, min(30.0, total)))


def load_calibration(folder: Path) -> Calibration:
    """What is stored beside a model; nothing where nothing is.

    Raises:
        ConfigError: the file cannot be read, or is not what ``audiosearch calibrate`` writes.
    """
    path = folder / CALIBRATION_NAME
    sections = read_calibration(folder)
    found = []
    for name, count in (("word", WORD_FEATURES), ("alternative", RIVAL_FEATURES)):
        weights = sections[name].get("weights", ())
        if not isinstance(weights, tuple) or len(weights) not in (0, count) or not sections[name].keys() <= {"weights"}:
            raise ConfigError(f"{path}: {name} must have {count} weights; {CALIBRATION_REMEDY}.")
        found.append(weights)
    try:
        return Calibration(found[0], found[1], SoundCalibration.of(sections["sound"]))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: sound: {error}; {CALIBRATION_REMEDY}.") from error


def _log_odds(share: float) -> float:
    share = max(_LEAST_SHARE, min(1 - _LEAST_SHARE, share))
    return math.log(share / (1 - share))
