"""What a search by sound has to know of a recognizer, kept beside the emissions so that no model is loaded for a query.

A place where emissions may hold a text is scored by how much less likely the text is than the best path of the same
frames (``spotting.py``). How probable that makes the text was fitted on speech with known words: by a logistic
regression on FEATURES, since long texts fit nowhere by chance, and short ones do.
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
"""1; the score in nats, at most 0; L; score / L; score² / L; ln(frames / L); words of the text."""

EVIDENCE = ("same", "sure", "other", "alike")
"""What the recognized words of a place tell of a text: 1 if they are it; their lowest confidence then; if they are not,
their mean confidence by length; how alike they are spelled then, from 0 to 1. All are 0 where nothing was recognized.
"""


JUDGED = (-3.8924, 0.1609, 0.9526, 1.7488, -0.0458, 0.3604, -1.8753, 1.3227, 1.6142, 1.5533, -1.0295)


@dataclass(frozen=True, slots=True)
class SoundCalibration:
    """How places are scored, and what the scores mean; section ``sound`` of a model's ``calibration.yaml``.

    Args:
        floor: nats that a letter costs in a frame that the network gives to another one.
        boundary: nats that it costs at most that a text begins or ends amid a word.
        widest: nats a letter beyond which a place is none.
        weights: of FEATURES, by which places are chosen.
        judged: of FEATURES and EVIDENCE, by which places that were chosen are shown.
    """

    floor: float = 8.0
    boundary: float = 6.0
    widest: float = 2.0
    weights: tuple[float, ...] = (-2.9898, 0.4894, 1.0762, 2.1401, 0.1031, 0.3802, -1.7654)
    judged: tuple[float, ...] = JUDGED

    def __post_init__(self) -> None:
        numbers = (self.floor, self.boundary, self.widest, *self.weights, *self.judged)
        counts = len(self.weights), len(self.judged)
        if counts != (len(FEATURES), len(FEATURES) + len(EVIDENCE)) or not all(map(math.isfinite, numbers)):
            raise ValueError(f"a search by sound has {len(FEATURES)} weights, and {len(EVIDENCE)} more to judge by")
        if not (0 < self.floor <= 50 and 0 <= self.boundary <= 50 and 0 < self.widest <= 10):
            raise ValueError("floor is above 0 and up to 50 nats, boundary 0 to 50, widest above 0 and up to 10")

    @staticmethod
    def of(section: Mapping[str, Any]) -> SoundCalibration:
        """The calibration that ``section`` wrote; ValueError for what is none."""
        known = {field.name for field in fields(SoundCalibration)}
        if unknown := sorted(set(section) - known):
            raise ValueError(f"a search by sound has no {', '.join(unknown)}")
        values: dict[str, Any] = {
            name: tuple(map(float, value)) if name in ("weights", "judged") else float(value)
            for name, value in section.items()
        }
        return SoundCalibration(**values)

    def section(self) -> dict[str, Any]:
        """Plain numbers, as they are written to a file."""
        return {**asdict(self), "weights": list(self.weights), "judged": list(self.judged)}

    def probability(self, features: Sequence[float]) -> float:
        """Of the text being said there, by FEATURES, or by EVIDENCE too where that is given."""
        weights = self.judged if len(features) > len(FEATURES) else self.weights
        return sigmoid(sum(weight * feature for weight, feature in zip(weights, features, strict=True)))


@dataclass(frozen=True, slots=True)
class Sounding:
    """What is known of the emissions of a recognizer.

    Args:
        alphabet: that its labels stand for.
        calibration: of the scores of places.
    """

    alphabet: Alphabet
    calibration: SoundCalibration

    def text(self) -> str:
        """As a store keeps it."""
        plain = {"labels": list(self.alphabet.labels), "calibration": self.calibration.section()}
        return json.dumps(plain, separators=(",", ":"))

    @staticmethod
    def of(text: str) -> Sounding:
        """What ``text`` wrote; ValueError for anything else."""
        plain = json.loads(text)
        return Sounding(Alphabet(tuple(plain["labels"])), SoundCalibration.of(plain["calibration"]))


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text that is looked for by sound.

    Args:
        text: normalized words with single spaces between.
        alphabet: of the emissions; the text is of it.
        unfinished: words may go on after it.
    """

    text: str
    alphabet: Alphabet
    unfinished: bool = False


def features(score: float, letters: int, frames: int, words: int) -> tuple[float, ...]:
    """FEATURES of a place.

    Args:
        score: in nats, at most 0.
        letters: of the text, spaces counted.
        frames: that it takes.
        words: of the text.
    """
    longer = math.log(frames / letters)
    return 1.0, score, float(letters), score / letters, score * score / letters, longer, float(words)


def evidence(text: str, start: Seconds, end: Seconds, words: Sequence[Word]) -> tuple[float, ...]:
    """EVIDENCE of a text at a place.

    Args:
        words: in order of time, at least all that were recognized there.
    """
    there = overlapped(start, end, words)
    if not there:
        return 0.0, 0.0, 0.0, 0.0
    if " ".join(word.text for word in there) == text:
        return 1.0, min(word.confidence for word in there), 0.0, 0.0
    seconds = sum(word.end - word.start for word in there)
    sure = sum(word.confidence * (word.end - word.start) for word in there) / seconds if seconds else 0.0
    alike = SequenceMatcher(None, " ".join(word.text for word in there), text, autojunk=False).ratio()
    return 0.0, 0.0, sure, alike


def overlapped(start: Seconds, end: Seconds, words: Sequence[Word]) -> list[Word]:
    """The words of which at least half lies in a span; or else the one that has most of it, if any has some."""
    shares = [(min(word.end, end) - max(word.start, start), word) for word in words]
    there = [word for share, word in shares if share > 0 and 2 * share >= word.end - word.start]
    if not there and (most := max(shares, key=lambda one: one[0], default=(0.0, None)))[0] > 0:
        return [word for share, word in shares if share == most[0]][:1]
    return there


def sigmoid(logit: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
