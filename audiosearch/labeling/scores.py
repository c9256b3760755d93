"""Score of a text by an acoustic model: a check of transcripts by other recognizers.

The score is the CTC log-probability of the text, summed over all its paths, minus that of the best path of the same
frames, in nats per letter::

    score = (log p(text | sound) − log p(best path | sound)) / letters

It is about 0 if the network would transcribe the same text, and falls with each letter that differs.

Legend: T' emission frames, V labels, U letters of the text.
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
    """A text and its recording, or the span ``[start, end)`` of it if both are given."""

    audio: Path
    text: str
    start: Seconds | None
    end: Seconds | None
    duration: Seconds


def score_passages(
    recognizer: Recognizer, passages: Sequence[tuple[Key, Passage]]
) -> Iterator[tuple[Key, float | AudioError]]:
    """Score passages, the longest first, as those of similar length share a batch.

    Args:
        passages: by key.

    Returns:
        scores by key; ``-inf`` if the text does not fit the sound, or the sound has no speech.
    """
    from audiosearch.evaluation.references import concatenate_emissions

    ordered = sorted(passages, key=lambda item: -item[1].duration)
    alphabet = recognizer.model.alphabet
    emissions = recognizer.pipeline.segments(_source(recognizer, passage) for _, passage in ordered)
    for key, passage in ordered:
        segments: list[Emissions] = []
        error: AudioError | None = None
        for _, item in emissions:
            if not isinstance(item, Emissions):
                error = item.error
                break
            segments.append(item)
        if error is not None:
            yield key, error
        elif not segments:
            yield key, -math.inf
        else:
            yield key, text_score(concatenate_emissions(segments, alphabet.blank).log_probs, passage.text, alphabet)


def text_score(log_probs: NDArray[np.float32], text: str, alphabet: Alphabet) -> float:
    """Score of a normalized text in log-probs [T', V]; ``-inf`` if it does not fit or has other characters."""
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
    from audiosearch.audio.reader import convert, read_span

    if passage.start is None or passage.end is None:
        return recognizer.pipeline.source(passage.audio)
    start, end = passage.start, passage.end

    def blocks() -> Iterator[NDArray[np.float32]]:
        sound = read_span(passage.audio, start, end)
        yield convert(sound, recognizer.model.config.features.sample_rate, 1).samples[0]

    return Source(f"{passage.audio} at {start:.2f} s", blocks)
