from __future__ import annotations

import random

import pytest

from indexer.evaluation.scoring import Detection, Occurrence, judge

CHANCE = random.Random(5)


def test_a_hit_is_correct_up_to_half_a_second_between_midpoints() -> None:
    said = [Occurrence("a", 10.0, 10.4)]
    (near,) = judge([Detection("a", 10.6, 10.8, 0.5)], said)  # midpoints 10.2 and 10.7
    assert near.correct
    assert near.late == pytest.approx(0.6)
    assert not judge([Detection("a", 10.602, 10.802, 0.5)], said)[0].correct
    assert not judge([Detection("b", 10.0, 10.4, 0.5)], said)[0].correct
    assert judge([], said) == ()


def test_an_occurrence_is_found_once_by_the_surest() -> None:
    said = [Occurrence("a", 1.0, 1.2), Occurrence("b", 1.0, 1.2)]
    found = [Detection("a", 1.0, 1.2, 0.4), Detection("a", 1.3, 1.5, 0.6, "sound"), Detection("b", 1.0, 1.2, 0.1)]
    assert [hit.correct for hit in judge(found, said)] == [False, True, True]
    assert [hit.way for hit in judge(found, said)] == ["words", "sound", "words"]


def test_pairs_are_as_many_as_can_be() -> None:
    # The surest hit is nearest to the occurrence that the other one needs.
    said = [Occurrence("a", 1.0, 1.0), Occurrence("a", 1.6, 1.6)]
    found = [Detection("a", 1.2, 1.2, 0.9), Detection("a", 0.7, 0.7, 0.1)]
    assert [hit.correct for hit in judge(found, said)] == [True, True]


def test_pairing_equals_trying_them_all() -> None:
    def all_pairings(hits: list[int], said: list[int]) -> list[list[tuple[int, int]]]:
        if not hits:
            return [[]]
        rest = all_pairings(hits[1:], said)
        return rest + [
            [(hits[0], one), *others]
            for one in said
            for others in all_pairings(hits[1:], [other for other in said if other != one])
        ]

    for _ in range(150):
        hits = [CHANCE.randrange(12) / 8 for _ in range(CHANCE.randrange(5))]
        sure = [CHANCE.choice([0.25, 0.5, 1.0]) for _ in hits]
        said = [CHANCE.randrange(12) / 8 for _ in range(CHANCE.randrange(5))]
        best = max(
            (len(pairs), sum(sure[hit] for hit, _ in pairs), -sum(abs(hits[hit] - said[one]) for hit, one in pairs))
            for pairs in all_pairings([*range(len(hits))], [*range(len(said))])
            if all(abs(hits[hit] - said[one]) <= 0.5 for hit, one in pairs)
        )
        judged = judge(
            [Detection("a", hit, hit, confidence) for hit, confidence in zip(hits, sure, strict=True)],
            [Occurrence("a", one, one) for one in said],
        )
        late = [(hit.confidence, abs(hit.late)) for hit in judged if hit.late is not None]
        assert (len(late), sum(confidence for confidence, _ in late), -sum(gap for _, gap in late)) == best
