"""Commands of the speech side, and those that evaluate or take a model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from cli import main

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler

HEAVY = ("torch", "numpy", "rich", "pyctcdecode", "matplotlib", "jiwer")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def manifest(whistler: Whistler, tmp_path: Path) -> Path:
    """Six utterances, one of them with a wrong text."""
    rows = []
    for number, speech in enumerate(("i am", "a", "human saying", "human things", "a man", "")):
        name = f"{number}.wav"
        whistler.write(tmp_path / name, speech or "_")
        text = "i am a human" if number == 0 else speech
        rows.append({"audio": name, "text": text, "id": f"u{number}"})
    path = tmp_path / "manifest.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize("command", ["transcribe", "evaluate", "inspect"])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = f"""
import sys
from click.testing import CliRunner
from cli import main
result = CliRunner().invoke(main, ["{command}", "--help"])
assert result.exit_code == 0 and "audiosearch {command}" in result.output.rpartition("Example")[2], result.output
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_transcribe_text(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    first, second = whistler.write(tmp_path / "1.wav", "human"), whistler.write(tmp_path / "2.flac", "things")
    assert run("transcribe", first, "--model", whistle_model).stdout == "human\n"
    result = run("transcribe", first, second, "--model", whistle_model, "--greedy")
    assert result.stdout == f"{first}: human\n{second}: things\n"


def test_transcribe_continues_after_unreadable_files(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    first, second = whistler.write(tmp_path / "1.wav", "i am"), whistler.write(tmp_path / "2.wav", "human")
    text, missing = tmp_path / "text.wav", tmp_path / "missing.wav"
    text.write_text("this is no sound")
    result = run("transcribe", first, text, missing, second, "--model", whistle_model, "--format", "json")
    assert result.exit_code == 1
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert (records[0]["path"], records[0]["text"], records[0]["duration"]) == (str(first), "i am", 0.4)
    assert [word["text"] for word in records[0]["words"]] == ["i", "am"]
    assert all(list(word) == ["text", "start", "end", "confidence"] for word in records[0]["words"])
    assert records[1]["text"] == "human"
    reported = result.stderr.splitlines()
    assert [line.startswith("Error: ") for line in reported] == [True, True]
    assert "text.wav" in reported[0]
    assert "missing.wav" in reported[1]


def test_invalid_arguments_are_reported_before_loading(whistle_model: Path, manifest: Path, tmp_path: Path) -> None:
    audio = tmp_path / "0.wav"
    corrupt = tmp_path / "corrupt.safetensors"
    corrupt.write_bytes(b"\x80\x04K\x01.")  # a pickle
    mistakes: list[tuple[list[str | Path], str]] = [
        (["transcribe"], "FILE"),
        (["transcribe", audio, "--model", tmp_path / "no"], "no such model"),
        (["transcribe", audio, "--model", corrupt], "not a model"),
        (["transcribe", audio, audio, "--format", "srt", "--model", whistle_model], "one FILE"),
        (["transcribe", audio, "--hotword", "?", "--model", whistle_model], "contains no letters"),
        (["evaluate", tmp_path / "no.jsonl", "--model", whistle_model], "no.jsonl"),
        (["evaluate", manifest, "--limit", "0", "--model", whistle_model], "limit"),
        (["evaluate", manifest, "--search", "--worst", "3", "--model", whistle_model], "not with --search"),
        (["evaluate", manifest, "--keep", tmp_path, "--model", whistle_model], "--keep: only with --search"),
        (["evaluate", manifest, "--search", "--queries", tmp_path / "no", "--model", whistle_model], "one query per"),
        (["inspect", audio, "-o", tmp_path / "a.jpg", "--model", whistle_model], ".png"),
        (["inspect", audio, "-o", tmp_path / "no" / "a.png", "--model", whistle_model], "no folder"),
        (["inspect", audio, "-o", tmp_path / "a.png", "--start", "9", "--model", whistle_model], "ends before 9 s"),
    ]
    for arguments, expected in mistakes:
        result = run(*arguments)
        assert result.exit_code in (1, 2), arguments
        assert result.stdout == ""
        assert expected in " ".join(result.stderr.split())
        assert "Traceback" not in result.stderr


COMMANDS_WITH_MODEL: list[list[str]] = [
    ["transcribe", "0.wav"],
    ["inspect", "0.wav", "-o", "picture.png"],
    ["tune", "manifest.jsonl"],
    ["calibrate", "manifest.jsonl"],
    ["evaluate", "manifest.jsonl"],
    ["evaluate", "manifest.jsonl", "--search"],
    ["manifest", "manifest.jsonl", "-o", "rows.jsonl"],
    ["index", ".", "--store", "index.db"],
    ["watch", ".", "--store", "index.db"],
]


@pytest.mark.parametrize("arguments", COMMANDS_WITH_MODEL, ids=" ".join)
def test_every_command_takes_the_model_of_the_configuration_file(
    arguments: list[str], manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(manifest.parent)
    configuration = manifest.parent / "config.yaml"
    configuration.write_text("model: missing-model")
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(configuration))
    expected = f"{manifest.parent / 'missing-model'}: there is no such model; 'model:' in {configuration} names it."
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (1, f"Error: {expected}\n")
    monkeypatch.setenv("AUDIOSEARCH_MODEL", "absent")
    assert "Error: absent: there is no such model; the environment variable AUDIO" in run(*arguments).stderr
    assert "Error: other: there is no such model; give the path" in run(*arguments, "--model", "other").stderr


def test_transcribe_and_index_share_the_model_of_the_configuration_file(
    whistle_model: Path, whistler: Whistler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "config.yaml"
    configuration.write_text(f"model: {whistle_model}\nstore: index.db\n")
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(configuration))
    audio = whistler.write(tmp_path / "a.wav", "human things")
    assert run("transcribe", audio).stdout == "human things\n"
    assert run("index", audio).exit_code == 0
    assert "human things" in run("query", "human things").stdout


def test_evaluate_writes_utterances(whistle_model: Path, manifest: Path, tmp_path: Path) -> None:
    target = tmp_path / "utterances.jsonl"
    assert run("evaluate", manifest, "--model", whistle_model, "--utterances", target).exit_code == 0
    printed = run("evaluate", manifest, "--model", whistle_model, "--utterances", "-")
    assert printed.stdout == target.read_text()
    records = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [record["id"] for record in records] == [
        json.loads(line)["id"] for line in manifest.read_text().splitlines()
    ]
    for record in records:
        assert record["errors"] == record["substitutions"] + record["deletions"] + record["insertions"]
        assert record["words"] == len(record["reference"].split())
    wrong = run("evaluate", manifest, "--model", whistle_model, "--utterances", tmp_path / "missing" / "a.jsonl")
    assert wrong.exit_code == 1
    assert "missing" in wrong.stderr


def test_evaluate_reports_corpus_level_rates(whistle_model: Path, manifest: Path) -> None:
    result = run("evaluate", manifest, "--model", whistle_model, "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert list(record) == [
        *("wer", "cer", "greedy_wer", "greedy_cer", "utterances", "words", "audio_seconds"),
        *("wer_interval", "cer_interval", "realtime"),
    ]
    assert record["wer_interval"]["low"] == 0
    assert record["wer_interval"]["unit"] == "utterances"
    assert 2 / 11 < record["wer_interval"]["high"] < 1
    assert record["wer"] == record["greedy_wer"] == pytest.approx(2 / 11)
    assert record["cer"] == record["greedy_cer"] == pytest.approx(8 / 42)
    assert (record["utterances"], record["audio_seconds"]) == (6, pytest.approx(4.4))
    assert record["realtime"] > 0
    limited = json.loads(run("evaluate", manifest, "--model", whistle_model, "--json", "--limit", "1").stdout)
    assert (limited["utterances"], limited["wer"]) == (1, 0.5)
    table = run("evaluate", manifest, "--model", whistle_model).stdout
    assert "18.18%" in table
    assert "6 utterances" in table


def test_evaluate_by_set_and_speaker(whistle_model: Path, manifest: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    more = tmp_path / "more.jsonl"
    more.write_text("".join(json.dumps({**row, "speaker": "ann"}) + "\n" for row in rows[2:4]))  # the longest
    arguments: list[str | Path] = [
        "evaluate",
        manifest,
        more,
        "--model",
        whistle_model,
        "--by",
        "speaker",
        "--worst",
        "2",
    ]
    record = json.loads(run(*arguments, "--json").stdout)
    assert record["wer"] == 2 / 15
    assert [(group["set"], group["wer"], group["utterances"]) for group in record["sets"]] == [
        (tmp_path.name, 2 / 11, 6),
        ("more", 0, 2),
    ]
    assert record["mean_wer_of_sets"] == 1 / 11
    assert [(group["set"], group["speaker"], group["words"]) for group in record["speakers"]] == [
        (tmp_path.name, None, 11),
        ("more", "ann", 4),
    ]
    assert record["worst"] == [
        {
            **{"id": "u0", "set": tmp_path.name, "speaker": None, "audio": str(tmp_path / "0.wav")},
            **{"wer": 0.5, "errors": 2, "words": 4, "reference": "i am a human", "hypothesis": "i am"},
        }
    ]
    tables = run(*arguments).stdout
    assert "mean of sets" in tables
    assert "ann" in tables
    assert f"u0 ({tmp_path.name}): 50%, 2 of 4 words\n  reference   i am a human\n  hypothesis  i am\n" in tables
    limited = run("evaluate", manifest, more, "--model", whistle_model, "--limit", "1", "--json")
    assert len(json.loads(limited.stdout)["sets"]) == 2


def test_evaluate_reports_unreadable_audio(whistle_model: Path, manifest: Path) -> None:
    (manifest.parent / "0.wav").write_text("broken")
    result = run("evaluate", manifest, "--model", whistle_model, "--json")
    assert result.exit_code == 1
    assert "u0" in result.stderr
    assert json.loads(result.stdout)["utterances"] == 5
    assert json.loads(result.stdout)["wer"] == 0


def test_evaluate_search_on_whistled_speech(whistle_model: Path, manifest: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text("human\nHuman things!\nam\nkierkegaard\n")
    arguments: list[str | Path] = ["evaluate", "--search", manifest, "--model", whistle_model, "--queries", queries]
    result = run(*arguments, "--json", "--keep", tmp_path / "kept")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["recordings"], record["words"], record["words_aligned"]) == (6, 11, 11)
    everything = record["classes"]["all"]
    assert (everything["queries"], everything["said"], everything["occurrences"]) == (4, 3, 5)
    assert everything["precision"] == 1
    assert everything["recall"] == 4 / 5  # the recording of "i am a human" does not contain "human"
    assert everything["atwv"] == everything["otwv"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert record["exact"]["all"]["atwv"] == everything["atwv"]
    assert record["classes"]["2 words"]["f1"] == 1
    assert record["start_error"]["median"] < 0.01
    assert sum(row["hits"] for row in record["reliability"]) == 4

    (manifest.parent / "1.wav").write_text("broken")  # the others are not transcribed again
    again = run(*arguments, "--keep", tmp_path / "kept")
    assert again.exit_code == 1
    assert "1.wav" in again.stderr
    assert "OTWV" in again.stdout
    assert "5 recordings" in again.stdout


def test_evaluate_search_with_word_times(whistle_model: Path, manifest: Path, tmp_path: Path) -> None:
    times = tmp_path / "times.ctm"
    times.write_text("u0 1 9.0 0.1 am\nu3 1 0.0 0.5 human\nu3 1 1.5 0.3 kierkegaard\n")
    result = run("evaluate", "--search", manifest, "--model", whistle_model, "--word-times", times, "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["words"], record["words_aligned"]) == (8, 5)
    assert record["classes"]["all"]["queries"] >= 3
    assert record["classes"]["all"]["recall"] < 1  # the recording does not contain kierkegaard


def test_inspect_writes_a_png(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    path = whistler.write(tmp_path / "a.wav", "human _things" + "_" * 12)
    output = tmp_path / "a.png"
    for options in ([], ["--start", "0.5", "--seconds", "2"]):
        result = run("inspect", path, "-o", output, "--model", whistle_model, *options)
        assert result.exit_code == 0, result.stderr
        data = output.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) > 10_000
        output.unlink()
