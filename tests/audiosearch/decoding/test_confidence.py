"""Calibration: fitting recovers known weights, files are checked, and rescoring has its invariants."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from audiosearch.commands.calibrate import calibrate as command
from audiosearch.decoding.confidence import MIN_PROBABILITY, Calibration, load_calibration
from audiosearch.decoding.hypothesis import Candidate, ConfusionSlot
from audiosearch.errors import ConfigError
from audiosearch.evaluation.confidence_fitting import ConfidenceExample, fit_calibration
from audiosearch.evaluation.logistic import fit_logistic
from audiosearch.model_folder import save_calibration
from audiosearch.spotting.scoring import SpottingCalibration
from audiosearch.types import MAX_ALTERNATIVES, Word


def test_fitting_recovers_known_weights() -> None:
    random = np.random.default_rng(1)
    features = np.column_stack([np.ones(20000), random.normal(size=(20000, 2))])
    true = np.array([-0.5, 2.0, -1.0])
    right = random.random(20000) < 1 / (1 + np.exp(-features @ true))
    assert fit_logistic(features, right) == pytest.approx(true, abs=0.1)
    assert all(np.isfinite(fit_logistic(features, np.ones(20000, bool))))  # no errors: the ridge bounds the weights


def example(speaker: str, seed: int) -> ConfidenceExample:
    """Words that are right as often as their share predicts; the mean probability of letters is always 0.9."""
    random = np.random.default_rng(seed)
    words, slots, reference = [], [], []
    for number in range(400):
        share = float(random.uniform(0.05, 0.95))
        right = random.random() < share
        time = float(number)
        words.append(Word("cat", time, time + 0.5, 0.9))
        slots.append(ConfusionSlot("cat", 0.5, share, (Candidate("cap", 0.1, -1.0, 0.0, 1 - share),)))
        reference.append(Word("cat" if right else "cap", time + 0.05, time + 0.55, 1.0))
    return ConfidenceExample(speaker, tuple(words), tuple(slots), tuple(reference))


def test_shares_that_predict_correctness_become_probabilities() -> None:
    examples = [example(speaker, seed) for seed, speaker in enumerate("abcdefgh")]
    calibration, (words, alternatives) = fit_calibration(examples)
    assert words.error_before > 0.3
    assert words.error_after < 0.05
    assert alternatives.error_after < 0.05
    rescored = calibration.rescore(examples[0].words, examples[0].slots)
    for word, slot in zip(rescored, examples[0].slots, strict=True):
        share = {"cat": slot.share, "cap": 1 - slot.share}[word.text]
        assert word.confidence == pytest.approx(share, abs=0.1)
    with pytest.raises(ConfigError, match="two speakers"):
        fit_calibration(examples[:1])


def test_rescored_words_have_few_alternatives_in_order() -> None:
    word = Word("cat", 0.0, 1.0, 0.7)
    shares = (0.02, 0.1, 0.3, 0.2)
    slot = ConfusionSlot(
        "cat", 0.5, 0.3, tuple(Candidate(f"w{n}", 0.0, 0.0, 0.0, share) for n, share in enumerate(shares))
    )
    (raw,) = Calibration().rescore([word], [slot])
    assert (raw.text, raw.start, raw.end, raw.confidence) == ("cat", 0.0, 1.0, 0.7)
    assert [(alternative.text, alternative.probability) for alternative in raw.alternatives] == [
        ("w2", 0.3),
        ("w3", 0.2),
    ]
    assert len(raw.alternatives) == MAX_ALTERNATIVES
    nothing = Calibration(alternative=(-30.0, 0, 0, 0, 0, 0, 0))
    assert nothing.rescore([word], [slot])[0].alternatives == ()
    assert MIN_PROBABILITY > 0.02


def test_the_most_probable_candidate_replaces_the_word() -> None:
    word = Word("cat", 0.0, 1.0, 0.7)
    slot = ConfusionSlot("cat", 0.5, 0.3, (Candidate("cap", 0.0, 0.0, 0.0, 0.1), Candidate("cut", 0.0, 2.0, 0.0, 0.6)))
    calibration = Calibration(word=(0.0, 0, 0, 1, 0), alternative=(0.0, 0, 0, 0, 1, 0, 0))  # shares stay as they are
    (read,) = calibration.rescore([word], [slot])
    assert (read.text, read.start, read.end) == ("cut", 0.0, 1.0)
    assert read.confidence == pytest.approx(0.6)
    probabilities = {alternative.text: alternative.probability for alternative in read.alternatives}
    assert list(probabilities) == ["cat", "cap"]
    assert probabilities == pytest.approx({"cat": 0.3, "cap": 0.1})
    (kept,) = calibration.rescore([word], [slot], {"cat"})
    assert (kept.text, [alternative.text for alternative in kept.alternatives]) == ("cat", ["cut", "cap"])
    for uncalibrated in (Calibration(), Calibration(word=calibration.word), Calibration(alternative=(0.0,) * 7)):
        assert uncalibrated.rescore([word], [slot])[0].text == "cat"


def test_sections_are_stored_independently(tmp_path: Path) -> None:
    assert load_calibration(tmp_path) == Calibration()
    save_calibration(tmp_path, "sound", SpottingCalibration(floor=7.5).to_dict())
    save_calibration(tmp_path, "word", {"weights": [1.0, 2, 3, 4, -5.5]})
    path = save_calibration(tmp_path, "alternative", {"weights": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)})
    assert path.name == "calibration.yaml"
    expected = Calibration((1, 2, 3, 4, -5.5), (1, 2, 3, 4, 5, 6, 7), SpottingCalibration(floor=7.5))
    assert load_calibration(tmp_path) == expected
    with pytest.raises(ConfigError, match="cannot be written"):
        save_calibration(tmp_path / "none", "word", {})


@pytest.mark.parametrize(
    "wrong",
    [
        *("- 1", "{", "words: {}", "word: {weights: [1, 2]}", "word: {weights: [1, 2, 3, 4, x]}", "word: {bias: [1]}"),
        *("word: {weights: [1, 2, 3, 4, .nan]}", "sound: {loudness: 1}", "sound: [1]", "sound: {floor: -1}"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "calibration.yaml").write_text(wrong)
    with pytest.raises(ConfigError, match=r"calibration\.yaml.*delete the file"):
        load_calibration(tmp_path)


def test_the_command_stores_the_weights_and_reports_unreadable_files(
    tmp_path: Path, whistle_model: Path, whistler: Any
) -> None:
    model = tmp_path / "model"
    shutil.copytree(whistle_model, model)
    lines = [{"audio": "missing.wav", "text": "the cat", "speaker": "c"}]
    for text, reference, speaker in (("the cat sat", "the cat sat", "a"), ("human things", "human thing", "b")):
        audio = whistler.write(tmp_path / f"{text}.wav", text).name
        lines.append({"audio": audio, "text": reference, "speaker": speaker})
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = CliRunner().invoke(command, [str(tmp_path / "dev.jsonl"), "--model", str(model)])
    assert result.exit_code == 1
    assert "missing.wav" in result.stderr
    assert "confidence of words" in result.stdout
    assert str(model / "calibration.yaml") in result.stdout.replace("\n", "")
    assert len(load_calibration(model).word) == 5
    lines = lines[1:2]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = CliRunner().invoke(command, [str(tmp_path / "dev.jsonl"), "--model", str(model)])
    assert isinstance(result.exception, ConfigError)
