"""What else may have been said: lattice, word list and both together, against brute force and known answers."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.alignment.viterbi import label_frames
from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.alternatives import RIVALS
from audiosearch.decoding.beam_search import Limits, search
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.decoding.lattice import Arc, _ordered, compete, lattice, posteriors
from audiosearch.decoding.lexicon_search import Lexicon
from audiosearch.language_model.kenlm_model import LanguageModel
from audiosearch.types import Emissions

ENGLISH = Alphabet()
ABC = Alphabet(("", "a", "b", "c", " "))
TINY = LanguageModel(Path(__file__).parents[2] / "data" / "tiny.arpa", ("the", "cat", "cap", "sat", "human", "things"))


def random_rows(seed: int, frames: int, labels: int, sharpness: float = 2.0) -> NDArray[np.float32]:
    logits = np.random.default_rng(seed).normal(0, sharpness, (frames, labels))
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


def spell(*frames: str) -> Emissions:
    """Frames as strings of the labels that are likely, each half as likely as the one before; ``_`` is the blank."""
    rows = np.full((len(frames), len(ENGLISH)), 1e-5)
    for row, frame in zip(rows, frames, strict=True):
        for rank, character in enumerate(frame):
            row[ENGLISH.blank if character == "_" else ENGLISH.encode(character)[0]] = 0.5**rank
    return Emissions(np.log(rows / rows.sum(1, keepdims=True)).astype(np.float32), 0.02)


class Flat:
    """A language model that looks at three words and likes all."""

    order = 3

    def start(self) -> None:
        """Nothing to remember."""

    def score(self, state: None, word: str, last: bool = False) -> tuple[float, None]:
        return 0.0, None

    def score_part(self, part: str) -> float:
        return 0.0


def test_paths_through_a_lattice_add_up_to_one() -> None:
    rivals = 0
    for seed in range(10):
        rows = random_rows(seed, 40, len(ABC))
        _, ends = search(rows, ABC.labels, Flat(), None, Limits(20, -20, -8, True))
        arcs = lattice(ends, len(rows), scale=0.5)
        assert all(0 <= arc.probability <= 1 + 1e-9 and 0 <= arc.start <= arc.end <= len(rows) for arc in arcs)
        rivals += sum(len(words.rivals) for words in _ordered(end.words for end in ends))
        # Every path has one first word, and nothing but what goes round in circles is lost.
        assert 0.95 <= math.fsum(arc.probability for arc in arcs if arc.start == 0) <= 1 + 1e-9
    assert rivals > 100


def test_a_word_given_up_keeps_its_probability() -> None:
    """Two words, one half as likely as the other, then so much that one of them is given up as both go on alike."""
    config = DecoderConfig(alpha=0.0, beta=0.0)
    heard = spell(*"the ca", "tp", *" sat human things the cat sat")
    decoder = BeamDecoder(ENGLISH, config, TINY)
    found, ends = decoder._search(heard, prune_history=True)
    best = found[0]
    assert best.text == "the cat sat human things the cat sat"
    for scale in (0.5, 1.0):
        places = posteriors(best.text, ends, len(heard), scale)
        share = 1 / (1 + 0.5**scale)
        assert places[1]["cat"] == pytest.approx(share, abs=0.02)
        assert places[1]["cap"] == pytest.approx(1 - share, abs=0.02)
        assert places[6]["cat"] == pytest.approx(1, abs=0.02)


def test_words_compete_for_the_place_they_share_most_time_with() -> None:
    arcs = [Arc("in", 0, 4, 0.6), Arc("form", 5, 10, 0.5), Arc("inform", 0, 10, 0.4), Arc("form", 6, 10, 0.1)]
    arcs += [Arc("a", 10, 11, 1.0), Arc("far", 40, 50, 1.0)]
    found = compete([(0, 4), (5, 10), (11, 20)], arcs)
    assert found[0] == {"in": 0.6}
    assert found[1] == pytest.approx({"form": 0.6, "inform": 0.4})
    assert found[2] == {}


def test_label_frames_are_those_of_the_likeliest_path() -> None:
    for seed, labels in itertools.product(range(5), ([1], [1, 1], [2, 1, 2])):
        rows = random_rows(seed, 6, 3)
        best, runs = -math.inf, []
        for path in itertools.product(range(3), repeat=6):
            found = [(key, [t for t, _ in run]) for key, run in itertools.groupby(enumerate(path), lambda p: p[1])]
            found = [(key, frames) for key, frames in found if key]
            score = float(rows[range(6), path].sum())
            if [key for key, _ in found] == labels and score > best:
                best, runs = score, [(frames[0], frames[-1] + 1) for _, frames in found]
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


def test_a_word_list_is_searched_as_by_brute_force() -> None:
    words = ["a", "aa", "ab", "abc", "b", "ba", "bab", "c", "cc"]
    priors = [-1.0, -2.0, -1.5, -0.5, -3.0, -1.0, -2.0, -1.0, -1.0]
    lexicon = Lexicon([*words, "é"], [*priors, 0.0], ABC)
    for seed in range(4):
        rows = random_rows(seed, 5, len(ABC))
        expected = {word: likeliest(rows, word) for word in words}
        assert {word: lexicon.score(rows, word) for word in words} == pytest.approx(expected, abs=1e-4)
        found = lexicon.best(rows, len(words), beam=1000)
        assert {fit.word: fit.score for fit in found} == pytest.approx(expected, abs=1e-4)
        ranks = [fit.score + priors[words.index(fit.word)] for fit in found]
        assert ranks == sorted(ranks, reverse=True)
        assert [fit.word for fit in lexicon.best(rows, 2, beam=1000)] == [fit.word for fit in found[:2]]
        assert lexicon.best(rows, 9) == lexicon.best(rows, 9)  # nothing is left of the first time


def test_a_word_list_of_nothing_fits_nothing() -> None:
    assert Lexicon([], [], ABC).best(random_rows(0, 5, len(ABC)), 3) == []
    assert Lexicon(["a"], [0.0], ABC).best(random_rows(0, 0, len(ABC)), 3) == []


def test_slots_name_what_sounds_alike() -> None:
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY)
    hypothesis = decoder.read(spell(*"the ca", "tp", *" sat"))
    assert [slot.text for slot in hypothesis.slots] == hypothesis.text.split() == ["the", "cat", "sat"]
    cat = hypothesis.slots[1]
    assert cat.rivals[0].text == "cap"
    assert cat.rivals[0].sound == pytest.approx(math.log(0.5), abs=0.01)
    for slot in hypothesis.slots:
        texts = [slot.text, *(rival.text for rival in slot.rivals)]
        assert len(set(texts)) == len(texts) <= RIVALS + 1
        assert slot.share + sum(rival.share for rival in slot.rivals) <= 1 + 1e-9
        assert 0 <= slot.posterior <= 1
    assert hypothesis.text == decoder.decode(spell(*"the ca", "tp", *" sat"))[0].text
    assert decoder.read(Emissions(np.zeros((0, 29), np.float32), 0.02)).slots == ()


def test_without_a_language_model_the_search_alone_tells() -> None:
    (slot,) = BeamDecoder(ENGLISH, DecoderConfig()).read(spell(*"ca", "tp")).slots
    assert (slot.text, slot.rivals[0].text) == ("cat", "cap")
    assert slot.share == slot.posterior
