"""Tune the decoder: weights of language model and label priors with the fewest word errors on a development set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.config import DecoderConfig
from audiosearch.errors import AudioError, LanguageModelError
from audiosearch.evaluation.events import Progress, Skipped, Stored
from audiosearch.evaluation.metrics import ErrorRate, word_errors
from audiosearch.model_folder import require_writable, save_decoder_settings
from audiosearch.parallel import map_in_threads

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.data.manifest import Utterance
    from audiosearch.language_model.model import LanguageModel
    from audiosearch.types import Emissions

STEPS = (0.2, 0.8, 0.1)
"""First steps along alpha, beta and the weight of the label priors."""

HALVINGS = 2
"""Times that the steps are halved; word errors do not resolve less than a quarter of STEPS."""


@dataclass(frozen=True)
class TuningExample:
    """Emissions of a recording by segment, and its normalized text."""

    emissions: tuple[Emissions, ...]
    reference: str


@dataclass(frozen=True, slots=True)
class Weights:
    """Weight of the language model, bonus for each word, and weight of the label priors."""

    alpha: float
    beta: float
    prior: float

    def step(self, axis: int, length: float) -> Weights:
        """Weights after a step along alpha (0), beta (1) or prior (2), clipped to the range of the decoder."""
        values = [self.alpha, self.beta, self.prior]
        values[axis] = round(values[axis] + length, 4)
        return Weights(max(0.0, values[0]), values[1], min(1.0, max(0.0, values[2])))

    def settings(self, label_priors: Sequence[float]) -> dict[str, object]:
        """Settings of the decoder with these weights and label priors."""
        return {
            "alpha": self.alpha,
            "beta": self.beta,
            "prior_weight": self.prior,
            "label_priors": list(label_priors),
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """Weights and their word errors; ``best`` if fewer than in all earlier trials."""

    weights: Weights
    errors: ErrorRate
    best: bool


def tune(
    model: Path, utterances: Sequence[Utterance], threads: int | None = None
) -> Iterator[Progress | Skipped | Trial | Stored]:
    """Estimate label priors, search the weights, and store both in ``decoder.yaml``; the last best trial wins.

    Args:
        model: file or folder of the model.
        utterances: not used to train the network or the language model.
        threads: for decoding; None: as the decoder is configured.

    Raises:
        LanguageModelError: there is no language model beside the model.
        ConfigError: the model's folder cannot be written.
    """
    from audiosearch.language_model.model import MODEL_NAME

    folder = model if model.is_dir() else model.parent
    if not (folder / MODEL_NAME).exists():
        raise LanguageModelError(f"{folder}: has no language model to weight; make {MODEL_NAME} by 'audiosearch lm'.")
    require_writable(model)
    from audiosearch.decoding.label_priors import estimate_label_priors
    from audiosearch.recognizer import Recognizer

    examples = []
    with Recognizer.load(model) as recognizer:
        for done, utterance in enumerate(utterances, start=1):
            try:
                examples.append(TuningExample(tuple(recognizer.emissions(utterance.audio)), utterance.text))
            except AudioError as error:
                yield Skipped(utterance, error)
            yield Progress("Computing emissions", done, len(utterances))
    if not examples:
        return
    label_priors = estimate_label_priors(emissions for example in examples for emissions in example.emissions)
    config = recognizer.decoder.model_copy(update={"label_priors": label_priors})
    assert recognizer.language_model is not None
    for trial in search_weights(examples, recognizer.model.alphabet, config, recognizer.language_model, threads):
        yield trial
        if trial.best:
            best = trial.weights
    yield Stored(save_decoder_settings(folder, best.settings(label_priors)))


def search_weights(
    examples: Iterable[TuningExample],
    alphabet: Alphabet,
    config: DecoderConfig,
    language_model: LanguageModel,
    threads: int | None = None,
) -> Iterator[Trial]:
    """Trials of weights, from those of ``config`` downhill; the last best trial is the result.

    Args:
        config: with label priors, without which their weight has no effect.
        threads: None: as configured.
    """
    from audiosearch.decoding.decoder import BeamDecoder

    examples = list(examples)
    references = [example.reference for example in examples]
    decoder = BeamDecoder(alphabet, config, language_model)

    def count_errors(weights: Weights) -> ErrorRate:
        weighted = decoder.with_weights(weights.alpha, weights.beta, weights.prior)

        def decode(example: TuningExample) -> str:
            texts = (weighted.decode(emissions)[0].text for emissions in example.emissions)
            return " ".join(text for text in texts if text)

        jobs = ((None, example) for example in examples)
        texts = map_in_threads(decode, jobs, config.threads if threads is None else threads)
        return word_errors(references, [text or "" for _, text in texts])

    yield from descend(Weights(config.alpha, config.beta, config.prior_weight), count_errors)


def descend(start: Weights, count_errors: Callable[[Weights], ErrorRate]) -> Iterator[Trial]:
    """Pattern search: steps along each axis while they reduce errors, then shorter steps.

    Word errors are piecewise constant, without gradients; no point is evaluated twice.
    """
    best, fewest = start, count_errors(start)
    yield Trial(start, fewest, best=True)
    tried = {start}
    for halving in range(HALVINGS + 1):
        directions = [(axis, sign * step / 2**halving) for axis, step in enumerate(STEPS) for sign in (1, -1)]
        improved = True
        while improved:
            improved = False
            for axis, length in directions:
                while True:
                    point = best.step(axis, length)
                    if point in tried:
                        break
                    tried.add(point)
                    errors = count_errors(point)
                    better = errors.errors < fewest.errors
                    yield Trial(point, errors, better)
                    if not better:
                        break
                    best, fewest, improved = point, errors, True
