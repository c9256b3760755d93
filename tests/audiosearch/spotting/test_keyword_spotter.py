"""Keyword spotting against brute force over all paths, and on emissions made by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.alphabet import Alphabet
from audiosearch.spotting.keyword_spotter import KeywordHit, KeywordSpotter
from audiosearch.spotting.ngram_index import (
    BLOCK,
    KeyCounter,
    invert_keys,
    key_numbers,
    keys,
    pack_keys,
    query_key_numbers,
    query_keys,
)
from audiosearch.spotting.posteriorgram import MAX_LOSS, pack, pack_in_pieces, unpack
from audiosearch.spotting.scoring import AcousticProfile, KeywordQuery, SpottingCalibration, evidence
from audiosearch.types import Emissions, Word

ALPHABET = Alphabet()
EVERYTHING = SpottingCalibration(max_loss_per_letter=10.0)
LOSS = SpottingCalibration().floor


def spoken(text: str, *, doubt: float = 0.0, seed: int = 1) -> Emissions:
    """Two frames per letter and a blank, each certain, or with ``doubt`` nats of noise."""
    path = [label for letter in ALPHABET.encode(text) for label in (letter, letter, 0)]
    rng = np.random.default_rng(seed)
    logits = (rng.standard_normal((len(path), len(ALPHABET))) * doubt).astype(np.float32)
    logits[np.arange(len(path)), path] += 12
    return Emissions(logits - np.log(np.exp(logits).sum(1, keepdims=True)), 0.03)


def hits(text: str, emissions: Emissions, calibration: SpottingCalibration = EVERYTHING) -> list[KeywordHit]:
    matches = KeywordSpotter(KeywordQuery(text, ALPHABET), calibration).find([pack(emissions)])
    return sorted(matches, key=lambda match: -match.score)


def brute_force(losses: NDArray[np.float64], labels: list[int], space: int, boundary: float) -> float:
    """The best score of all spans and alignments, by a table for every start; losses [T', V]."""
    frames = len(losses)
    best = -np.inf
    for start in range(frames):
        before = 0.0 if start == 0 else -boundary
        for first in range(start):  # a space at ``first``, blanks from it on
            before = max(before, -losses[first, space] - losses[first + 1 : start, 0].sum())
        if start and not losses[:start, 0].sum():
            before = 0.0
        before = max(before, -losses[:start, 0].sum())
        states = 2 * len(labels) - 1
        table = np.full(states, -np.inf)
        for frame in range(start, frames):
            previous, table = table, np.full(states, -np.inf)
            for state in range(states):
                label = labels[state // 2] if state % 2 == 0 else 0
                options = [previous[state]]
                if state:
                    options.append(previous[state - 1])
                if state >= 2 and state % 2 == 0 and labels[state // 2] != labels[state // 2 - 1]:
                    options.append(previous[state - 2])
                if frame == start and state == 0:
                    options.append(before)
                table[state] = max(options) - losses[frame, label]
            after = -boundary
            after = max(after, -losses[frame + 1 :, 0].sum())
            for last in range(frame + 1, frames):
                after = max(after, -losses[frame + 1 : last, 0].sum() - losses[last, space])
            best = max(best, table[-1] + after)
    return float(best)


@pytest.mark.parametrize("text", ["a", "ab", "aa", "b a"])
def test_the_best_hit_equals_brute_force(text: str) -> None:
    for seed in range(15):
        rng = np.random.default_rng(seed)
        logits = np.full((7, len(ALPHABET)), -30.0)
        labels = [0, 1, 2, ALPHABET.space]
        logits[:, labels] = rng.standard_normal((7, 4)) * 2
        emissions = Emissions((logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32), 0.03)
        log_probs = unpack(pack(emissions), len(ALPHABET)).log_probs.astype(np.float64)
        losses = log_probs.max(1, keepdims=True) - log_probs
        losses = np.where(losses > MAX_LOSS, LOSS, losses)
        expected = brute_force(losses, ALPHABET.encode(text), ALPHABET.space, EVERYTHING.boundary)
        matches = hits(text, emissions)
        if expected < -EVERYTHING.max_loss_per_letter * len(text):
            assert matches == []
        else:
            assert matches[0].score == pytest.approx(expected, abs=0.05)


def test_a_word_is_found_where_it_is_said() -> None:
    emissions = spoken("the gomphotheres live")
    best = hits("gomphotheres", emissions)[0]
    assert best.score == 0
    assert (best.start, best.end) == pytest.approx((4 * 0.09, 16 * 0.09 - 0.03))


def test_similar_texts_and_parts_of_words_score_less() -> None:
    emissions = spoken("the gonfotheres live")
    near = hits("gomphotheres", emissions)[0]
    assert -60 < near.score < -LOSS
    assert near.start == pytest.approx(4 * 0.09)
    assert hits("fotheres", emissions)[0].score == pytest.approx(-SpottingCalibration().boundary)
    prefix = KeywordSpotter(KeywordQuery("gonfo", ALPHABET, unfinished=True), EVERYTHING)
    assert max(hit.score for hit in prefix.find([pack(emissions)])) == 0


def test_a_hit_may_span_pieces_but_not_recordings() -> None:
    emissions = spoken(" ".join(["this is long enough for two or three pieces"] * 3), doubt=1.0)
    pieces = list(pack_in_pieces(emissions))
    assert len(pieces) > 2
    whole = KeywordSpotter(KeywordQuery("this is long enough for two or three pieces", ALPHABET), SpottingCalibration())
    expected = [(round(hit.start, 3), hit.score) for hit in whole.find([pack(emissions)])]
    assert [(round(hit.start, 3), hit.score) for hit in whole.find(pieces)] == expected
    assert [score for _, score in expected] == [0, 0, 0]
    alone = list(whole.find(pieces, [str(number) for number, _ in enumerate(pieces)]))
    assert min(hit.score for hit in alone) < 0


def test_keys_of_a_text_are_among_those_of_its_emissions() -> None:
    emissions = spoken("a heron on the ice", doubt=1.0)
    matches = keys(pack(emissions), ALPHABET)
    assert set(query_keys(KeywordQuery("heron", ALPHABET))) == {"_he", "her", "ero", "ron", "on_"} <= set(matches)
    assert "_he" not in keys(pack(spoken("tulip")), ALPHABET)
    assert query_keys(KeywordQuery("ice", ALPHABET, unfinished=True)) == ["_ic", "ice"]


def test_a_key_counter_finds_pieces_inside_and_outside_of_blocks() -> None:
    texts = ["a heron on the ice", "tulips and herons", "the ice age", "nothing"] * 40
    pieces = [pack(spoken(text, doubt=0.5, seed=seed)) for seed, text in enumerate(texts)]
    pieces *= 7  # so many that a bit for each is shorter
    packed = [pack_keys(piece) for piece in pieces[:160]] * 7
    wanted = query_key_numbers(KeywordQuery("ice", ALPHABET))
    expected = [position for position, piece in enumerate(pieces) if set(key_numbers(piece).tolist()) & set(wanted)]
    names = np.arange(len(pieces)).astype("<i8").tobytes()
    block, loose = KeyCounter(wanted), KeyCounter(wanted)
    first = block.reserve(len(pieces))
    for key, postings in invert_keys(packed):
        if key in wanted:
            block.add_postings(first, key, postings)
    for piece in packed:
        loose.add_piece(piece)
    assert block.best_pieces(BLOCK, names) == loose.best_pieces(BLOCK, names) == expected
    best = block.best_pieces(560, names)
    assert {texts[position % 160] for position in best} == {
        "a heron on the ice",
        "the ice age",
    }
    assert block.best_pieces(BLOCK, names, recordings=[7]) == []


def test_evidence_compares_recognized_words_with_the_text() -> None:
    words = [Word("cold", 0.0, 1.0, 0.9), Word("ice", 1.0, 2.0, 0.5), Word("age", 2.0, 3.0, 0.7)]
    assert evidence("ice age", 1.1, 2.9, words) == (1.0, 0.5, 0.0, 0.0)
    same, sure, unlike, alike = evidence("icy", 1.0, 2.0, words)
    assert (same, sure, unlike) == (0.0, 0.0, 0.5)
    assert 0 < alike < 1
    assert evidence("ice", 5.0, 6.0, words) == (0.0,) * 4


def test_an_acoustic_profile_survives_json() -> None:
    profile = AcousticProfile(ALPHABET, SpottingCalibration(floor=7.5))
    assert AcousticProfile.from_json(profile.to_json()) == profile
    assert all(
        a <= b
        for a, b in pairwise(
            sorted(profile.calibration.probability((1.0, s, 8, s / 8, s * s / 8, 1, 1)) for s in (-12.0, -6.0, 0.0))
        )
    )
    with pytest.raises(ValueError, match="unknown settings heights"):
        SpottingCalibration.from_dict({"heights": 1})


def test_letters_strewn_over_a_long_time_are_no_hit() -> None:
    said = spoken("human things")
    silence = Emissions(np.repeat(spoken("a").log_probs[2:3], 200, axis=0), said.frame_duration)
    parts = [said.log_probs[:9], silence.log_probs, said.log_probs[9:18], silence.log_probs, said.log_probs[18:]]
    strewn = Emissions(np.concatenate(parts), said.frame_duration)
    assert hits("human things", said)
    assert hits("human things", strewn) == []
    paused = Emissions(np.concatenate([said.log_probs[:18], silence.log_probs[:80], said.log_probs[18:]]), 0.03)
    assert hits("human things", paused)[0].score == pytest.approx(0.0, abs=0.1)
