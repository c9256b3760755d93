"""The decoders against brute force and on emissions made by hand; ``test_pyctcdecode_engine.py`` has the oracle.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from ctc import ENGLISH, TINY, from_probabilities, mixed_emissions, spell

from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.decoder import BeamDecoder, greedy
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.errors import ConfigError, LanguageModelError
from audiosearch.language_model.model import LanguageModel
from audiosearch.parallel import map_in_threads
from audiosearch.types import Emissions


def collapse(path: tuple[int, ...], alphabet: Alphabet) -> str:
    return alphabet.decode(label for label, _ in itertools.groupby(path))


def test_greedy_merges_repeats_and_drops_blanks() -> None:
    emissions = spell("t", "_", "h", "e", "e", "_", " ", " ", "_", "b", "e", "_", "e", " ")
    assert greedy(emissions, ENGLISH).text == "the bee"
    assert greedy(spell("_", " ", "_"), ENGLISH).text == ""
    assert greedy(Emissions(np.zeros((0, 29), np.float32), 0.02), ENGLISH) == Hypothesis("", 0.0)


def test_without_pruning_the_beam_search_sums_all_paths() -> None:
    alphabet = Alphabet(("", "a", "b"))
    config = DecoderConfig(beam_width=1000, beam_prune_logp=-1000, token_min_logp=-1000)
    for seed in range(5):
        random = np.random.default_rng(seed)
        emissions = from_probabilities(random.random((6, 3)))
        sums: dict[str, float] = defaultdict(float)
        for path in itertools.product(range(3), repeat=6):
            sums[collapse(path, alphabet)] += math.exp(sum(emissions.log_probs[range(6), path].tolist()))
        expected = sorted(((math.log(p), text) for text, p in sums.items()), reverse=True)
        hypotheses = BeamDecoder(alphabet, config).decode(emissions, n_best=1000)
        assert [hypothesis.text for hypothesis in hypotheses] == [text for _, text in expected]
        assert [hypothesis.score for hypothesis in hypotheses] == pytest.approx(
            [score for score, _ in expected], abs=1e-4
        )


def test_repeating_sure_frames_changes_no_text() -> None:
    frames = ["th", "_", "h", "ea", "_", " ", "c", "a", "tp", "_", " ", "s", "a", "t"]
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY)
    once = decoder.decode(spell(*frames), n_best=5)
    longer = [frame for frame in frames for _ in range(4 if len(frame) == 1 else 1)]
    again = decoder.decode(spell("_", "_", *longer), n_best=5)
    assert [hypothesis.text for hypothesis in once] == [hypothesis.text for hypothesis in again]
    assert once[0].text == "the cat sat"


def test_the_language_model_decides_between_similar_words() -> None:
    emissions = spell("t", "h", "e", " ", "c", "a", "pt", " ", "s", "a", "t")
    assert BeamDecoder(ENGLISH, DecoderConfig()).decode(emissions)[0].text == "the cap sat"
    weighted = BeamDecoder(ENGLISH, DecoderConfig(alpha=1.0), TINY)
    assert weighted.decode(emissions)[0].text == "the cat sat"
    unweighted = weighted.with_weights(alpha=0.0, beta=0.0, prior=0.0)
    assert unweighted.decode(emissions)[0].text == "the cap sat"
    assert weighted.decode(emissions)[0].text == "the cat sat"
    hot = BeamDecoder(ENGLISH, DecoderConfig(alpha=1.0, hotword_weight=3), TINY, hotwords=["Cap!"])
    assert hot.decode(emissions)[0].text == "the cap sat"


def test_an_unknown_word_is_spelled_if_it_is_clear() -> None:
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY)
    assert decoder.decode(spell(*"the_zebra_sat".replace("_", " ")))[0].text == "the zebra sat"
    assert decoder.decode(spell("t", "h", "e", " ", "c", "oa", "t"))[0].text == "the cat"


def test_label_priors_are_subtracted() -> None:
    priors = np.full(len(ENGLISH), 0.01)
    priors[ENGLISH.encode("p")[0]] = 0.5
    config = DecoderConfig(label_priors=tuple(priors.tolist()), prior_weight=0.5)
    emissions = spell(*"ca", "pt")  # p is twice as likely as t there, and fifty times by itself
    assert BeamDecoder(ENGLISH, DecoderConfig(prior_weight=0.5)).decode(emissions)[0].text == "cap"
    decoder = BeamDecoder(ENGLISH, config)
    assert [hypothesis.text for hypothesis in decoder.decode(emissions, n_best=2)] == ["cat", "cap"]
    assert decoder.decode(spell("_", "_"))[0].text == ""
    decoder = decoder.with_weights(alpha=0.0, beta=0.0, prior=0.1)  # 0.5 · 50^0.1 < 1
    assert decoder.decode(emissions)[0].text == "cap"
    with pytest.raises(ConfigError, match="2 numbers for 29 labels"):
        BeamDecoder(ENGLISH, DecoderConfig(label_priors=(0.5, 0.5)))
    with pytest.raises(ValueError, match="none of them 0"):
        DecoderConfig(label_priors=(0.0, 1.0))


def test_silence_is_no_word() -> None:
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY)
    for emissions in (spell("_", "_"), spell(" "), spell("_t", "_ "), Emissions(np.zeros((0, 29), np.float32), 0.02)):
        assert [hypothesis.text for hypothesis in decoder.decode(emissions)] == [""]
    with_space = decoder.decode(spell(*"the cat", " "))
    assert with_space[0].text == "the cat"
    assert with_space[0].score == pytest.approx(decoder.decode(spell(*"the cat", "_"))[0].score, abs=0.01)


def test_threads_share_a_decoder() -> None:
    inputs = [mixed_emissions(seed, 30 + seed, sharpness=2.0) for seed in range(12)]
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY, ["cap"])
    expected = [decoder.decode_with_alternatives(emissions) for emissions in inputs]
    jobs = ((number, emissions) for number, emissions in enumerate(inputs))
    assert list(map_in_threads(decoder.decode_with_alternatives, jobs, 4)) == list(enumerate(expected))


def test_emissions_of_any_layout_are_decoded_alike() -> None:
    decoder = BeamDecoder(ENGLISH, DecoderConfig(), TINY)
    emissions = mixed_emissions(0)
    expected = decoder.decode_with_alternatives(emissions)
    for rows in (np.asfortranarray(emissions.log_probs), np.repeat(emissions.log_probs, 2, axis=0)[::2]):
        rows.flags.writeable = False
        assert decoder.decode_with_alternatives(Emissions(rows, emissions.frame_duration)) == expected


def test_a_damaged_language_model_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "lm.bin"
    for content in (b"", bytes(100), b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(100)):
        broken.write_bytes(content)
        with pytest.raises(LanguageModelError, match=r"lm\.bin"):
            BeamDecoder(ENGLISH, DecoderConfig(), LanguageModel(broken))


def test_decoding_loads_no_torch() -> None:
    modules = "audiosearch.evaluation.decoder_tuning, audiosearch.decoding.decoder"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
