"""Error rates of a recognizer on utterances of known text, in total, by set and by speaker; the worst utterances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audiosearch.data.manifest import Utterance
from audiosearch.errors import AudioError
from audiosearch.evaluation.bootstrap import Interval, confidence_interval
from audiosearch.evaluation.metrics import ErrorRate, character_errors, word_errors
from audiosearch.recognizer import Recognizer, Unreadable
from audiosearch.types import Seconds

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class EvaluationSet:
    """Utterances of one manifest, with its name."""

    name: str
    utterances: Sequence[Utterance]


@dataclass(frozen=True)
class RecognizedUtterance:
    """An utterance with its transcripts.

    Args:
        set_name: name of its EvaluationSet.
        text: transcript by beam search with the language model.
        greedy: transcript by the most probable label of each frame.
        duration: of the recording.
    """

    utterance: Utterance
    set_name: str
    text: str
    greedy: str
    duration: Seconds


@dataclass(frozen=True)
class Failure:
    """An utterance whose audio cannot be read; error rates leave it out."""

    utterance: Utterance
    error: AudioError


@dataclass(frozen=True)
class Evaluation:
    """Error rates of a corpus: all errors over all words, not the mean of utterances.

    Args:
        word_interval: 95 % interval of the word error rate; None for a single utterance.
        character_interval: 95 % interval of the character error rate; None for a single utterance.
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
    """Error rates of a set, or of one speaker in it; ``speaker`` is None for a whole set and for unknown speakers."""

    set_name: str
    speaker: str | None
    evaluation: Evaluation


@dataclass(frozen=True)
class UtteranceErrors:
    """A recognized utterance with its word errors."""

    recognized: RecognizedUtterance
    words: ErrorRate


def recognize_sets(recognizer: Recognizer, sets: Iterable[EvaluationSet]) -> Iterator[RecognizedUtterance | Failure]:
    """Transcribe the utterances of all sets, the longest first.

    Utterances of similar length share a batch, which does not change their transcripts.
    """
    utterances = [(group.name, utterance) for group in sets for utterance in group.utterances]
    by_length = sorted(utterances, key=lambda member: _length(member[1]), reverse=True)
    results = recognizer.recognize((utterance.audio for _, utterance in by_length), with_greedy=True)
    for (name, utterance), result in zip(by_length, results, strict=True):
        if isinstance(result, Unreadable):
            yield Failure(utterance, result.error)
        else:
            transcript = result.transcript
            assert result.greedy is not None, "it was requested"
            yield RecognizedUtterance(utterance, name, transcript.text, result.greedy, transcript.duration)


def score(recognized: Iterable[RecognizedUtterance]) -> Evaluation:
    """Error rates of all utterances together."""
    recognized = list(recognized)
    words = [_word_errors(item) for item in recognized]
    characters = [character_errors([item.utterance.text], [item.text]) for item in recognized]
    speakers = [_speaker(item) for item in recognized]
    references, greedy = [item.utterance.text for item in recognized], [item.greedy for item in recognized]
    return Evaluation(
        words=sum(words, ErrorRate(0, 0)),
        characters=sum(characters, ErrorRate(0, 0)),
        greedy_words=word_errors(references, greedy),
        greedy_characters=character_errors(references, greedy),
        utterances=len(recognized),
        audio_seconds=sum(item.duration for item in recognized),
        word_interval=confidence_interval(words, speakers),
        character_interval=confidence_interval(characters, speakers),
    )


def score_sets(recognized: Iterable[RecognizedUtterance]) -> list[Group]:
    """Error rates of each set, in the order of the utterances."""
    groups = _group(recognized, lambda item: item.set_name)
    return [Group(name, None, score(members)) for name, members in groups.items()]


def score_speakers(recognized: Iterable[RecognizedUtterance]) -> list[Group]:
    """Error rates of each speaker: sets in the order of the utterances, in a set the highest rate first."""
    groups = _group(recognized, lambda item: (item.set_name, item.utterance.speaker))
    scored = [Group(name, speaker, score(members)) for (name, speaker), members in groups.items()]
    order = list(dict.fromkeys(group.set_name for group in scored))
    return sorted(
        scored, key=lambda group: (order.index(group.set_name), -group.evaluation.words.rate, group.speaker or "")
    )


def worst_utterances(recognized: Iterable[RecognizedUtterance], count: int) -> list[UtteranceErrors]:
    """Utterances with the highest word error rates; of equal rates the one with more errors first."""
    scored = [UtteranceErrors(item, _word_errors(item)) for item in recognized]
    wrong = [item for item in scored if item.words.errors]
    wrong.sort(key=lambda item: (-item.words.rate, -item.words.errors, item.recognized.utterance.id))
    return wrong[:count]


def set_names(manifests: Sequence[Path]) -> list[str]:
    """Names of manifests: stem of the file, or its folder if the stem is ``manifest``; the path if two names agree."""
    names = [path.absolute().parent.name if path.stem == "manifest" else path.stem for path in manifests]
    counts = Counter(names)
    return [name if counts[name] == 1 else str(path) for name, path in zip(names, manifests, strict=True)]


def _word_errors(item: RecognizedUtterance) -> ErrorRate:
    return word_errors([item.utterance.text], [item.text])


def _speaker(item: RecognizedUtterance) -> tuple[str, str] | None:
    """Key of the speaker; one name in two sets means two speakers."""
    return None if item.utterance.speaker is None else (item.set_name, item.utterance.speaker)


def _group(
    recognized: Iterable[RecognizedUtterance], key: Callable[[RecognizedUtterance], Key]
) -> dict[Key, list[RecognizedUtterance]]:
    groups: dict[Key, list[RecognizedUtterance]] = {}
    for item in recognized:
        groups.setdefault(key(item), []).append(item)
    return groups


def _length(utterance: Utterance) -> tuple[Seconds, int]:
    """Duration if known, else size of the file."""
    if utterance.duration is not None:
        return utterance.duration, 0
    try:
        return 0.0, utterance.audio.stat().st_size
    except OSError:  # reported when the file is read
        return 0.0, 0
