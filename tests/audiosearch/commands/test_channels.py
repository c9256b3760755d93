"""Recordings with a voice in each channel, on the command line: transcribe, index, query and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from cli import main

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def call(whistler: Whistler, tmp_path: Path) -> Path:
    """Left says "i am ... a human" while right says "and you" in between."""
    pause = np.zeros(round(0.7 * whistler.sample_rate), np.float32)
    left = np.concatenate([whistler.say("i am "), pause, whistler.say("a human")])
    right = np.concatenate([pause[:4000], whistler.say("and you")])
    length = max(len(left), len(right))
    path = tmp_path / "call.wav"
    channels = [np.pad(channel, (0, length - len(channel))) for channel in (left, right)]
    soundfile.write(path, np.stack(channels, axis=1), whistler.sample_rate)
    return path


def test_words_of_both_channels_come_in_order_of_time(call: Path, whistle_model: Path) -> None:
    options = ("--model", whistle_model, "--greedy", "--channels", "split")
    assert run("transcribe", call, *options).stdout == "left: i am a human\nright: and you\n"
    record = json.loads(run("transcribe", call, *options, "--format", "json").stdout)
    assert {word["text"]: word["voice"] for word in record["words"]} == {
        **dict.fromkeys(("i", "am", "a", "human"), "left"),
        **dict.fromkeys(("and", "you"), "right"),
    }
    assert [word["text"] for word in record["words"]] == ["i", "am", "and", "you", "a", "human"]
    starts = [word["start"] for word in record["words"]]
    assert starts == sorted(starts)
    assert "<v right>and you" in run("transcribe", call, *options, "--format", "vtt").stdout
    assert "call right " in run("transcribe", call, *options, "--format", "ctm").stdout


def test_one_channel_is_recognized_alone(call: Path, whistle_model: Path) -> None:
    options = ("--model", whistle_model, "--greedy")
    assert run("transcribe", call, *options, "--channels", "1").stdout == "i am a human\n"
    assert run("transcribe", call, *options, "--channels", "02").stdout == "and you\n"
    result = run("transcribe", call, *options, "--channels", "3")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {call}: has 2 channels, and no channel 3.\n"


@pytest.mark.parametrize("value", ["both", "0", "-1", "1.5", ""])
def test_other_values_are_refused(value: str, call: Path, whistle_model: Path) -> None:
    result = run("transcribe", call, "--model", whistle_model, f"--channels={value}")
    assert result.exit_code == 2
    assert "is not auto, mix, split or the number of a channel" in " ".join(result.stderr.split())


def test_phrases_are_found_within_a_channel_and_the_choice_is_remembered(
    call: Path, whistle_model: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    index = ("index", call, "--store", store, "--model", whistle_model)
    assert run(*index, "--channels", "split").exit_code == 0
    (hit,) = (json.loads(line) for line in run("query", "am a human", "--store", store, "--json").stdout.splitlines())
    assert [word["voice"] for word in hit["words"]] == ["left"] * 3
    assert run("query", "you", "--mode", "sound", "--store", store).exit_code == 0
    assert "channels=split (1 recording)" in run("info", "--store", store).stdout
    assert "1 unchanged" in run(*index, "--channels", "split", "--again").stdout
    assert "1 recording indexed" in run(*index, "--channels", "2", "--again").stdout
    assert "channels=2" in run("info", "--store", store).stdout
    assert run("query", "a human", "--store", store).exit_code == 1


def test_the_default_is_that_of_the_configuration_file(
    call: Path, whistle_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "config.yaml"
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(configuration))
    for value, words in (("2", "and you\n"), ("split", "left: i am a human\nright: and you\n")):
        configuration.write_text(f"channels: {value}\n")
        assert run("transcribe", call, "--model", whistle_model, "--greedy").stdout == words
    assert run("transcribe", call, "--model", whistle_model, "--greedy", "--channels", "1").stdout == "i am a human\n"
    configuration.write_text("channels: both\n")
    result = run("transcribe", call, "--model", whistle_model)
    assert result.exit_code != 0
    assert "channels must be auto, mix, split or the number of a channel" in " ".join(result.stderr.split())
