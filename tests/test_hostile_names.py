"""Every command over names of strangers: no traceback, and nothing that moves a terminal reaches it."""

from __future__ import annotations

import json
import os
import re
import socket
import unicodedata
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from transcribers import FakeTranscriber

import cli
from audiosearch.display import is_unicode, printable
from audiosearch.transcripts.writers import FORMATS
from audiosearch.types import Transcript, Word
from indexer.export.hit_lists import FORMATS as HIT_FORMATS
from indexer.index import open_index
from indexer.types import Location, Recording

WAV = ".wav"
NAMES = {
    "line breaks": "two\nlines\r\u2028three",
    "escapes": "\x1b]0;title\x07\x1b[31mred\x9b2J",
    "marks of direction": "abc\u202egnp\u2066",
    "longest": "ö" * ((255 - len(WAV)) // 2) + "x",
    "decomposed": unicodedata.normalize("NFD", "Café Zoë [abc]"),
    "option": "-rf --help",
    "bytes": os.fsdecode(b"caf\xe9\xff"),
    "markup": "[red] :smile: [bold] {0} %s $HOME",
}
LONGER = "?" * 9
"""End of a name of nothing; the longest name with it is too long for a file system."""

MOVES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Speller(FakeTranscriber):
    """Transcribes every recording as the same words."""

    position = 0.0
    is_loading = False

    def __init__(self, model: Path | None, **options: object) -> None:
        pass

    def __enter__(self) -> Speller:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def transcribe(self, path: Path) -> Transcript:
        return Transcript(str(path), 1.0, (Word("human", 0.1, 0.3, 0.9), Word("things", 0.4, 0.6, 0.9)))


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def name(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture
def folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: it contains a folder and a recording of the name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir(parents=True)
    with wave.open(str(tmp_path / name / (name + WAV)), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(os.fsencode(name) * 64)
    return tmp_path


def run(*arguments: str | Path, status: Sequence[int] = (0, 1, 2)) -> Result:
    """Run a command whose results are lines for people, and check what it prints."""
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    shown = result.stdout + result.stderr
    assert not MOVES.search(shown), (arguments, shown)
    assert "Traceback" not in shown
    assert result.exit_code in status, (arguments, shown)
    return result


def test_index_and_library(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.console.lazy_recognizer.LazyRecognizer", Speller)
    recording = folder / name / (name + WAV)
    is_utf8 = is_unicode(name)
    for store in (folder / "store.db", folder / (name[:20] + ".db")):
        if not is_utf8 and store.name != "store.db":
            run("index", folder / name, "--store", store, status=[1])
            continue
        run("index", folder / name, "--store", store, status=[0 if is_utf8 else 1])
        run("index", recording, folder / "missing" / name, "--store", store, "--json", status=[1])
        if not is_utf8:  # a name that only an import of another program's list may bring
            with open_index(str(store), create=True) as index:
                words = Speller(None).transcribe(recording).words
                location = Location(str(recording), 1, 1)
                index.add(Recording("a" * 32, (location,), 1.0, "model", "2024-05-06T07:08:09+00:00"), words)
        for options in ([], ["--json"], ["--counts"], ["--counts", "--json"]):
            run("query", "human", "--path", recording, "--store", store, *options, status=[0])
        for form in HIT_FORMATS:
            CliRunner().invoke(
                cli.main, ["query", "human", "--store", str(store), "--format", form], catch_exceptions=False
            )
        run("query", "human", "--path", folder / name, "--clips", name, "--store", store)
        run("query", "human", "--supercut", folder / name / "all.wav", "--store", store)
        run("query", name, "--store", store)
        run("query", "human", f"--and={name}", f"--since={name}", "--store", store, status=[2])
        run("query", "human", f"--after={name}", "--store", store, status=[2])
        for arguments in (["list"], ["list", folder / name], ["list", "--json"], ["info"], ["info", "--json"]):
            run(*arguments, "--store", store, status=[0])
        run("doctor", "--store", store, "--model", folder / name)
        run("copy", store, folder / f"{name[:20]}-copy.db", "--json", status=[0 if is_utf8 else 1])
        run("copy", store, folder / "copy.db", "--json", status=[0])
        run("copy", store, store, status=[1])
        for form in FORMATS:
            run("export", recording, "--format", form, "--output", folder / name / "out", "--force", "--store", store)
            run("export", "--all", "--format", form, "--output", folder / f"{name[:60]}.out", "--store", store)
            longer = folder / f"{name}{LONGER}"
            run("export", recording, "--format", form, "--output", longer, "--store", store)
            run("export", recording, "--format", form, "--output", longer / name, "--store", store, status=[1])
        run("export", "--all", "--format", "json", "--store", store, status=[0])
        for command in (["remove"], ["list"], ["export", "--format", "json"]):
            run(*command, "--store", store, "--", name + LONGER, status=[1])
        run("remove", recording, "--store", store, status=[0])


def test_import(folder: Path, name: str) -> None:
    source = folder / name / (name[:60] + ".json")
    words = [{"text": "human", "start": 0.1, "end": 0.3, "confidence": 0.9}]
    records = [
        {"path": f"/talks/{name}", "duration": 1.0, "text": "human", "words": words},
        {"path": f"2{name}", "duration": 2.0, "text": "", "words": []},
    ]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    store = folder / "store.db"
    run("import", source, "--store", store)
    run("import", source, "--store", store, "--json")
    run("import", source, "--store", store, "--media", folder / name)
    run("import", folder / name / (name + WAV), folder / "missing" / name, "--store", store, status=[1])
    run("import", source, "--store", store, "--media", folder / f"{name}{LONGER}", status=[2])
    run("query", "human", "--store", store, status=[0 if is_unicode(name) else 1])
    run("list", "--store", store, "--json", status=[0])


def test_recognition(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    garbage = folder / name / "garbage.mp3"
    garbage.write_bytes(b"no sound" * 99)
    recording = folder / name / (name + WAV)
    run("transcribe", folder / name, garbage, recording, folder / "missing" / name)
    (folder / "text.txt").write_text("a human\n")
    for audio, text in ((garbage, "text.txt"), (recording, folder / f"{name}{LONGER}"), (folder / name, "text.txt")):
        run("align", audio, text, status=[2])
    run("transcribe", recording, "--model", folder / name, status=[1])
    run("transcribe", recording, f"--hotword={name}", f"--format={name}", status=[2])
    run("transcribe", recording, "--hotwords", recording, status=[1])
    run("inspect", garbage, "-o", folder / name / "picture.png", status=[1])
    run("inspect", garbage, "-o", folder / name, status=[2])
    run("inspect", garbage, "-o", folder / "missing" / name / "a.png", status=[2])
    for command in ("tune", "calibrate", "evaluate"):
        run(command, garbage, status=[1])
        run(command, folder / name, status=[1])
        run(command, folder / f"{name}{LONGER}", status=[1])
        run(command, garbage, "--model", folder / f"{name}{LONGER}", status=[1])


def test_training(folder: Path, name: str) -> None:
    rows = folder / name / "manifest.jsonl"
    rows.write_text(json.dumps({"audio": name + WAV, "text": "a human", "id": name, "speaker": name}) + "\n")
    (folder / name / (name[:60] + ".txt")).write_text("a text\n")
    run("train", "--train", rows, "--output", folder / name / "run", status=[1])
    run("train", folder / name, status=[2])
    run("train", f"--set={name}", status=[1])
    run("train", f"--set=optim.{name}=1", status=[1])
    run("train", "--set", f"trainer.device={name}", status=[1])
    run("train", f"--{name}", status=[2])
    table = run("evaluate", rows, "--by", "speaker", "--worst", "1", status=[0, 1]).stdout
    assert printable(name)[:20] in table or table == "", "brackets and colons are no markup"
    run("evaluate", rows, rows, "--by", "speaker", "--worst", "2", "--json")
    run("manifest", folder / name, "--kind", "txt")
    run("manifest", folder / name, "--output", folder / name / "out.jsonl")
    run("manifest", rows, "--output", folder / name / "out.jsonl", "--no-score")
    run("manifest", folder / name, "--transcripts", "--no-score", "--output", folder / name / "out.jsonl")
    run("manifest", "--from-index", folder / f"{name}{LONGER}", "--output", folder / name / "out.jsonl", status=[1])
    run("manifest", folder / name, "--download", name)
    text = folder / name / "text.txt"
    text.write_text("a human saying things\n" * 9)
    run("lm", text, "-o", folder / name / "lm.bin")
    run("lm", folder / f"{name}{LONGER}", "-o", folder / name / "lm.bin", status=[1])
    run("lm", "--arpa", text, "-o", folder / name / "lm.bin", status=[1])
    run("lm", text, "-o", folder / name / "lm.bin", f"--prune={name}", status=[2])


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_servers_and_settings(folder: Path, name: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run("serve", f"--host={name}", status=[1])
    run("serve", "--port", str(port), "--store", folder / f"{name}{LONGER}", status=[1])
    run("serve", "--media", folder / f"{name}{LONGER}", status=[2])
    run("watch", folder / f"{name}{LONGER}", status=[2])
    run("list", f"--store=http://{name}/x", status=[1])
    run("list", f"--store=http://127.0.0.1:9/{name}", status=[1])
    run(f"--{name}", status=[2])
    run("--", name, status=[2])
    run("list", f"--{name}", status=[2])
    run("info", name, status=[2])
    run("list", "--store", folder / f"{name}{LONGER}", status=[1])
    run("doctor", "--store", folder / f"{name}{LONGER}", "--model", folder / f"{name}{LONGER}", status=[1])
    settings = folder / f"{name[:60]}.yaml"
    monkeypatch.setenv("AUDIOSEARCH_CONFIG", str(settings))
    for content in (
        b"store: [",
        b"\xff",
        b"a: b",
        json.dumps({name: name}).encode(),
        json.dumps({"store": [name]}).encode(),
    ):
        settings.write_bytes(content)
        run("list", status=[1])
    settings.unlink()
    run("list", status=[1])
