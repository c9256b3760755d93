from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.config import load_config, parse_overrides
from audiosearch.errors import ConfigError


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("optim.lr", r"--set optim\.lr: write section\.key=value"),
        ("optim.lr=fast", r"optim\.lr: .* \(given: 'fast'\)"),
        ("optim.rate=1e-4", r"there is no setting optim\.rate; optim has lr, "),
        ("optimizer.lr=1e-4", r"there is no setting optimizer; sections are features, "),
        ("augment.warp=[0,1.1]", "speed and warp are factors, which must be above 0"),
        ("augment.speed=[-1,1]", "speed and warp are factors, which must be above 0"),
        ("features.high_hz=9000", "high_hz at most half the sample_rate"),
        ("model.conv_stride=12", "conv_stride must not exceed conv_width"),
        ("window.overlap_seconds=20", "overlap_seconds must be at most half of seconds"),
        ("decoder.label_priors=[0.5,0]", "label_priors must be probabilities"),
    ],
)
def test_error_names_the_invalid_setting(override: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_config(None, parse_overrides([override]))


def test_overrides_take_precedence_over_recipes_and_these_over_defaults(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("optim:\n  lr: 3e-4\n  warmup_steps: 7\nmodel:\n")
    config = load_config(recipe, {"optim.lr": 1e-5})
    assert config.optim.lr == 1e-5
    assert config.optim.warmup_steps == 7
    assert config.model.hidden == 1000
    recipe.write_text("lr: 3")
    with pytest.raises(ConfigError, match="must contain sections of settings"):
        load_config(recipe)
