"""The search against that of pyctcdecode, which is an engine of its own where it is installed.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import Any

import numpy as np
import pytest
from ctc import ENGLISH, TINY, TINY_ARPA, from_logits, mixed_emissions, spell

from audiosearch.config import DecoderConfig
from audiosearch.decoding import pyctcdecode_engine
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.decoding.lm_scorer import LanguageModelScorer
from audiosearch.errors import ConfigError
from audiosearch.language_model.model import LanguageModel
from audiosearch.parallel import map_in_threads
from audiosearch.types import Emissions

LIBRARY = DecoderConfig(engine="pyctcdecode")


@pytest.fixture
def library() -> Any:
    """pyctcdecode; a test that asks for it is skipped where it is not installed."""
    reason = "pyctcdecode is not installed: pip install 'audiosearch[pyctcdecode]' with a Python below 3.13"
    pytest.importorskip("pyctcdecode", reason=reason)
    import pyctcdecode.decoder
    import pyctcdecode.language_model

    return pyctcdecode


def spoken(seed: int) -> Emissions:
    """Rows as a trained network gives them: peaks of one frame or two between blanks, some with a rival, and pauses."""
    random = np.random.default_rng(seed)
    rows = []
    for letter in " ".join(random.choice([*TINY.words, "zebra"], 8)):
        label = ENGLISH.encode(letter)[0]
        row = random.normal(-9, 1.5, len(ENGLISH))
        row[label] = 0
        if random.random() < 0.4:
            row[random.integers(1, len(ENGLISH))] = random.normal(-0.5, 1)
        row[ENGLISH.blank] = random.normal(-3, 2)
        rows += [row + random.normal(0, 0.1, len(row)) for _ in range(random.integers(1, 3))]
        pause = random.normal(-11, 1, (random.integers(10, 30) if letter == " " else random.integers(0, 4), len(row)))
        pause[:, ENGLISH.blank] = 0
        rows += list(pause)
    return from_logits(np.array(rows))


class HotWords:
    """Our hot words, of one word each, as pyctcdecode asks for them."""

    def __init__(self, words: tuple[str, ...], weight: float) -> None:
        self.words = words
        self.weight = weight

    def __contains__(self, part: str) -> bool:
        return self.score_partial_token(part) > 0

    def score(self, text: str) -> float:
        return sum(self.weight * len(word) for word in text.split() if word in self.words)

    def score_partial_token(self, part: str) -> float:
        return self.weight * len(part) if any(word.startswith(part) for word in self.words) else 0.0


SETTINGS: list[dict[str, Any]] = [
    {"beam_width": 12, "beam_prune_logp": -15, "token_min_logp": -6, "unknown_score": -2},
    {"beam_width": 100, "beam_prune_logp": -10, "token_min_logp": -9, "alpha": 0.9, "beta": -0.5},
    {"beam_width": 3, "beam_prune_logp": -40, "token_min_logp": -4, "alpha": 0.3, "beta": 2.0, "unknown_score": -8},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["", "wide", "narrow"])
@pytest.mark.parametrize("make", [mixed_emissions, spoken])
@pytest.mark.parametrize("language_model", [None, TINY], ids=["letters", "words"])
@pytest.mark.parametrize("hotwords", [(), ("cap", "zeus")], ids=["", "hotwords"])
def test_both_engines_find_the_same(
    settings: dict[str, Any],
    make: Any,
    language_model: LanguageModel | None,
    hotwords: tuple[str, ...],
    library: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Skipped frames, prefixes that are never made and whatever else makes ours fast change nothing."""
    priors = np.random.default_rng(0).dirichlet(np.ones(len(ENGLISH))).tolist()
    config = DecoderConfig(**settings, hotword_weight=1, label_priors=priors)
    ours = BeamDecoder(ENGLISH, config, language_model, hotwords)
    theirs = BeamDecoder(ENGLISH, config.model_copy(update={"engine": "pyctcdecode"}), language_model)
    if hotwords:  # the library's own are worth something else; put ours in their place
        if language_model is not None:
            monkeypatch.setattr(
                pyctcdecode_engine, "LanguageModelScorer", partial(LanguageModelScorer, hotwords=hotwords)
            )
            theirs._library = pyctcdecode_engine.PyctcdecodeSearch(ENGLISH.labels, config, language_model)
        scorer = HotWords(hotwords, config.hotword_weight)
        monkeypatch.setattr(library.decoder.HotwordScorer, "build_scorer", lambda *_, **__: scorer)
    for emissions in map(make, range(12)):
        for n_best in (1, 20):
            hypotheses, expected = ours.decode(emissions, n_best), theirs.decode(emissions, n_best)
            assert [hypothesis.text for hypothesis in hypotheses] == [hypothesis.text for hypothesis in expected]
            assert [hypothesis.score for hypothesis in hypotheses] == pytest.approx(
                [hypothesis.score for hypothesis in expected], rel=1e-6, abs=1e-5
            )


