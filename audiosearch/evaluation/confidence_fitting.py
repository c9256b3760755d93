"""Words of which it is known whether they are right, and the calibration that they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiosearch.alignment.forced_alignment import align
from audiosearch.decoding.confidence import Calibration, candidate_features, logistic, word_features
from audiosearch.decoding.hypothesis import ConfusionSlot
from audiosearch.errors import AudioError, ConfigError, ManifestError
from audiosearch.evaluation.logistic import fit
from audiosearch.evaluation.references import joined
from audiosearch.evaluation.reliability import Bin, calibration_error, reliability
from audiosearch.types import Emissions, Seconds, Word

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance
    from audiosearch.recognizer import Recognizer

TOLERANCE: Seconds = 0.1
"""A word is right if the same word is said where it is, or so close to it."""


@dataclass(frozen=True)
class Heard:
    """An utterance's emissions in stretches, and the words that are said in it with their times."""

    speaker: str
    stretches: tuple[Emissions, ...]
    said: tuple[Word, ...]


@dataclass(frozen=True)
class Example:
    """What was recognized of an utterance, not calibrated, and the words that are said in it with their times."""

    speaker: str
    words: tuple[Word, ...]
    slots: tuple[ConfusionSlot, ...]
    said: tuple[Word, ...]


@dataclass(frozen=True)
class Report:
    """How well a calibration does on speakers that it was not found on; ``before`` is the error without it."""

    what: str
    table: list[Bin]
    before: float
    after: float


def listen(
    recognizer: Recognizer, utterances: Sequence[Utterance]
) -> Iterator[tuple[Utterance, Heard | AudioError | ManifestError]]:
    """What the network hears of each utterance, or why it hears nothing."""
    alphabet = recognizer.model.alphabet
    for utterance in utterances:
        try:
            stretches = tuple(recognizer.emissions(utterance.audio))
            said = align(joined(list(stretches), alphabet.blank), utterance.text, alphabet) if stretches else ()
        except AudioError as error:
            yield utterance, error
        except ValueError as error:
            yield utterance, ManifestError(f"the text does not fit the recording ({error}); correct the manifest.")
        else:
            yield utterance, Heard(utterance.speaker or utterance.id, stretches, said)


def read(recognizer: Recognizer, heard: Sequence[Heard]) -> Iterator[Example]:
    """What is recognized of each."""
    hypotheses = recognizer.hypotheses(stretch for one in heard for stretch in one.stretches)
    for one in heard:
        words: list[Word] = []
        slots: list[ConfusionSlot] = []
        for stretch in one.stretches:
            hypothesis = next(hypotheses)
            words += align(stretch, hypothesis.text, recognizer.model.alphabet)
            slots += hypothesis.slots
        yield Example(one.speaker, tuple(words), tuple(slots), one.said)


def fitted_speakers(words: Mapping[str, int]) -> frozenset[str]:
    """The speakers that things are fitted on, about half of all words; the others tell how well that did.

    Args:
        words: how many each speaker says.
    """
    halves: tuple[list[str], list[str]] = ([], [])
    for speaker in sorted(words, key=lambda speaker: (-words[speaker], speaker)):
        fitted, rest = (sum(words[one] for one in half) for half in halves)
        halves[rest < fitted].append(speaker)
    return frozenset(halves[0])


def calibrated(examples: Sequence[Example]) -> tuple[Calibration, list[Report]]:
    """The calibration by half of the speakers, and how well it does on the rest, for words and alternatives, if any.

    Raises:
        ConfigError: there are no two speakers, or nothing was recognized of one half.
    """
    import numpy as np

    words: Counter[str] = Counter()
    for example in examples:
        words[example.speaker] += len(example.said)
    chosen = fitted_speakers(words)
    rows: dict[tuple[str, bool], list[tuple[tuple[float, ...], bool, float]]] = {
        (what, fitted): [] for what in ("words", "alternatives") for fitted in (True, False)
    }
    for example in examples:
        fitted = example.speaker in chosen
        for word, slot in zip(example.words, example.slots, strict=True):
            near = {said.text for said in example.said if _together(word, said)}
            rows["words", fitted].append((word_features(word, slot), word.text in near, word.confidence))
            rows["alternatives", fitted] += (
                (candidate_features(rival, slot), rival.text in near, rival.share) for rival in slot.candidates
            )
    if not rows["words", True] or not rows["words", False]:
        raise ConfigError("Too little was recognized to calibrate by; give utterances of two speakers or more.")
    found: dict[str, tuple[float, ...]] = {"alternatives": ()}
    reports = []
    for what in ("words", "alternatives"):
        if not rows[what, True] or not rows[what, False]:
            continue
        features, right, _ = zip(*rows[what, True], strict=True)
        weights = found[what] = fit(np.array(features), np.array(right))
        features, right, raw = zip(*rows[what, False], strict=True)
        table = reliability([logistic(weights, row) for row in features], right)
        before = calibration_error(reliability(raw, right))
        reports.append(Report(what, table, before, calibration_error(table)))
    return Calibration(found["words"], found["alternatives"]), reports


def _together(word: Word, said: Word) -> bool:
    return word.start < said.end + TOLERANCE and said.start < word.end + TOLERANCE
