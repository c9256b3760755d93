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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from audiosearch.errors import ConfigError
from audiosearch.evaluation.reliability import BINS, expected_error, tallies
from audiosearch.spotting.scoring import SoundCalibration, sigmoid
from audiosearch.types import MAX_ALTERNATIVES, Alternative, Rival, Slot, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CALIBRATION_NAME = "calibration.yaml"

LEAST_PROBABILITY = 0.05
"""Alternatives less probable than this are not kept; that leaves about 0.7 for a word."""

WORD_FEATURES = 5
RIVAL_FEATURES = 7

_SECTIONS = ("word", "alternative", "sound")
_LEAST_SHARE = 0.003
"""Shares are taken for no smaller, and no nearer to one."""

Section = Mapping[str, "float | tuple[float, ...]"]


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


def fit(features: NDArray[np.float64], right: NDArray[np.bool_], ridge: float = 1.0) -> tuple[float, ...]:
    """Weights that make what is right and wrong likeliest (Newton's method), drawn a little to zero by ``ridge``.

    Args:
        features: [examples, features].
        right: [examples].
    """
    import numpy as np

    weights = np.zeros(features.shape[1])
    for _ in range(25):
        probabilities = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (right - probabilities) - ridge * weights
        spread = probabilities * (1 - probabilities)
        curvature = (features * spread[:, None]).T @ features + ridge * np.eye(len(weights))
        step = np.linalg.solve(curvature, slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return tuple(round(float(weight), 5) for weight in weights)


def logistic(weights: Sequence[float], features: Sequence[float]) -> float:
    """The probability that weights make of features."""
    total = sum(weight * value for weight, value in zip(weights, features, strict=True))
    return sigmoid(max(-30.0, min(30.0, total)))


@dataclass(frozen=True, slots=True)
class Bin:
    """What was said to be about equally probable: from where on, how many, their mean probability, the share right."""

    least: float
    count: int
    said: float
    right: float


def reliability(probabilities: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """A table of equal steps of probability; steps without examples are left out."""
    return [Bin(one.number / bins, one.count, one.said, one.right) for one in tallies(probabilities, right, bins)]


def calibration_error(table: Sequence[Bin]) -> float:
    """Expected calibration error of a table; 0 of an empty one."""
    return expected_error((row.count, row.said, row.right) for row in table) or 0.0


def load_calibration(folder: Path) -> Calibration:
    """What is stored beside a model; nothing where nothing is.

    Raises:
        ConfigError: the file cannot be read, or is not what ``audiosearch calibrate`` writes.
    """
    path = folder / CALIBRATION_NAME
    sections = _read(path)
    found = []
    for name, count in (("word", WORD_FEATURES), ("alternative", RIVAL_FEATURES)):
        weights = sections[name].get("weights", ())
        if not isinstance(weights, tuple) or len(weights) not in (0, count) or not sections[name].keys() <= {"weights"}:
            raise ConfigError(f"{path}: {name} must have {count} weights; {_REMEDY}.")
        found.append(weights)
    try:
        return Calibration(found[0], found[1], SoundCalibration.of(sections["sound"]))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: sound: {error}; {_REMEDY}.") from error


def save_section(folder: Path, name: str, values: Mapping[str, float | Sequence[float]]) -> Path:
    """Store the section ``word``, ``alternative`` or ``sound`` beside a model; the others stay.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    assert name in _SECTIONS
    path = folder / CALIBRATION_NAME
    sections: dict[str, Mapping[str, float | Sequence[float]]] = {**_read(path), name: values}
    stored: dict[str, dict[str, object]] = {section: {} for section in _SECTIONS}
    for section, numbers in sections.items():
        for key, value in numbers.items():
            stored[section][key] = list(value) if isinstance(value, Sequence) else value
    unfinished = path.with_name(path.name + ".tmp")
    try:
        unfinished.write_text(yaml.safe_dump(stored, sort_keys=False), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
    return path


def _read(path: Path) -> dict[str, Section]:
    if not path.exists():
        return {name: {} for name in _SECTIONS}
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        given = None
    if not isinstance(given, dict) or not given.keys() <= set(_SECTIONS):
        raise ConfigError(f"{path}: may hold {', '.join(_SECTIONS)} and nothing else; {_REMEDY}.")
    sections: dict[str, Section] = {}
    for name in _SECTIONS:
        section = given.get(name) or {}
        if not isinstance(section, dict):
            raise ConfigError(f"{path}: {name} must map names to numbers; {_REMEDY}.")
        try:
            sections[name] = {str(key): _numbers(value) for key, value in section.items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{path}: {name} holds what is no number; {_REMEDY}.") from error
    return sections


def _numbers(value: object) -> float | tuple[float, ...]:
    if isinstance(value, list):
        return tuple(_number(one) for one in value)
    return _number(value)


def _number(value: object) -> float:
    if not isinstance(value, (int, float, str)) or not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)


_REMEDY = "delete the file and run 'audiosearch calibrate' again"


def _log_odds(share: float) -> float:
    share = max(_LEAST_SHARE, min(1 - _LEAST_SHARE, share))
    return math.log(share / (1 - share))
