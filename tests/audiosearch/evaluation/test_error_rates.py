"""Error rates by set and by speaker, and the worst utterances."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.evaluation.error_rates import Reading, Reference, score, score_sets, score_speakers, set_names, worst
from audiosearch.evaluation.metrics import ErrorRate


def reading(name: str, speaker: str | None, text: str, heard: str) -> Reading:
    set_name, _, _ = name.partition("-")
    return Reading(Reference(name, Path(f"{name}.wav"), text, None, speaker, set_name), heard, text, 2.0)


READINGS = [
    reading("b-1", "ann", "one two three four", "one two three four"),
    reading("a-1", "ann", "one two", "one three"),
    reading("a-2", "bob", "a b c d e f g h", "a b x d e f y h z"),
    reading("a-3", "bob", "oh", "no oh no"),
    reading("a-4", None, "i am a human", ""),
    reading("b-2", "ann", "i am a man", "i am man"),
]


def test_sets_and_speakers_add_up_to_everything() -> None:
    whole = score(READINGS)
    assert whole.words == ErrorRate(1 + 3 + 2 + 4 + 1, 4 + 2 + 8 + 1 + 4 + 4)
    assert whole.greedy_words == ErrorRate(0, 23)
    assert (whole.utterances, whole.audio_seconds) == (6, 12.0)
    assert whole.word_interval is not None
    assert whole.word_interval.low <= whole.words.rate <= whole.word_interval.high
    for groups in (score_sets(READINGS), score_speakers(READINGS)):
        assert sum((group.evaluation.words for group in groups), ErrorRate(0, 0)) == whole.words
        assert sum((group.evaluation.characters for group in groups), ErrorRate(0, 0)) == whole.characters
        assert sum(group.evaluation.utterances for group in groups) == 6
    assert [(group.set_name, group.evaluation.words) for group in score_sets(READINGS)] == [
        ("b", ErrorRate(1, 8)),
        ("a", ErrorRate(10, 15)),
    ]


def test_one_name_in_two_sets_is_two_speakers_and_the_worst_come_first() -> None:
    found = [(group.set_name, group.speaker, group.evaluation.words.rate) for group in score_speakers(READINGS)]
    assert found == [
        ("b", "ann", 1 / 8),
        ("a", None, 1.0),
        ("a", "bob", pytest.approx(5 / 9)),
        ("a", "ann", 1 / 2),
    ]


def test_the_worst_utterances() -> None:
    found = worst(READINGS, 3)
    assert [(one.reading.reference.id, one.words) for one in found] == [
        ("a-3", ErrorRate(2, 1)),
        ("a-4", ErrorRate(4, 4)),
        ("a-1", ErrorRate(1, 2)),
    ]
    assert [one.reading.reference.id for one in worst(READINGS, 10)] == ["a-3", "a-4", "a-1", "a-2", "b-2"]


def test_names_of_sets() -> None:
    paths = [Path("dev/librispeech/manifest.jsonl"), Path("dev/own.jsonl"), Path("other/own.jsonl")]
    assert set_names(paths) == ["librispeech", "dev/own.jsonl", "other/own.jsonl"]
    assert set_names([Path("/data/manifest.jsonl")]) == ["data"]
