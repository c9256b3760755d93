from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.acoustic.segmenter import PauseSegmenter, Segment

A, SPACE, LABELS = 1, 2, 3


def rows(labels: list[int], sure: float = 0.97) -> NDArray[np.float32]:
    probabilities = np.full((len(labels), LABELS), (1 - sure) / 2, np.float32)
    probabilities[np.arange(len(labels)), labels] = sure
    return np.log(probabilities)


def cut(log_probs: NDArray[np.float32], step: int = 7, max_frames: int = 30, pause: int = 4) -> list[Segment]:
    segmenter = PauseSegmenter(max_frames, pause, blank=0, space=SPACE)
    segments = [s for start in range(0, len(log_probs), step) for s in segmenter.add(log_probs[start : start + step])]
    return segments + segmenter.finish()


def test_a_short_recording_is_one_segment() -> None:
    log_probs = rows([0] * 12 + [A] * 3 + [0] * 15)
    (segment,) = cut(log_probs)
    assert segment.first == 0
    np.testing.assert_array_equal(segment.log_probs, log_probs)
    assert cut(log_probs[:0]) == []


@pytest.mark.parametrize("step", [1, 7, 64, 1000])
def test_segments_cover_the_recording_except_silence(step: int) -> None:
    rng = np.random.default_rng(1)
    labels = [int(label) for label in np.where(rng.random(500) < 0.4, rng.integers(1, LABELS, 500), 0)]
    labels[100:180] = [0] * 80
    log_probs = rows(labels)
    segments = cut(log_probs, step)
    covered = 0
    for segment in segments:
        assert 0 < len(segment.log_probs) <= 30
        assert segment.first >= covered
        assert not any(labels[covered : segment.first])
        covered = segment.first + len(segment.log_probs)
        np.testing.assert_array_equal(segment.log_probs, log_probs[segment.first : covered])
    assert covered == 500
    assert sum(len(segment.log_probs) for segment in segments) < 450


def test_the_cut_lies_in_the_longest_late_pause() -> None:
    labels = [A] * 4 + [0] * 8 + [A] * 5 + [0] * 5 + [A] * 2 + [0] * 4 + [A] * 10
    first, second = cut(rows(labels))
    assert len(first.log_probs) == 19
    assert second.first == 19


def test_without_a_pause_the_cut_lies_between_words() -> None:
    labels = [A, 0] * 10 + [A, SPACE] + [A, 0] * 10
    first, second = cut(rows(labels))
    assert labels[second.first - 1] == SPACE
    assert len(first.log_probs) == second.first == 22


def test_hours_of_silence_are_one_short_segment() -> None:
    (segment,) = cut(rows([0] * 10_000), step=500)
    assert (segment.first, len(segment.log_probs)) == (9996, 4)
