"""Alignment against brute force on tiny inputs, and invariants.

Legend: T' emission frames, V labels.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from ctc import ENGLISH, FRAME, random_rows

from audiosearch.acoustic.checkpoint import load_model
from audiosearch.alignment.forced_alignment import LEAD, TAIL, align, find_peaks
from audiosearch.audio.reader import read
from audiosearch.model_folder import SHIPPED_MODEL
from audiosearch.types import Emissions


def clear(frames: str, probability: float = 0.9) -> Emissions:
    """A character for each frame, ``_`` for the blank, all of the same probability."""
    rows = np.full((len(frames), len(ENGLISH)), (1 - probability) / (len(ENGLISH) - 1))
    for row, character in zip(rows, frames, strict=True):
        row[ENGLISH.blank if character == "_" else ENGLISH.encode(character)[0]] = probability
    return Emissions(np.log(rows).astype(np.float32), FRAME, start=10.0)


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 2]])
def test_peaks_are_those_of_the_likeliest_path(labels: list[int]) -> None:
    for seed in range(10):
        log_probs = random_rows(seed, 6, 3)
        best, runs = -math.inf, []
        for path in itertools.product(range(3), repeat=6):
            spans = [
                (key, [frame for frame, _ in run]) for key, run in itertools.groupby(enumerate(path), lambda p: p[1])
            ]
            spans = [(key, frames) for key, frames in spans if key != 0]
            score = float(log_probs[range(6), path].sum())
            if [key for key, _ in spans] == labels and score > best:
                best, runs = score, spans
        peaks = find_peaks(log_probs, labels, blank=0)
        assert [(peak.start, peak.end) for peak in peaks] == [(frames[0], frames[-1] + 1) for _, frames in runs]
        expected = [max(log_probs[frame, label] for frame in frames) for label, frames in runs]
        assert [peak.log_prob for peak in peaks] == pytest.approx(expected)


def test_words_extend_beyond_their_peaks_where_there_is_room() -> None:
    frames = "_" * 20 + "a_m" + " " + "_" * 50 + "i" + "  " + "i" + "_"
    am, first, second = align(clear(frames), "am i i", ENGLISH)
    assert (am.text, first.text, second.text) == ("am", "i", "i")
    assert am.start == pytest.approx(10 + 20 * FRAME - LEAD)
    assert am.end == pytest.approx(10 + 23 * FRAME + TAIL)
    assert first.start == pytest.approx(10 + 74 * FRAME - LEAD)
    shared = 2 * FRAME  # less than both words would like
    assert first.end == second.start == pytest.approx(10 + 75 * FRAME + shared * TAIL / (LEAD + TAIL))
    assert second.end == pytest.approx(10 + 79 * FRAME)  # the end of the emissions


def test_confidence_is_the_mean_probability_of_the_letters() -> None:
    (sure,) = align(clear("_b_ee__", 0.9), "be", ENGLISH)
    assert sure.confidence == pytest.approx(0.9, abs=1e-5)
    (wrong,) = align(clear("_b_ee__", 0.9), "bc", ENGLISH)
    assert wrong.confidence == pytest.approx(math.sqrt(0.9 * 0.1 / 28), rel=1e-4)


def test_doubled_letters_and_words_stay_apart() -> None:
    peaks = find_peaks(clear("_ee_e_l").log_probs, ENGLISH.encode("eel"), ENGLISH.blank)
    assert [(peak.start, peak.end) for peak in peaks] == [(1, 3), (4, 5), (6, 7)]
    peaks = find_peaks(clear("eee").log_probs, ENGLISH.encode("ee"), ENGLISH.blank)
    assert [(peak.start, peak.end) for peak in peaks] == [(0, 1), (2, 3)]  # a blank is needed between
    first, second = align(clear("a a"), "a a", ENGLISH)
    assert first.end == second.start


def test_any_text_that_fits_has_words_in_order_inside_the_emissions() -> None:
    random = np.random.default_rng(0)
    for seed in range(30):
        frames = int(random.integers(20, 80))
        emissions = Emissions(random_rows(seed, frames, len(ENGLISH)), FRAME, 3.0)
        emissions.log_probs[random.random(emissions.log_probs.shape) < 0.3] = -np.inf
        text = " ".join("".join(random.choice(list("abc'"), random.integers(1, 4))) for _ in range(5))[: frames // 2]
        words = align(emissions, text, ENGLISH)
        assert " ".join(word.text for word in words) == " ".join(text.split())
        times = [time for word in words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 3.0
        assert times[-1] <= emissions.seconds(frames)
        assert all(word.start < word.end and 0 <= word.confidence <= 1 for word in words)
        assert words == align(emissions, text, ENGLISH)


def test_an_empty_text_has_no_words() -> None:
    assert align(clear("___"), "", ENGLISH) == ()
    assert align(Emissions(np.zeros((0, 29), np.float32), FRAME), " ", ENGLISH) == ()


@pytest.mark.parametrize(("frames", "text"), [("ab", "abc"), ("aa", "aa"), ("", "a")])
def test_a_text_that_does_not_fit_is_refused(frames: str, text: str) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        align(clear(frames), text, ENGLISH)


def test_characters_outside_the_alphabet_are_refused() -> None:
    with pytest.raises(ValueError, match="not in the alphabet"):
        align(clear("aaaa"), "ä", ENGLISH)


@pytest.mark.slow
def test_word_times_agree_with_another_aligner(shared: Path) -> None:
    """Half of the words start and end within 40 ms of where phone models put them."""
    if not SHIPPED_MODEL.exists():
        pytest.skip("no model is installed")
    model = load_model(SHIPPED_MODEL)
    folder = shared / "speech" / "dev" / "word-times"
    reference: dict[str, list[tuple[float, float]]] = {}
    for line in (folder / "word-times.ctm").read_text().splitlines():
        utterance, _, begin, duration, _ = line.split()
        reference.setdefault(utterance, []).append((float(begin), float(begin) + float(duration)))
    starts, ends = [], []
    for row in map(json.loads, (folder / "manifest.jsonl").read_text().splitlines()[:12]):
        if len(reference[row["id"]]) != len(row["text"].split()):
            continue  # the reference splits some words differently
        samples = torch.from_numpy(read(folder / row["audio"], model.config.features.sample_rate))
        with torch.inference_mode():
            log_probs, _ = model.network(*model.features(samples[None], torch.tensor([len(samples)])))
        emissions = Emissions(log_probs[0].numpy(), model.frame_duration, model.emission_start)
        for word, (start, end) in zip(align(emissions, row["text"], model.alphabet), reference[row["id"]], strict=True):
            starts.append(abs(word.start - start))
            ends.append(abs(word.end - end))
    assert len(starts) > 100
    assert np.median(starts) < 0.04
    assert np.median(ends) < 0.04
