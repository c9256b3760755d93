"""Tuning of the decoder's weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from ctc import ENGLISH, TINY, spell

from audiosearch.commands.tune import tune as command
from audiosearch.config import DecoderConfig
from audiosearch.errors import ConfigError, LanguageModelError
from audiosearch.evaluation.decoder_tuning import TuningExample, Weights, descend, search_weights
from audiosearch.evaluation.metrics import ErrorRate
from audiosearch.language_model.model import LanguageModel
from audiosearch.model_folder import save_decoder_settings

# Without a language model the first text is "the cap sat"; with a heavy one "cap" never appears.
EXAMPLES = [
    TuningExample((spell(*"the ", "c", "a", "pt"), spell(*"sat")), "the cat sat"),
    TuningExample((spell(*"the ca", "p"),), "the cap"),
    TuningExample((spell(*"human "), spell(" "), spell(*"things")), "human things"),
]


def test_pattern_search_reaches_the_minimum_and_tries_no_point_twice() -> None:
    def errors(weights: Weights) -> ErrorRate:
        away = abs(weights.alpha - 1.13) + abs(weights.beta + 0.66) + abs(weights.prior - 0.52)
        return ErrorRate(round(100 * away), 100)

    trials = list(descend(Weights(0.5, 1.0, 0.3), errors))
    assert trials[0].weights == Weights(0.5, 1.0, 0.3)
    best = [trial for trial in trials if trial.best]
    assert best[-1].weights.alpha == pytest.approx(1.13, abs=0.05)
    assert best[-1].weights.beta == pytest.approx(-0.66, abs=0.2)
    assert best[-1].weights.prior == pytest.approx(0.52, abs=0.025)
    assert [trial.errors.errors for trial in best] == sorted({trial.errors.errors for trial in best}, reverse=True)
    assert len({trial.weights for trial in trials}) == len(trials) < 60


def test_weights_stay_in_the_range_of_the_decoder() -> None:
    def errors(weights: Weights) -> ErrorRate:
        return ErrorRate(round(100 * (2 + weights.alpha - weights.prior)), 100)

    trials = list(descend(Weights(0.1, 0.0, 0.95), errors))
    assert min(trial.weights.alpha for trial in trials) == 0.0
    assert max(trial.weights.prior for trial in trials) == 1.0


@pytest.mark.parametrize("threads", [1, 2])
def test_search_finds_weights_without_errors(threads: int) -> None:
    trials = list(search_weights(EXAMPLES, ENGLISH, DecoderConfig(alpha=0.0, beta=0.0), TINY, threads))
    assert trials[0].errors == ErrorRate(1, 7)
    best = [trial for trial in trials if trial.best][-1]
    assert best.errors == ErrorRate(0, 7)
    assert best.weights.alpha > 0


def test_storing_weights_keeps_other_settings(tmp_path: Path) -> None:
    assert save_decoder_settings(tmp_path, Weights(0.6, 1.2, 0.3).settings((0.25, 0.75))) == tmp_path / "decoder.yaml"
    (tmp_path / "decoder.yaml").write_text("beam_width: 50\nalpha: 0.1\n")
    save_decoder_settings(tmp_path, Weights(0.65, -0.2, 0.3).settings((0.25, 0.75)))
    stored = {"beam_width": 50, "alpha": 0.65, "beta": -0.2, "prior_weight": 0.3, "label_priors": [0.25, 0.75]}
    assert yaml.safe_load((tmp_path / "decoder.yaml").read_text()) == stored
    (tmp_path / "decoder.yaml").write_text("- a list\n")
    with pytest.raises(ConfigError, match=r"decoder\.yaml"):
        save_decoder_settings(tmp_path, Weights(0.6, 1.2, 0.3).settings(()))
    with pytest.raises(ConfigError, match="cannot be written"):
        save_decoder_settings(tmp_path / "nowhere", Weights(0.6, 1.2, 0.3).settings(()))


def test_command_stores_weights_and_reports_unreadable_audio(
    tmp_path: Path, whistle_model: Path, whistler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model"
    shutil.copytree(whistle_model, model)
    lines = [{"audio": "missing.wav", "text": "the cat"}]
    for text in ("the cat sat", "human things"):
        lines.append({"audio": whistler.write(tmp_path / f"{text}.wav", text).name, "text": text})
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = [str(tmp_path / "dev.jsonl"), "--model", str(model), "--threads", "1"]
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, LanguageModelError)

    (model / "lm.bin").touch()
    monkeypatch.setattr(LanguageModel, "load", classmethod(lambda cls, folder, **options: TINY))
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 1
    assert "missing.wav" in result.stderr
    assert "best so far" in result.stderr
    assert "0.00% word errors (0 of 5)" in result.stdout
    stored = yaml.safe_load((model / "decoder.yaml").read_text())
    assert f"alpha {stored['alpha']:g}, beta {stored['beta']:g}, prior {stored['prior_weight']:g}:" in result.stdout
    assert len(stored["label_priors"]) == len(ENGLISH)
