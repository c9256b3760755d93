"""The score of a text by a network that hears the recording: the check of what another recognizer wrote.

The score is the CTC log-probability of the text, all its paths together, over that of the likeliest path of the same
frames, in nats per letter::

    score = (log p(text | sound) − log p(likeliest path | sound)) / letters

It is about 0 where the network would write the same, and falls with each letter that it
hears otherwise. Legend: T' emission frames, V labels, U letters of the text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from audiosearch.errors import AudioError
from audiosearch.types import Emissions, Seconds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiosearch.acoustic.emitter import Source
    from audiosearch.alphabet import Alphabet
    from audiosearch.recognizer import Recognizer

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text and where it is said: in a whole recording, or in a span of it where both ends are given."""

    audio: Path
    text: str
    start: Seconds | None
    end: Seconds | None
    duration: Seconds


def score_passages(
    recognizer: Recognizer, passages: Sequence[tuple[Key, Passage]]
) -> Iterator[tuple[Key, float | AudioError]]:
    """The score of each passage by its key, the longest first: those of like length share a batch.

    ``-inf`` where the text does not fit into the sound, or nothing is heard.
    """
    from audiosearch.evaluation.references import concatenate_emissions

    ordered = sorted(passages, key=lambda item: -item[1].duration)
    alphabet = recognizer.model.alphabet
    heard = recognizer.pipeline.segments(_source(recognizer, passage) for _, passage in ordered)
    for key, passage in ordered:
        stretches: list[Emissions] = []
        error: AudioError | None = None
        for _, item in heard:
            if not isinstance(item, Emissions):
                error = item.error
                break
            stretches.append(item)
        if error is not None:
            yield key, error
        elif not stretches:
            yield key, -math.inf
        else:
            yield key, text_score(concatenate_emissions(stretches, alphabet.blank).log_probs, passage.text, alphabet)


def text_score(log_probs: NDArray[np.float32], text: str, alphabet: Alphabet) -> float:
    """The score of a normal text in log-probs [T', V]; ``-inf`` where it does not fit or cannot be spelled."""
    import torch

    try:
        labels = torch.tensor([alphabet.encode(text)])
    except ValueError:
        return -math.inf
    rows = torch.from_numpy(log_probs).double()
    loss = torch.nn.functional.ctc_loss(
        rows[:, None], labels, torch.tensor([len(rows)]), torch.tensor([len(text)]), alphabet.blank, "none"
    )
    return (-float(loss) - float(rows.amax(1).sum())) / max(1, len(text))


def _source(recognizer: Recognizer, passage: Passage) -> Source:
    from audiosearch.acoustic.emitter import Source
    from audiosearch.audio.reader import converted, read_span

    if passage.start is None or passage.end is None:
        return recognizer.pipeline.source(passage.audio)
    start, end = passage.start, passage.end

    def blocks() -> Iterator[NDArray[np.float32]]:
        sound = read_span(passage.audio, start, end)
        yield converted(sound, recognizer.model.config.features.sample_rate, 1).samples[0]

    return Source(f"{passage.audio} at {start:.2f} s", blocks)
