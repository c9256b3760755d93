"""The decoders against brute force and on emissions made by hand; ``test_pyctcdecode_engine.py`` has the oracle.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import itertools
import math
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ctc import ENGLISH, TINY, from_probabilities, mixed_emissions, spell

from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.decoder import BeamDecoder, decoder_pool, greedy
from audiosearch.decoding.hypothesis import Hypothesis
from audiosearch.errors import AudioSearchError, ConfigError, LanguageModelError
from audiosearch.language_model.kenlm_model import LanguageModel
from audiosearch.parallel import JOBS_PER_PROCESS, ProcessPool
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
    weighted.set_weights(alpha=0.0, beta=0.0, prior=0.0)
    assert weighted.decode(emissions)[0].text == "the cap sat"
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
    decoder.set_weights(alpha=0.0, beta=0.0, prior=0.1)  # 0.5 · 50^0.1 < 1
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


# Pools


def test_processes_keep_the_order_and_read_few_jobs_ahead() -> None:
    inputs = [mixed_emissions(seed, 30 + seed, sharpness=2.0) for seed in range(12)]
    taken = 0

    def counted() -> Iterator[Emissions]:
        nonlocal taken
        for emissions in inputs:
            taken += 1
            yield emissions

    with decoder_pool(ENGLISH, DecoderConfig(), TINY, ["cap"], processes=1) as pool:
        expected = list(pool.map(inputs))
    with decoder_pool(ENGLISH, DecoderConfig(), TINY, ["cap"], processes=2) as pool:
        results = pool.map(counted())
        assert next(results) == expected[0]
        assert taken <= 2 * JOBS_PER_PROCESS
        assert [expected[0], *results] == expected
        assert list(pool.map([])) == []


def test_processes_report_a_damaged_language_model(tmp_path: Path) -> None:
    broken = tmp_path / "lm.bin"
    broken.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(100))
    with (
        decoder_pool(ENGLISH, DecoderConfig(), LanguageModel(broken, ("the",)), processes=2) as pool,
        pytest.raises(LanguageModelError, match=r"lm\.bin"),
    ):
        list(pool.map([spell("t")]))


def evaluators(processes: int) -> ProcessPool[str, object]:
    """Processes whose jobs are Python expressions, which can be pickled, unlike functions of a test."""
    return ProcessPool(partial(partial, eval), processes)


def test_a_process_that_dies_is_reported() -> None:
    jobs = ["1", f"__import__('os').kill(__import__('os').getpid(), {signal.SIGKILL:d})", "2", "3", "4", "5"]
    with evaluators(2) as workers, pytest.raises(AudioSearchError, match="ended unexpectedly"):
        list(workers.map(jobs))


def test_processes_load_no_torch() -> None:
    modules = ("audiosearch.evaluation.decoder_tuning", "audiosearch.decoding.decoder")
    job = f"([__import__(name) for name in {modules}], 'torch' in __import__('sys').modules)[1]"
    with evaluators(2) as workers:
        assert list(workers.map([job] * 4)) == [False] * 4


PROGRAM = """
import sys
from functools import partial
from audiosearch.parallel import ProcessPool

def jobs():
    yield "(print('working', flush=True), __import__('time').sleep(0.2))"
    print("ready", flush=True)
    while True:
        yield "__import__('time').sleep(0.2)"

if __name__ == "__main__":
    try:
        with ProcessPool(partial(partial, eval), 2) as workers:
            for _ in workers.map(jobs()):
                pass
    except KeyboardInterrupt:
        sys.exit("interrupted")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_parent(how: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C, which reaches all processes at once, ends them silently; those of a killed parent end too."""
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    assert parent.stdout is not None
    assert {parent.stdout.readline(), parent.stdout.readline()} == {"ready\n", "working\n"}
    if how == signal.SIGINT:
        os.killpg(parent.pid, how)
    else:
        parent.kill()
    _, errors = parent.communicate(timeout=30)  # returns when the last process that holds the pipes has ended
    if how == signal.SIGINT:
        assert errors.strip() == "interrupted"
