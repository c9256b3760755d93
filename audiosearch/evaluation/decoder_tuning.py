"""The weights of language model and label priors that make the fewest word errors on a development set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiosearch.config import DecoderConfig
from audiosearch.evaluation.metrics import ErrorRate, word_errors
from audiosearch.parallel import Workers

if TYPE_CHECKING:
    from audiosearch.alphabet import Alphabet
    from audiosearch.language_model.kenlm_model import LanguageModel
    from audiosearch.types import Emissions

STEPS = (0.2, 0.8, 0.1)
HALVINGS = 2
"""The steps of the search, along alpha, beta and the weight of the priors, and how often they are halved: to a quarter,
finer than word errors can tell.
"""


@dataclass(frozen=True)
class Example:
    """The emissions of a recording, in stretches, and what is said in it, normalized."""

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

    def settings(self, priors: Sequence[float]) -> dict[str, object]:
        """Settings of the decoder with these weights and label priors."""
        return {
            "alpha": self.alpha,
            "beta": self.beta,
            "prior_weight": self.prior,
            "label_priors": list(priors),
        }


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
            decoder.set_weights(job.weights.alpha, job.weights.beta, job.weights.prior)
            texts = (decoder.decode(emissions)[0].text for emissions in job.emissions)
            return " ".join(text for text in texts if text)

        return read
