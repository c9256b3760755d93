"""The weights of the language model that make the fewest word errors on a development set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from audiosearch.config import DecoderConfig
from audiosearch.errors import ConfigError
from audiosearch.metrics import ErrorRate, word_errors
from audiosearch.pool import Workers

if TYPE_CHECKING:
    from audiosearch.lm import LanguageModel
    from audiosearch.text import Alphabet
    from audiosearch.types import Emissions

SETTINGS_NAME = "decoder.yaml"
"""Lies beside a model: settings of the decoder that were tuned for it, such as ``alpha: 0.6``."""

ALPHA_STEP, BETA_STEP = 0.2, 0.8
HALVINGS = 2
"""The steps of the search, and how often they are halved: to 0.05 and 0.2, finer than word errors can tell."""


@dataclass(frozen=True)
class Example:
    """The emissions of a recording, in stretches, and what is said in it, normalised."""

    emissions: tuple[Emissions, ...]
    reference: str


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the language model, and the bonus for each word."""

    alpha: float
    beta: float


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
        processes: the configuration's unless given.
    """
    examples = list(examples)
    references = [example.reference for example in examples]
    make = _MakeReader(alphabet, config, language_model)
    with Workers(make, config.processes if processes is None else processes) as workers:

        def errors(weights: Weights) -> ErrorRate:
            texts = workers.map(_Job(weights, example.emissions) for example in examples)
            return word_errors(references, list(texts))

        yield from descend(Weights(config.alpha, config.beta), errors)


def descend(start: Weights, errors: Callable[[Weights], ErrorRate]) -> Iterator[Trial]:
    """Pattern search: a step along each axis as long as that helps, and smaller steps when none does.

    Word errors are a staircase without slopes, so nothing cleverer applies; no point is tried twice.
    """
    best, fewest = start, errors(start)
    yield Trial(start, fewest, best=True)
    tried = {start}
    for halving in range(HALVINGS + 1):
        alpha, beta = ALPHA_STEP / 2**halving, BETA_STEP / 2**halving
        moved = True
        while moved:
            moved = False
            for step_alpha, step_beta in ((alpha, 0.0), (-alpha, 0.0), (0.0, beta), (0.0, -beta)):
                while True:
                    point = Weights(max(0.0, round(best.alpha + step_alpha, 4)), round(best.beta + step_beta, 4))
                    if point in tried:
                        break
                    tried.add(point)
                    found = errors(point)
                    better = found.errors < fewest.errors
                    yield Trial(point, found, better)
                    if not better:
                        break
                    best, fewest, moved = point, found, True


def save_weights(folder: Path, weights: Weights) -> Path:
    """Store weights beside the model of a folder; other settings stored there stay.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    path = folder / SETTINGS_NAME
    unfinished = path.with_name(path.name + ".tmp")
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        settings = {**(settings or {}), "alpha": weights.alpha, "beta": weights.beta}
        unfinished.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
    except (yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{path}: is not a list of settings such as 'alpha: 0.6'; delete it.") from error
    return path


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
        from audiosearch.decoder import BeamDecoder

        decoder = BeamDecoder(self.alphabet, self.config, self.language_model)

        def read(job: _Job) -> str:
            decoder.weigh(job.weights.alpha, job.weights.beta)
            texts = (decoder.decode(emissions)[0].text for emissions in job.emissions)
            return " ".join(text for text in texts if text)

        return read
