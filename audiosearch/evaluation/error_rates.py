"""Error rates of a recognizer on speech whose text is known: in all, by set, by speaker, and the worst utterances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audiosearch.errors import AudioError
from audiosearch.evaluation.bootstrap import Interval, confidence_interval
from audiosearch.evaluation.metrics import ErrorRate, character_errors, word_errors
from audiosearch.recognizer import Recognizer, Unreadable
from audiosearch.types import Seconds

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Reference:
    """A recording and the normalized text that is said in it.

    Args:
        duration: only serves to sort.
        speaker: None where unknown.
        set_name: of the manifest that names it.
    """

    id: str
    audio: Path
    text: str
    duration: Seconds | None = None
    speaker: str | None = None
    set_name: str = ""


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
    """Error rates over a whole corpus: all errors over all words, not the mean of utterances.

    Args:
        word_interval: 95 % interval of the rate of word errors; None for a single utterance.
        character_interval: likewise.
    """

    words: ErrorRate
    characters: ErrorRate
    greedy_words: ErrorRate
    greedy_characters: ErrorRate
    utterances: int
    audio_seconds: Seconds
    word_interval: Interval | None
    character_interval: Interval | None


@dataclass(frozen=True)
class Group:
    """Error rates of a set, or of one speaker in it; ``speaker`` is None for the whole set or where it is unknown."""

    set_name: str
    speaker: str | None
    evaluation: Evaluation


@dataclass(frozen=True)
class Misreading:
    """A reading with its word errors."""

    reading: Reading
    words: ErrorRate


def read_all(recognizer: Recognizer, references: Sequence[Reference]) -> Iterator[Reading | Failure]:
    """The reading of each reference, the longest first: those of like length share a batch.

    Every recording is read as it would be alone.
    """
    by_length = sorted(references, key=_length, reverse=True)
    results = recognizer.recognize(reference.audio for reference in by_length)
    for reference, result in zip(by_length, results, strict=True):
        if isinstance(result, Unreadable):
            yield Failure(reference, result.error)
        else:
            transcript = result.transcript
            yield Reading(reference, transcript.text, result.greedy, transcript.duration)


def score(readings: Iterable[Reading]) -> Evaluation:
    """The error rates of readings."""
    readings = list(readings)
    references = [reading.reference for reading in readings]
    words = [_word_errors(reading) for reading in readings]
    characters = [character_errors([reading.reference.text], [reading.text]) for reading in readings]
    # one name in two sets is two speakers
    speakers = [None if one.speaker is None else (one.set_name, one.speaker) for one in references]
    spoken, greedy = [one.text for one in references], [reading.greedy for reading in readings]
    return Evaluation(
        words=sum(words, ErrorRate(0, 0)),
        characters=sum(characters, ErrorRate(0, 0)),
        greedy_words=word_errors(spoken, greedy),
        greedy_characters=character_errors(spoken, greedy),
        utterances=len(readings),
        audio_seconds=sum(reading.duration for reading in readings),
        word_interval=confidence_interval(words, speakers),
        character_interval=confidence_interval(characters, speakers),
    )


def score_sets(readings: Iterable[Reading]) -> list[Group]:
    """The error rates of each set, in the order of the readings."""
    return [Group(name, None, score(group)) for name, group in _grouped(readings, lambda one: one.set_name).items()]


def score_speakers(readings: Iterable[Reading]) -> list[Group]:
    """The error rates of each speaker, sets in the order of the readings, and in a set the highest rate first."""
    groups = _grouped(readings, lambda one: (one.set_name, one.speaker))
    scored = [Group(name, speaker, score(group)) for (name, speaker), group in groups.items()]
    order = list(dict.fromkeys(group.set_name for group in scored))
    return sorted(scored, key=lambda one: (order.index(one.set_name), -one.evaluation.words.rate, one.speaker or ""))


def worst(readings: Iterable[Reading], count: int) -> list[Misreading]:
    """The utterances with the highest rates of word errors; of equal ones those with more errors first."""
    scored = [Misreading(reading, _word_errors(reading)) for reading in readings]
    wrong = [one for one in scored if one.words.errors]
    wrong.sort(key=lambda one: (-one.words.rate, -one.words.errors, one.reading.reference.id))
    return wrong[:count]


def set_names(manifests: Sequence[Path]) -> list[str]:
    """Names of manifests: of the file, or of its folder where it is called ``manifest``; the path where two agree."""
    names = [path.absolute().parent.name if path.stem == "manifest" else path.stem for path in manifests]
    counts = Counter(names)
    return [name if counts[name] == 1 else str(path) for name, path in zip(names, manifests, strict=True)]


def _word_errors(reading: Reading) -> ErrorRate:
    return word_errors([reading.reference.text], [reading.text])


def _grouped(readings: Iterable[Reading], key: Callable[[Reference], Key]) -> dict[Key, list[Reading]]:
    groups: dict[Key, list[Reading]] = {}
    for reading in readings:
        groups.setdefault(key(reading.reference), []).append(reading)
    return groups


def _length(reference: Reference) -> tuple[Seconds, int]:
    """Seconds where they are known, else the size of the file."""
    if reference.duration is not None:
        return reference.duration, 0
    try:
        return 0.0, reference.audio.stat().st_size
    except OSError:  # reading it will say why
        return 0.0, 0
