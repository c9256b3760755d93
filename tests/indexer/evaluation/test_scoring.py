"""Pairing of hits and occurrences, against all pairings."""

from __future__ import annotations

import random

import pytest

from indexer.evaluation.scoring import Detection, Occurrence, score_hits

CHANCE = random.Random(5)


def test_a_hit_is_correct_up_to_half_a_second_between_midpoints() -> None:
    occurrences = [Occurrence("a", 10.0, 10.4)]
    (hit,) = score_hits([Detection("a", 10.6, 10.8, 0.5)], occurrences)  # midpoints 10.2 and 10.7
    assert hit.correct
    assert hit.start_error == pytest.approx(0.6)
    assert not score_hits([Detection("a", 10.602, 10.802, 0.5)], occurrences)[0].correct
    assert not score_hits([Detection("b", 10.0, 10.4, 0.5)], occurrences)[0].correct
    assert score_hits([], occurrences) == ()


def test_an_occurrence_is_paired_once_with_the_most_confident_hit() -> None:
    occurrences = [Occurrence("a", 1.0, 1.2), Occurrence("b", 1.0, 1.2)]
    detections = [Detection("a", 1.0, 1.2, 0.4), Detection("a", 1.3, 1.5, 0.6, "sound"), Detection("b", 1.0, 1.2, 0.1)]
    assert [hit.correct for hit in score_hits(detections, occurrences)] == [False, True, True]
    assert [hit.way for hit in score_hits(detections, occurrences)] == ["words", "sound", "words"]


def test_the_number_of_pairs_is_maximal() -> None:
    # The most confident hit is nearest to the only occurrence that the other hit can have.
    occurrences = [Occurrence("a", 1.0, 1.0), Occurrence("a", 1.6, 1.6)]
    detections = [Detection("a", 1.2, 1.2, 0.9), Detection("a", 0.7, 0.7, 0.1)]
    assert [hit.correct for hit in score_hits(detections, occurrences)] == [True, True]


def test_pairing_equals_brute_force() -> None:
    def all_pairings(hits: list[int], occurrences: list[int]) -> list[list[tuple[int, int]]]:
        if not hits:
            return [[]]
        rest = all_pairings(hits[1:], occurrences)
        return rest + [
            [(hits[0], occurrence), *pairs]
            for occurrence in occurrences
            for pairs in all_pairings(hits[1:], [remaining for remaining in occurrences if remaining != occurrence])
        ]

    for _ in range(150):
        hits = [CHANCE.randrange(12) / 8 for _ in range(CHANCE.randrange(5))]
        confidences = [CHANCE.choice([0.25, 0.5, 1.0]) for _ in hits]
        occurrences = [CHANCE.randrange(12) / 8 for _ in range(CHANCE.randrange(5))]
        best = max(
            (len(pairs), sum(confidences[i] for i, _ in pairs), -sum(abs(hits[i] - occurrences[j]) for i, j in pairs))
            for pairs in all_pairings([*range(len(hits))], [*range(len(occurrences))])
            if all(abs(hits[i] - occurrences[j]) <= 0.5 for i, j in pairs)
        )
        scored = score_hits(
            [Detection("a", hit, hit, confidence) for hit, confidence in zip(hits, confidences, strict=True)],
            [Occurrence("a", time, time) for time in occurrences],
        )
        pairs = [(hit.confidence, abs(hit.start_error)) for hit in scored if hit.start_error is not None]
        assert (len(pairs), sum(confidence for confidence, _ in pairs), -sum(error for _, error in pairs)) == best
