"""The weights of language model and label priors that make the fewest word errors on a development set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from audiosearch.config import DecoderConfig, parse_config
from audiosearch.errors import ConfigError
from audiosearch.evaluation.metrics import ErrorRate, word_errors
from audiosearch.parallel import Workers

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.language_model.kenlm_model import LanguageModel
    from audiosearch.types import Emissions

SETTINGS_NAME = "decoder.yaml"
"""Lies beside a model: settings of the decoder that were tuned for it, such as ``alpha: 0.6``."""

STEPS = (0.2, 0.8, 0.1)
HALVINGS = 2
"""The steps of the search, along alpha, beta and the weight of the priors, and how often they are halved: to a quarter,
finer than word errors can tell.
"""


@dataclass(frozen=True)
class Example:
    """The emissions of a recording, in stretches, and what is said in it, normalised."""

    emissions: tuple[Emissions, ...]
    reference: str


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the language model, the bonus for each word, and of the label priors."""

    alpha: float
    beta: float
    prior: float

    def moved(self, axis: int, step: float) -> Weights:
        """These after a step along alpha, beta or prior; none leaves what the decoder takes."""
        values = [self.alpha, self.beta, self.prior]
        values[axis] = round(values[axis] + step, 4)
        return Weights(max(0.0, values[0]), values[1], min(1.0, max(0.0, values[2])))


@dataclass(frozen=True, slots=True)
class Trial:
    """Weights and the errors they make; ``best`` if fewer than all before."""

    weights: Weights
    errors: ErrorRate
    best: bool


def tune(
    examples: Iterable[Example],
    alphabet: Alphabet,
    config: DecoderConfig,
    language_model: LanguageModel,
    processes: int | None = None,
) -> Iterator[Trial]:
    """Trials of weights, from those of ``config`` downhill; the last best one is the result.

    Args:
        config: with label priors, or their weight means nothing.
        processes: the configuration's unless given.
    """
    examples = list(examples)
    references = [example.reference for example in examples]
    make = _MakeReader(alphabet, config, language_model)
    with Workers(make, config.processes if processes is None else processes) as workers:

        def errors(weights: Weights) -> ErrorRate:
            texts = workers.map(_Job(weights, example.emissions) for example in examples)
            return word_errors(references, list(texts))

        yield from descend(Weights(config.alpha, config.beta, config.prior_weight), errors)


def descend(start: Weights, errors: Callable[[Weights], ErrorRate]) -> Iterator[Trial]:
    """Pattern search: a step along each axis as long as that helps, and smaller steps when none does.

    Word errors are a staircase without slopes, so nothing cleverer applies; no point is tried twice.
    """
    best, fewest = start, errors(start)
    yield Trial(start, fewest, best=True)
    tried = {start}
    for halving in range(HALVINGS + 1):
        directions = [(axis, sign * step / 2**halving) for axis, step in enumerate(STEPS) for sign in (1, -1)]
        moved = True
        while moved:
            moved = False
            for axis, step in directions:
                while True:
                    point = best.moved(axis, step)
                    if point in tried:
                        break
                    tried.add(point)
                    found = errors(point)
                    better = found.errors < fewest.errors
                    yield Trial(point, found, better)
                    if not better:
                        break
                    best, fewest, moved = point, found, True


def save_weights(folder: Path, weights: Weights, priors: Sequence[float]) -> Path:
    """Store weights and label priors beside the model of a folder; other settings stored there stay.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    path = folder / SETTINGS_NAME
    unfinished = path.with_name(path.name + ".tmp")
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        settings = {
            **(settings or {}),
            "alpha": weights.alpha,
            "beta": weights.beta,
            "prior_weight": weights.prior,
            "label_priors": list(priors),
        }
        unfinished.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
    except (yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it.") from error
    return path


def tuned_settings(folder: Path, settings: DecoderConfig) -> DecoderConfig:
    """The settings with those that ``audiosearch tune`` has stored in a model's folder, if it has.

    Raises:
        ConfigError: the file there cannot be read, or names what is no setting.
    """
    path = folder / SETTINGS_NAME
    if not path.exists():
        return settings
    try:
        tuned = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        tuned = None
    if not isinstance(tuned, dict):
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it and tune again.")
    return parse_config({"decoder": {**settings.model_dump(), **tuned}}, str(path)).decoder


@dataclass(frozen=True, slots=True)
class _Job:
    weights: Weights
    emissions: tuple[Emissions, ...]


@dataclass(frozen=True)
class _MakeReader:
    """Makes the function that a process applies."""

    alphabet: Alphabet
    config: DecoderConfig
    language_model: LanguageModel

    def __call__(self) -> Callable[[_Job], str]:
        from audiosearch.decoding.decoder import BeamDecoder

        decoder = BeamDecoder(self.alphabet, self.config, self.language_model)

        def read(job: _Job) -> str:
            decoder.weigh(job.weights.alpha, job.weights.beta, job.weights.prior)
            texts = (decoder.decode(emissions)[0].text for emissions in job.emissions)
            return " ".join(text for text in texts if text)

        return read