def test_words_score_as_in_pyctcdecode(library: Any) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed")
    config = DecoderConfig(alpha=0.7, beta=0.4, unknown_score=-3)
    ngrams = kenlm.Model(str(TINY_ARPA))
    theirs = library.language_model.LanguageModel(ngrams, TINY.words, alpha=0.7, beta=0.4, unk_score_offset=-3.0)
    ours = LanguageModelScorer(TINY, config)
    state, their_state = ours.start(), theirs.get_start_state()
    for word in ("the", "cat", "zebra", "sat"):
        for last in (True, False):
            expected, their_next = theirs.score(their_state, word, last)
            score, following = ours.score(state, word, last)
            assert score == pytest.approx(expected)
        state, their_state = following, their_next
    for part in ("t", "th", "the", "thee", "human", "humanthing", "x"):
        assert ours.score_partial(part) == pytest.approx(theirs.score_partial_token(part))


@pytest.mark.usefixtures("library")
def test_the_library_gives_no_alternatives() -> None:
    for language_model in (None, TINY):
        decoder = BeamDecoder(ENGLISH, LIBRARY, language_model)
        hypothesis = decoder.decode_with_alternatives(spell(*"the ca", "tp", *" sat"))
        assert (hypothesis.text, hypothesis.slots) == ("the cat sat", ())
    for nothing in (from_logits(np.zeros((0, len(ENGLISH)))), from_logits(np.eye(len(ENGLISH))[[0, 0]] * 20)):
        assert decoder.decode_with_alternatives(nothing).text == ""


@pytest.mark.usefixtures("library")
def test_other_weights_reach_the_library() -> None:
    config = DecoderConfig(alpha=1.0)
    decoders = BeamDecoder(ENGLISH, config, TINY), BeamDecoder(ENGLISH, LIBRARY, TINY)
    hypothesis, expected = (
        decoder.with_weights(alpha=0.3, beta=2.0, prior=0.0).decode(spoken(3))[0] for decoder in decoders
    )
    assert expected.score != pytest.approx(decoders[1].decode(spoken(3))[0].score)
    assert hypothesis.text == expected.text
    assert hypothesis.score == pytest.approx(expected.score)


def test_threads_search_with_the_library(library: Any) -> None:
    inputs = [spoken(seed) for seed in range(3)]
    decoder = BeamDecoder(ENGLISH, LIBRARY, TINY)
    jobs = ((None, emissions) for emissions in inputs)
    hypotheses = [hypothesis for _, hypothesis in map_in_threads(decoder.decode_with_alternatives, jobs, 2)]
    assert hypotheses == [decoder.decode_with_alternatives(emissions) for emissions in inputs]
    models = library.decoder.BeamSearchDecoderCTC.model_container
    gc.collect()
    count = len(models)
    del decoder
    gc.collect()
    assert len(models) == count - 1  # nothing stays behind


def test_a_missing_library_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyctcdecode_engine, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"Python below 3\.13, run pip install 'audiosearch\[pyctcdecode\]'"):
        BeamDecoder(ENGLISH, LIBRARY, TINY)
    BeamDecoder(ENGLISH, DecoderConfig(), TINY)


def test_hot_words_need_the_builtin_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyctcdecode_engine, "find_spec", lambda _: object())
    with pytest.raises(
        ConfigError, match=r"does not support hot words such as 'zeus': .*set decoder\.engine to builtin"
    ):
        BeamDecoder(ENGLISH, LIBRARY, TINY, ["zeus"])
