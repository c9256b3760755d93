"""Candidates of words by lexicon and lattice, against brute force and known answers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from ctc import ENGLISH, TINY, random_rows, spell
from numpy.typing import NDArray
from reference_search import LETTERS_ARPA, Arpa, letters_model, reference_beams

from audiosearch.core import ConfusionSlot, Decoder, SearchSettings

LETTERS = ("", " ", "a", "b", "c")
SCALE = 0.3
MAX_CANDIDATES = 6
MIN_SHARE = 0.005


def best_path(rows: NDArray[np.float32], word: str) -> float:
    """The best path of a word with blanks and spaces around it, over blanks and spaces alone."""
    pauses = rows[:, :2].max(1)
    best = -math.inf
    for first, end in itertools.combinations(range(len(rows) + 1), 2):
        for path in itertools.product((0, 2, 3, 4), repeat=end - first):
            if "".join(LETTERS[label] for label, _ in itertools.groupby(path)) == word:
                best = max(best, float(rows[range(first, end), path].sum() - pauses[first:end].sum()))
    return best


def test_candidates_of_a_word_are_those_of_the_lexicon_by_brute_force() -> None:
    model, arpa = letters_model(), Arpa(LETTERS_ARPA)
    decoder = Decoder(LETTERS, model.ngrams, [("ca",)], 0.0)
    settings = SearchSettings(0.2, 0.0, -1.0, 1, -100.0, -100.0, prune_history=True)  # one beam: no lattice
    for seed in range(6):
        logits = np.random.default_rng(seed).normal(0, 0.8, (5, len(LETTERS)))
        logits[:, 1] -= 4  # no space in the best text, which is then one word
        rows = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
        text, _, (slot,) = decoder.decode_with_alternatives(rows, settings, margin=5)
        words = sorted({*arpa.words, "ca", text})
        acoustic = {word: best_path(rows, word) for word in words}
        unknown = {word: -1.0 * (word not in {*arpa.words, "ca"}) for word in words}
        language = {word: 0.2 * math.log(10) * (arpa.score(("<s>",), word) + unknown[word]) for word in words}
        weights = {word: math.exp(SCALE * (acoustic[word] + language[word])) for word in words}
        total = sum(weights.values())
        assert slot.text == text
        assert slot.posterior == pytest.approx(1)
        assert slot.share == pytest.approx(weights[text] / total, rel=1e-3)
        ranked = sorted((word for word in words if word != text), key=lambda word: -weights[word])
        expected = [word for word in ranked if weights[word] / total >= MIN_SHARE][:MAX_CANDIDATES]
        assert [candidate.text for candidate in slot.candidates] == expected
        for candidate in slot.candidates:
            assert candidate.acoustic_score == pytest.approx(acoustic[candidate.text] - acoustic[text], abs=1e-4)
            assert candidate.language_score == pytest.approx(language[candidate.text] - language[text], abs=1e-4)
            assert candidate.share == pytest.approx(weights[candidate.text] / total, rel=1e-3)
            assert candidate.posterior == 0


def test_posteriors_are_shares_of_the_scores_of_all_beams() -> None:
    labels = ("", "a", "b")
    settings = SearchSettings(0.0, 0.0, 0.0, 100_000, -1000.0, -1000.0, prune_history=True)
    for seed in range(6):
        rows = random_rows(seed, 5, 3, sharpness=1.5)
        text, _, slots = Decoder(labels, None, [], 0.0).decode_with_alternatives(rows, settings, margin=5)
        masses: dict[str, float] = {}
        for (prefix, _), score in reference_beams(rows, labels).items():
            masses[prefix] = masses.get(prefix, 0.0) + math.exp(SCALE * score)
        total = sum(masses.values())
        posteriors = {prefix: mass / total for prefix, mass in masses.items() if prefix}
        if not text:
            assert slots == []
            continue
        (slot,) = slots
        assert slot.posterior == pytest.approx(posteriors.pop(text), rel=1e-4)
        ranked = sorted(posteriors, key=lambda prefix: -posteriors[prefix])[:MAX_CANDIDATES]
        assert [candidate.text for candidate in slot.candidates] == [
            prefix for prefix in ranked if posteriors[prefix] >= MIN_SHARE
        ]
        for candidate in slot.candidates:
            assert candidate.posterior == pytest.approx(posteriors[candidate.text], rel=1e-4)


def test_posteriors_are_probabilities() -> None:
    settings = SearchSettings(0.3, 0.5, -1.0, 20, -20.0, -8.0, prune_history=True)
    decoder = Decoder(LETTERS, letters_model().ngrams, [], 0.0)
    slots: list[ConfusionSlot] = []
    for seed in range(20):
        text, score, found = decoder.decode_with_alternatives(random_rows(seed, 40, len(LETTERS)), settings, margin=4)
        assert text == " ".join(slot.text for slot in found)
        assert math.isfinite(score)
        slots += found
    assert len(slots) > 100
    assert any(candidate.posterior > 0 for slot in slots for candidate in slot.candidates)
    for slot in slots:
        numbers = [slot.posterior, *(candidate.posterior for candidate in slot.candidates)]
        assert all(0 <= number <= 1 for number in numbers)


@pytest.fixture
def undecided() -> SearchSettings:
    """Settings by which the emissions alone decide."""
    return SearchSettings(0.0, 0.0, 0.0, 128, -20.0, -9.0, prune_history=True)


def test_a_pruned_word_keeps_its_probability(undecided: SearchSettings) -> None:
    """Of two words, one half as likely as the other, the worse is pruned after some words that follow both."""
    rows = spell(*"the ca", "tp", *" sat human things the cat sat").log_probs
    text, _, slots = Decoder(ENGLISH.labels, TINY.ngrams, [], 0.0).decode_with_alternatives(rows, undecided, 12)
    assert text == "the cat sat human things the cat sat"
    share = 1 / (1 + 0.5**SCALE)
    assert slots[1].posterior == pytest.approx(share, abs=0.05)
    (cap,) = (candidate for candidate in slots[1].candidates if candidate.text == "cap")
    assert cap.posterior == pytest.approx(1 - share, abs=0.05)
    assert slots[6].posterior == pytest.approx(1, abs=0.05)


def test_words_compete_for_the_position_they_overlap_most(undecided: SearchSettings) -> None:
    rows = spell(*"in", " _", *"form").log_probs
    text, _, (first, second) = Decoder(ENGLISH.labels, None, [], 0.0).decode_with_alternatives(rows, undecided, 12)
    assert text == "in form"
    share = 1 / (1 + 0.5**SCALE)
    assert first.posterior == pytest.approx(share, abs=0.05)
    assert "inform" not in {candidate.text for candidate in first.candidates}
    assert second.posterior == pytest.approx(share, abs=0.05)
    assert second.candidates[0].text == "inform"
    assert second.candidates[0].posterior == pytest.approx(1 - share, abs=0.05)


def test_slots_are_the_same_in_every_call(undecided: SearchSettings) -> None:
    """No state of the lexicon's search is left from slot to slot."""
    decoder = Decoder(LETTERS, letters_model().ngrams, [], 0.0)

    def summary(seed: int) -> list[tuple[str, list[tuple[str, float]]]]:
        _, _, slots = decoder.decode_with_alternatives(random_rows(seed, 40, len(LETTERS)), undecided, 4)
        return [(slot.text, [(candidate.text, candidate.share) for candidate in slot.candidates]) for slot in slots]

    once = [summary(seed) for seed in range(5)]
    assert [summary(seed) for seed in range(5)] == once


def test_a_model_without_words_of_the_alphabet(undecided: SearchSettings) -> None:
    rows = random_rows(0, 6, 3, sharpness=1.0)
    _, _, slots = Decoder(("", "x", "z"), letters_model().ngrams, [], 0.0).decode_with_alternatives(rows, undecided, 4)
    assert len(slots) <= 1
