"""Fit word confidences on utterances of known text, and measure them on other speakers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiosearch.alignment.forced_alignment import align
from audiosearch.decoding.confidence import Calibration, candidate_features, logistic, word_features
from audiosearch.decoding.hypothesis import ConfusionSlot
from audiosearch.errors import AudioError, ConfigError, ManifestError
from audiosearch.evaluation.events import Skipped
from audiosearch.evaluation.logistic import fit_logistic
from audiosearch.evaluation.references import concatenate_emissions
from audiosearch.evaluation.reliability import ReliabilityBin, expected_calibration_error, reliability_table
from audiosearch.types import Emissions, Seconds, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.data.manifest import Utterance
    from audiosearch.recognizer import Recognizer

TOLERANCE: Seconds = 0.1
"""Largest gap between a recognized word and the same reference word for which the recognized one is correct."""


@dataclass(frozen=True)
class AlignedUtterance:
    """Emissions of an utterance by segment, and its reference words with their times."""

    speaker: str
    segments: tuple[Emissions, ...]
    reference: tuple[Word, ...]


@dataclass(frozen=True)
class ConfidenceExample:
    """Recognized words of an utterance before calibration, and its reference words with their times."""

    speaker: str
    words: tuple[Word, ...]
    slots: tuple[ConfusionSlot, ...]
    reference: tuple[Word, ...]


@dataclass(frozen=True)
class CalibrationReport:
    """Reliability of a calibration on speakers that it was not fitted on.

    Args:
        kind: plural noun of the predictions, such as ``"words"``.
        table: with the calibration.
        error_before: expected calibration error without it.
        error_after: expected calibration error with it.
    """

    kind: str
    table: tuple[ReliabilityBin, ...]
    error_before: float
    error_after: float


def align_utterances(recognizer: Recognizer, utterances: Sequence[Utterance]) -> Iterator[AlignedUtterance | Skipped]:
    """Align each utterance with its text, in order; utterances that cannot be aligned are yielded as Skipped."""
    alphabet = recognizer.model.alphabet
    for utterance in utterances:
        try:
            segments = tuple(recognizer.emissions(utterance.audio))
            reference: tuple[Word, ...] = ()
            if segments:
                reference = align(concatenate_emissions(segments, alphabet.blank), utterance.text, alphabet)
        except AudioError as error:
            yield Skipped(utterance, error)
        except ValueError as error:
            sentence = f"the text does not fit the recording ({error}); correct the manifest."
            yield Skipped(utterance, ManifestError(sentence))
        else:
            yield AlignedUtterance(utterance.speaker or utterance.id, segments, reference)


def recognize_utterances(recognizer: Recognizer, utterances: Sequence[AlignedUtterance]) -> Iterator[ConfidenceExample]:
    """Decode each utterance, in order."""
    hypotheses = recognizer.hypotheses(segment for utterance in utterances for segment in utterance.segments)
    for utterance in utterances:
        words: list[Word] = []
        slots: list[ConfusionSlot] = []
        for segment in utterance.segments:
            hypothesis = next(hypotheses)
            words += align(segment, hypothesis.text, recognizer.model.alphabet)
            slots += hypothesis.slots
        yield ConfidenceExample(utterance.speaker, tuple(words), tuple(slots), utterance.reference)


def split_by_speaker(word_counts: Mapping[str, int]) -> frozenset[str]:
    """Speakers with about half of all words, to fit on; the other speakers serve to measure.

    Args:
        word_counts: words by speaker.
    """
    halves: tuple[list[str], list[str]] = ([], [])
    for speaker in sorted(word_counts, key=lambda speaker: (-word_counts[speaker], speaker)):
        fitted, held_out = (sum(word_counts[name] for name in half) for half in halves)
        halves[held_out < fitted].append(speaker)
    return frozenset(halves[0])


def fit_calibration(examples: Sequence[ConfidenceExample]) -> tuple[Calibration, list[CalibrationReport]]:
    """Fit the calibration on half of the speakers and measure it on the other half.

    Returns:
        the calibration, and a report for words and, if there are any, for alternatives.

    Raises:
        ConfigError: there is only one speaker, or no word was recognized in one half.
    """
    import numpy as np

    word_counts: Counter[str] = Counter()
    for example in examples:
        word_counts[example.speaker] += len(example.reference)
    fitted_speakers = split_by_speaker(word_counts)
    rows: dict[tuple[str, bool], list[tuple[NDArray[np.float64], bool, float]]] = {
        (kind, fitted): [] for kind in ("words", "alternatives") for fitted in (True, False)
    }
    for example in examples:
        fitted = example.speaker in fitted_speakers
        words: list[tuple[bool, float]] = []
        candidates: list[tuple[bool, float]] = []
        for word, slot in zip(example.words, example.slots, strict=True):
            nearby = {reference.text for reference in example.reference if _overlap(word, reference)}
            words.append((word.text in nearby, word.confidence))
            candidates += ((candidate.text in nearby, candidate.share) for candidate in slot.candidates)
        for kind, found, outcomes in (
            ("words", word_features(example.words, example.slots), words),
            ("alternatives", candidate_features(example.slots), candidates),
        ):
            rows[kind, fitted] += ((row, *outcome) for row, outcome in zip(found, outcomes, strict=True))
    if not rows["words", True] or not rows["words", False]:
        raise ConfigError("Too few words were recognized to calibrate; give utterances of at least two speakers.")
    weights: dict[str, tuple[float, ...]] = {"alternatives": ()}
    reports = []
    for kind in ("words", "alternatives"):
        if not rows[kind, True] or not rows[kind, False]:
            continue
        features, correct, _ = zip(*rows[kind, True], strict=True)
        fit = weights[kind] = fit_logistic(np.array(features), np.array(correct))
        features, correct, uncalibrated = zip(*rows[kind, False], strict=True)
        calibrated = logistic(fit, np.array(features)).tolist()
        reports.append(calibration_report(kind, uncalibrated, calibrated, correct))
    return Calibration(weights["words"], weights["alternatives"]), reports


def calibration_report(
    kind: str, before: Sequence[float], after: Sequence[float], correct: Sequence[bool]
) -> CalibrationReport:
    """Compare probabilities before and after calibration with the outcomes."""
    tables = [reliability_table(probabilities, correct) for probabilities in (before, after)]
    error_before, error_after = (expected_calibration_error(table) or 0.0 for table in tables)
    return CalibrationReport(kind, tables[1], error_before, error_after)


def _overlap(word: Word, reference: Word) -> bool:
    return word.start < reference.end + TOLERANCE and reference.start < word.end + TOLERANCE
