"""Cuts at pauses: every word in one segment, lengths within the limit, no overlap."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from audiosearch.labeling.segmentation import MARGIN, MAX_PAUSE, MIN_PAUSE, Segment, split_at_pauses
from audiosearch.types import Seconds, Word


def words(*spans: tuple[str, Seconds, Seconds]) -> list[Word]:
    return [Word(text, start, end, 1.0) for text, start, end in spans]


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


def test_long_segments_are_cut_at_the_widest_pause() -> None:
    spoken = words(("a", 0.5, 1.5), ("b", 1.7, 3.0), ("c", 3.8, 5.0), ("d", 5.4, 6.0))
    (whole,) = split_at_pauses(spoken, 7.0, max_seconds=10)
    assert (whole.text, whole.start, whole.end) == ("a b c d", 0.25, 6.25)
    halves = list(split_at_pauses(spoken, 7.0, max_seconds=5))
    assert texts(halves) == ["a b", "c d"]
    assert [(half.start, half.end) for half in halves] == [
        (0.25, pytest.approx(3.25)),
        (pytest.approx(3.55), 6.25),
    ]
    assert texts(list(split_at_pauses(spoken, 7.0, max_seconds=2.4))) == ["a", "b", "c", "d"]


def test_margins_end_with_the_recording_and_in_the_middle_of_a_short_pause() -> None:
    spoken = words(("a", 0.1, 1.0), ("b", 1.2, 2.0))
    first, second = split_at_pauses(spoken, 2.1, max_seconds=1)
    assert (first.start, first.end, second.start, second.end) == pytest.approx((0.0, 1.1, 1.1, 2.1))


def test_long_pauses_are_always_cuts_and_speech_without_pause_is_not_cut() -> None:
    spoken = words(("a", 0, 1), ("b", 1 + MAX_PAUSE, 4))
    assert texts(list(split_at_pauses(spoken, 5, max_seconds=30))) == ["a", "b"]
    close = words(*((str(n), n, n + 1 - MIN_PAUSE / 2) for n in range(20)))
    (segment,) = split_at_pauses(close, 20, max_seconds=5)
    assert segment.end - segment.start > 5


def test_segment_boundaries_of_a_transcript_are_cuts() -> None:
    spoken = words(("a", 0, 2), ("b", 2, 4), ("c", 4, 6), ("d", 6, 8))
    assert texts(list(split_at_pauses(spoken, 8, max_seconds=5, breaks=[4.0, 8.0]))) == ["a b", "c d"]
    assert texts(list(split_at_pauses(spoken, 8, max_seconds=3, breaks=[2.0, 4.0, 6.0, 8.0]))) == ["a", "b", "c", "d"]


def test_overlapping_voices_are_not_cut() -> None:
    spoken = words(("long", 0, 4), ("yes", 1, 1.3), ("no", 2, 2.2), ("on", 4.5, 5))
    assert texts(list(split_at_pauses(spoken, 5, max_seconds=2))) == ["long yes no", "on"]


def test_no_words_give_no_segment() -> None:
    assert list(split_at_pauses([], 5, max_seconds=2)) == []


@pytest.mark.parametrize("seed", range(20))
def test_every_word_is_in_one_segment_and_segments_do_not_overlap(seed: int) -> None:
    rng = random.Random(seed)
    time, spoken = rng.random(), []
    for number in range(200):
        end = time + rng.uniform(0.1, 0.6)
        spoken.append(Word(str(number), time, end, 1.0))
        time = end + rng.choice([0.0, 0.02, 0.2, 0.5, 1.0, 3.0])
    segments = list(split_at_pauses(spoken, time, max_seconds=6))
    assert [word for segment in segments for word in segment.words] == spoken
    for segment, after in pairwise(segments):
        assert segment.end <= after.start + 1e-9
    for segment in segments:
        assert 0 <= segment.start <= segment.words[0].start
        assert segment.words[-1].end <= segment.end <= time
        gaps = [after.start - before.end for before, after in pairwise(segment.words)]
        assert max(gaps, default=0) < MAX_PAUSE
        assert segment.end - segment.start <= 6 or max(gaps, default=0) < MIN_PAUSE
        assert segment.words[0].start - segment.start <= MARGIN + 1e-9
