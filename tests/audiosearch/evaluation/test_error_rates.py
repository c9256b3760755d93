"""Error rates by set and by speaker, and the worst utterances."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.data.manifest import Utterance
from audiosearch.evaluation.error_rates import (
    RecognizedUtterance,
    score,
    score_sets,
    score_speakers,
    set_names,
    worst_utterances,
)
from audiosearch.evaluation.metrics import ErrorRate


def recognized(name: str, speaker: str | None, text: str, hypothesis: str) -> RecognizedUtterance:
    set_name, _, _ = name.partition("-")
    return RecognizedUtterance(
        Utterance(Path(f"{name}.wav"), text, None, speaker, name), set_name, hypothesis, text, 2.0
    )


RECOGNIZED = [
    recognized("b-1", "ann", "one two three four", "one two three four"),
    recognized("a-1", "ann", "one two", "one three"),
    recognized("a-2", "bob", "a b c d e f g h", "a b x d e f y h z"),
    recognized("a-3", "bob", "oh", "no oh no"),
    recognized("a-4", None, "i am a human", ""),
    recognized("b-2", "ann", "i am a man", "i am man"),
]


def test_errors_of_sets_and_speakers_add_up_to_the_total() -> None:
    whole = score(RECOGNIZED)
    assert whole.words == ErrorRate(1 + 3 + 2 + 4 + 1, 4 + 2 + 8 + 1 + 4 + 4)
    assert whole.greedy_words == ErrorRate(0, 23)
    assert (whole.utterances, whole.audio_seconds) == (6, 12.0)
    assert whole.word_interval is not None
    assert whole.word_interval.low <= whole.words.rate <= whole.word_interval.high
    for groups in (score_sets(RECOGNIZED), score_speakers(RECOGNIZED)):
        assert sum((group.evaluation.words for group in groups), ErrorRate(0, 0)) == whole.words
        assert sum((group.evaluation.characters for group in groups), ErrorRate(0, 0)) == whole.characters
        assert sum(group.evaluation.utterances for group in groups) == 6
    assert [(group.set_name, group.evaluation.words) for group in score_sets(RECOGNIZED)] == [
        ("b", ErrorRate(1, 8)),
        ("a", ErrorRate(10, 15)),
    ]


def test_speakers_are_per_set_and_ordered_by_rate() -> None:
    rates = [(group.set_name, group.speaker, group.evaluation.words.rate) for group in score_speakers(RECOGNIZED)]
    assert rates == [
        ("b", "ann", 1 / 8),
        ("a", None, 1.0),
        ("a", "bob", pytest.approx(5 / 9)),
        ("a", "ann", 1 / 2),
    ]


def test_worst_utterances_come_first() -> None:
    errors = worst_utterances(RECOGNIZED, 3)
    assert [(item.recognized.utterance.id, item.words) for item in errors] == [
        ("a-3", ErrorRate(2, 1)),
        ("a-4", ErrorRate(4, 4)),
        ("a-1", ErrorRate(1, 2)),
    ]
    everything = worst_utterances(RECOGNIZED, 10)
    assert [item.recognized.utterance.id for item in everything] == [
        "a-3",
        "a-4",
        "a-1",
        "a-2",
        "b-2",
    ]


def test_sets_are_named_after_their_manifests() -> None:
    paths = [Path("dev/librispeech/manifest.jsonl"), Path("dev/own.jsonl"), Path("other/own.jsonl")]
    assert set_names(paths) == ["librispeech", "dev/own.jsonl", "other/own.jsonl"]
    assert set_names([Path("/data/manifest.jsonl")]) == ["data"]
