"""The search against a search without pruning, and with pruning against known answers."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from ctc import ENGLISH, TINY, mixed_emissions, random_rows
from reference_search import LETTERS_ARPA, Arpa, Words, letters_model, reference_search

from audiosearch.core import Decoder, SearchSettings

LETTERS = ("", " ", "a", "b", "c")
MODEL = letters_model()
WEIGHTS: dict[str, Any] = {"alpha": 0.6, "beta": 0.7, "unknown_score": -1.5}
PHRASES: list[Words] = [("a", "b"), ("cab",), ("b", "c", "a"), ("b",)]


def settings(
    beam_width: int = 1_000_000,
    beam_prune_logp: float = -1000.0,
    token_min_logp: float = -1000.0,
    *,
    prune_history: bool = False,
    alpha: float = 0.6,
    beta: float = 0.7,
    unknown_score: float = -1.5,
) -> SearchSettings:
    return SearchSettings(
        alpha, beta, unknown_score, beam_width, beam_prune_logp, token_min_logp, prune_history=prune_history
    )


@pytest.mark.parametrize("phrases", [(), PHRASES], ids=["", "hot words"])
@pytest.mark.parametrize("with_model", [False, True], ids=["letters", "words"])
def test_without_pruning_all_texts_have_their_scores(phrases: list[Words], with_model: bool) -> None:
    decoder = Decoder(LETTERS, MODEL.ngrams if with_model else None, phrases, 0.4)
    for seed in range(6):
        rows = random_rows(seed, 6, len(LETTERS), sharpness=1.0)
        expected = reference_search(
            rows, LETTERS, Arpa(LETTERS_ARPA) if with_model else None, phrases, hot_word_weight=0.4, **WEIGHTS
        )
        results = decoder.decode(rows, settings())
        assert len(results) == len(expected)
        assert dict(results) == pytest.approx(dict(expected), abs=1e-4)
        assert [score for _, score in results] == pytest.approx([score for _, score in expected], abs=1e-4)


def test_unlikely_labels_and_unlikely_beams_cost_little() -> None:
    decoder = Decoder(LETTERS, MODEL.ngrams, [], 0.0)
    for seed in range(10):
        rows = random_rows(seed, 6, len(LETTERS), sharpness=2.0)
        expected = dict(reference_search(rows, LETTERS, Arpa(LETTERS_ARPA), (), **WEIGHTS))
        for prune_history in (False, True):
            results = decoder.decode(rows, settings(500, -25, -9, prune_history=prune_history))
            assert results[0][0] == max(expected, key=expected.__getitem__)
            assert results[0][1] == pytest.approx(expected[results[0][0]], abs=0.02)
            assert all(score <= expected[text] + 1e-4 for text, score in results)  # paths are only lost
            assert [score for _, score in results] == sorted((score for _, score in results), reverse=True)


def test_a_wider_beam_never_loses_the_only_text_that_a_narrow_one_finds() -> None:
    decoder = Decoder(ENGLISH.labels, TINY.ngrams, [], 0.0)
    for seed in range(5):
        rows = mixed_emissions(seed, 60).log_probs
        best = [decoder.decode(rows, settings(width, -30, -12, prune_history=True))[0] for width in (1, 8, 64, 512)]
        assert best[-1][1] >= max(score for _, score in best) - 0.1
        assert best[-1][0] == decoder.decode(rows, settings(1024, -30, -12, prune_history=True))[0][0]


def test_frames_certain_of_one_label_only_add_their_score() -> None:
    decoder = Decoder(LETTERS, MODEL.ngrams, [], 0.0)
    rows = random_rows(3, 6, len(LETTERS), sharpness=1.0)
    certain = np.full((5, len(LETTERS)), -40.0, np.float32)
    certain[:, 0] = -0.01
    plain = decoder.decode(rows, settings(token_min_logp=-20))
    for before, after in itertools.product((0, 5), (0, 5)):
        longer = decoder.decode(np.concatenate([certain[:before], rows, certain[:after]]), settings(token_min_logp=-20))
        assert dict(longer) == pytest.approx({text: score - 0.01 * (before + after) for text, score in plain}, abs=1e-4)


def test_impossible_labels_do_not_spread() -> None:
    rows = random_rows(0, 6, len(LETTERS))
    rows[2:4, 2:] = -math.inf
    for text, score in Decoder(LETTERS, None, [], 0.0).decode(rows, settings(64, -30, -12)):
        assert math.isfinite(score), text


def test_an_alphabet_without_a_space() -> None:
    rows = random_rows(1, 5, 3, sharpness=1.0)
    expected = reference_search(rows, ("", "a", "b"))
    assert dict(Decoder(("", "a", "b"), None, [], 0.0).decode(rows, settings())) == pytest.approx(
        dict(expected), abs=1e-4
    )


def test_emissions_of_another_alphabet_are_refused() -> None:
    with pytest.raises(ValueError, match="another number of labels"):
        Decoder(LETTERS, None, [], 0.0).decode(random_rows(0, 5, 4), settings())
    with pytest.raises(TypeError):
        Decoder(LETTERS, None, [], 0.0).decode(np.zeros(5, np.float32), settings())
