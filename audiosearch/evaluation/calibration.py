"""Calibrate a model: fit the confidences of words, alternatives and spoken terms, and store them beside the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.evaluation.confidence_fitting import (
    AlignedUtterance,
    CalibrationReport,
    align_utterances,
    fit_calibration,
    recognize_utterances,
)
from audiosearch.evaluation.events import Progress, Skipped, Stored
from audiosearch.model_folder import require_writable, save_calibration

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance


def calibrate(
    model: Path, utterances: Sequence[Utterance]
) -> Iterator[Progress | Skipped | CalibrationReport | Stored]:
    """Fit on half of the speakers, report on the other half, and store the weights in ``calibration.yaml``.

    Args:
        model: file or folder of the model.
        utterances: not used to train the network or the language model.

    Raises:
        ConfigError: the model's folder cannot be written, there is only one speaker, or no word was recognized.
    """
    folder = require_writable(model)
    from audiosearch.decoding.label_priors import subtract_label_priors
    from audiosearch.evaluation.spotting_fitting import SpottingExample, fit_and_measure_spotting
    from audiosearch.recognizer import Recognizer

    aligned: list[AlignedUtterance] = []
    examples = []
    with Recognizer.load(model) as recognizer:
        for done, result in enumerate(align_utterances(recognizer, utterances), start=1):
            yield Progress("Computing emissions", done, len(utterances))
            if isinstance(result, Skipped):
                yield result
            else:
                aligned.append(result)
        for example in recognize_utterances(recognizer, aligned):
            examples.append(example)
            yield Progress("Decoding", len(examples), len(aligned))
    if not examples:
        return
    calibration, reports = fit_calibration(examples)
    yield from reports
    save_calibration(folder, "word", {"weights": calibration.word})
    save_calibration(folder, "alternative", {"weights": calibration.alternative} if calibration.alternative else {})
    by_speaker: defaultdict[str, list[SpottingExample]] = defaultdict(list)
    for utterance, example in zip(aligned, examples, strict=True):
        words = calibration.rescore(example.words, example.slots)
        segments = tuple(subtract_label_priors(emissions, recognizer.decoder) for emissions in utterance.segments)
        by_speaker[utterance.speaker].append(SpottingExample(segments, utterance.reference, words))
    spotting, report = fit_and_measure_spotting(by_speaker, recognizer.model.alphabet)
    yield report
    yield Stored(save_calibration(folder, "sound", spotting.to_dict()))
