"""How well a recognizer reads what is known to have been said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import AudioError
from audiosearch.metrics import ErrorRate, character_errors, word_errors
from audiosearch.recognizer import Recognizer, Unreadable
from audiosearch.types import Seconds


@dataclass(frozen=True)
class Reference:
    """A recording and the normalised text that is said in it; ``duration`` only serves to sort."""

    id: str
    audio: Path
    text: str
    duration: Seconds | None = None


@dataclass(frozen=True)
class Reading:
    """What was read of one recording: with the language model, and by the likeliest labels alone."""

    reference: Reference
    text: str
    greedy: str
    duration: Seconds


@dataclass(frozen=True)
class Failure:
    """A recording that could not be read, and so is not in the error rates."""

    reference: Reference
    error: AudioError


@dataclass(frozen=True)
class Evaluation:
    """Error rates over a whole corpus: all errors over all words, not the mean of utterances."""

    words: ErrorRate
    characters: ErrorRate
    greedy_words: ErrorRate
    greedy_characters: ErrorRate
    utterances: int
    audio_seconds: Seconds


def read_all(recognizer: Recognizer, references: Sequence[Reference]) -> Iterator[Reading | Failure]:
    """The reading of each reference, the longest first: those of like length share a batch.

    Every recording is read as it would be alone.
    """
    by_length = sorted(references, key=_length, reverse=True)
    results = recognizer.recognise(reference.audio for reference in by_length)
    for reference, result in zip(by_length, results, strict=True):
        if isinstance(result, Unreadable):
            yield Failure(reference, result.error)
        else:
            transcript = result.transcript
            yield Reading(reference, transcript.text, result.greedy, transcript.duration)


def score(readings: Iterable[Reading]) -> Evaluation:
    """The error rates of readings."""
    readings = list(readings)
    spoken = [reading.reference.text for reading in readings]
    texts = [reading.text for reading in readings]
    greedy = [reading.greedy for reading in readings]
    return Evaluation(
        words=word_errors(spoken, texts),
        characters=character_errors(spoken, texts),
        greedy_words=word_errors(spoken, greedy),
        greedy_characters=character_errors(spoken, greedy),
        utterances=len(readings),
        audio_seconds=sum(reading.duration for reading in readings),
    )


def _length(reference: Reference) -> tuple[Seconds, int]:
    """Seconds where they are known, else the size of the file."""
    if reference.duration is not None:
        return reference.duration, 0
    try:
        return 0.0, reference.audio.stat().st_size
    except OSError:  # reading it will say why
        return 0.0, 0
