"""Alternatives of words, as the decoder gives them; ``core/test_alternatives.py`` compares them with brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ctc import ENGLISH, TINY, spell

from audiosearch.config import DecoderConfig
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.types import Emissions

MAX_CANDIDATES = 6


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
