"""Alternatives: lattice, lexicon and both together, against brute force and known answers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from ctc import ENGLISH, TINY, random_rows, spell
from numpy.typing import NDArray

from audiosearch.alignment.forced_alignment import label_frames
from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.alternatives import MAX_CANDIDATES
from audiosearch.decoding.beam_search import BeamSettings, search
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.decoding.lattice import Arc, _topological_order, assign_arcs, lattice_arcs, word_posteriors
from audiosearch.decoding.lexicon_search import LexiconSearch
from audiosearch.types import Emissions

ABC = Alphabet(("", "a", "b", "c", " "))


class Flat:
    """A trigram language model in which all words are equally likely."""

    order = 3

    def start(self) -> None:
        """The only state."""

    def score(self, state: None, word: str, last: bool = False) -> tuple[float, None]:
        return 0.0, None

    def score_partial(self, part: str) -> float:
        return 0.0


def test_paths_through_a_lattice_add_up_to_one() -> None:
    rivals = 0
    for seed in range(10):
        rows = random_rows(seed, 40, len(ABC))
        _, beams = search(rows, ABC.labels, Flat(), None, BeamSettings(20, -20, -8, True))
        arcs = lattice_arcs(beams, len(rows), scale=0.5)
        assert all(0 <= arc.probability <= 1 + 1e-9 and 0 <= arc.start <= arc.end <= len(rows) for arc in arcs)
        rivals += sum(len(history.rivals) for history in _topological_order(beam.history for beam in beams))
        # Every path has one first word, and only edges that would close a cycle are lost.
        assert 0.95 <= math.fsum(arc.probability for arc in arcs if arc.start == 0) <= 1 + 1e-9
    assert rivals > 100


def test_a_pruned_word_keeps_its_probability() -> None:
    """Of two words, one half as likely as the other, the worse is pruned after some words that follow both."""
    config = DecoderConfig(alpha=0.0, beta=0.0)
    emissions = spell(*"the ca", "tp", *" sat human things the cat sat")
    decoder = BeamDecoder(ENGLISH, config, TINY)
    hypotheses, beams = decoder._search(emissions, prune_history=True)
    best = hypotheses[0]
    assert best.text == "the cat sat human things the cat sat"
    for scale in (0.5, 1.0):
        positions = word_posteriors(best.text, beams, len(emissions), scale)
        share = 1 / (1 + 0.5**scale)
        assert positions[1]["cat"] == pytest.approx(share, abs=0.02)
        assert positions[1]["cap"] == pytest.approx(1 - share, abs=0.02)
        assert positions[6]["cat"] == pytest.approx(1, abs=0.02)


def test_words_compete_for_the_position_they_overlap_most() -> None:
    arcs = [Arc("in", 0, 4, 0.6), Arc("form", 5, 10, 0.5), Arc("inform", 0, 10, 0.4), Arc("form", 6, 10, 0.1)]
    arcs += [Arc("a", 10, 11, 1.0), Arc("far", 40, 50, 1.0)]
    assigned = assign_arcs([(0, 4), (5, 10), (11, 20)], arcs)
    assert assigned[0] == {"in": 0.6}
    assert assigned[1] == pytest.approx({"form": 0.6, "inform": 0.4})
    assert assigned[2] == {}


def test_label_frames_are_those_of_the_likeliest_path() -> None:
    for seed, labels in itertools.product(range(5), ([1], [1, 1], [2, 1, 2])):
        rows = random_rows(seed, 6, 3)
        best, runs = -math.inf, []
        for path in itertools.product(range(3), repeat=6):
            spans = [(key, [t for t, _ in run]) for key, run in itertools.groupby(enumerate(path), lambda p: p[1])]
            spans = [(key, frames) for key, frames in spans if key]
            score = float(rows[range(6), path].sum())
            if [key for key, _ in spans] == labels and score > best:
                best, runs = score, [(frames[0], frames[-1] + 1) for _, frames in spans]
        starts, ends = label_frames(rows, labels, blank=0)
        assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == runs
    with pytest.raises(ValueError, match="do not fit"):
        label_frames(random_rows(0, 2, 3), [1, 1], blank=0)


def likeliest(rows: NDArray[np.float32], word: str) -> float:
    """The best path of a word with blanks and spaces around it, over blanks and spaces alone, by brute force."""
    best = -math.inf
    silent = np.maximum(rows[:, ABC.blank], rows[:, ABC.space])
    for first, last in itertools.combinations(range(len(rows) + 1), 2):
        for path in itertools.product([0, *ABC.encode("abc")], repeat=last - first):
            if ABC.decode(label for label, _ in itertools.groupby(path)) == word:
                score = rows[range(first, last), path].sum() - silent[first:last].sum()
                best = max(best, float(score))
    return best


def test_lexicon_search_equals_brute_force() -> None:
    words = ["a", "aa", "ab", "abc", "b", "ba", "bab", "c", "cc"]
    priors = [-1.0, -2.0, -1.5, -0.5, -3.0, -1.0, -2.0, -1.0, -1.0]
    lexicon = LexiconSearch([*words, "é"], [*priors, 0.0], ABC)
    for seed in range(4):
        rows = random_rows(seed, 5, len(ABC))
        expected = {word: likeliest(rows, word) for word in words}
        assert {word: lexicon.score(rows, word) for word in words} == pytest.approx(expected, abs=1e-4)
        matches = lexicon.n_best(rows, len(words), beam=1000)
        assert {match.word: match.score for match in matches} == pytest.approx(expected, abs=1e-4)
        ranks = [match.score + priors[words.index(match.word)] for match in matches]
        assert ranks == sorted(ranks, reverse=True)
        assert [match.word for match in lexicon.n_best(rows, 2, beam=1000)] == [match.word for match in matches[:2]]
        assert lexicon.n_best(rows, 9) == lexicon.n_best(rows, 9)  # no state is left from the first call


def test_an_empty_lexicon_has_no_matches() -> None:
    assert LexiconSearch([], [], ABC).n_best(random_rows(0, 5, len(ABC)), 3) == []
    assert LexiconSearch(["a"], [0.0], ABC).n_best(random_rows(0, 0, len(ABC)), 3) == []


def test_slots_hold_words_that_sound_alike() -> None:
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY)
    hypothesis = decoder.decode_with_alternatives(spell(*"the ca", "tp", *" sat"))
    assert [slot.text for slot in hypothesis.slots] == hypothesis.text.split() == ["the", "cat", "sat"]
    cat = hypothesis.slots[1]
    assert cat.candidates[0].text == "cap"
    assert cat.candidates[0].acoustic_score == pytest.approx(math.log(0.5), abs=0.01)
    for slot in hypothesis.slots:
        texts = [slot.text, *(candidate.text for candidate in slot.candidates)]
        assert len(set(texts)) == len(texts) <= MAX_CANDIDATES + 1
        assert slot.share + sum(candidate.share for candidate in slot.candidates) <= 1 + 1e-9
        assert 0 <= slot.posterior <= 1
    assert hypothesis.text == decoder.decode(spell(*"the ca", "tp", *" sat"))[0].text
    assert decoder.decode_with_alternatives(Emissions(np.zeros((0, 29), np.float32), 0.02)).slots == ()


def test_without_a_language_model_candidates_come_from_the_lattice() -> None:
    (slot,) = BeamDecoder(ENGLISH, DecoderConfig()).decode_with_alternatives(spell(*"ca", "tp")).slots
    assert (slot.text, slot.candidates[0].text) == ("cat", "cap")
    assert slot.share == slot.posterior
