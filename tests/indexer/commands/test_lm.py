"""``audiosearch lm --from``: the transcripts of an index, and the model that is written."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiosearch.language_model.estimation import estimate
from audiosearch.language_model.model import LanguageModel
from audiosearch.model_folder import SHIPPED_MODEL
from audiosearch.types import Word
from cli import main
from indexer.export.library_text import LibraryText, is_recognized, sentences
from indexer.index import open_index
from indexer.types import Location, Recording

NOUNS = ("cat", "dog", "tree", "river", "house", "road", "bird", "stone")


def recording(number: int, model: str) -> Recording:
    return Recording(
        f"id{number:03}", (Location(f"/talks/{number:03}.mp3", 1, 1),), 60.0, model, "2024-05-01T12:00:00Z"
    )


def talk(seed: int, length: int = 300) -> str:
    """Talk of which no two are alike."""
    rng = random.Random(seed)
    return " ".join(rng.choice([*NOUNS, "zebra", "the"]) for _ in range(length))


@pytest.fixture
def library(url: str, spoken: Callable[..., list[Word]]) -> str:
    """Seven imported transcripts, one of them a copy, and two recordings with words of our network."""
    with open_index(url, create=True) as index:
        for number in range(6):
            index.add(recording(number, "import:vtt"), spoken(talk(number)))
        index.add(recording(6, "import-without-media:srt"), spoken(talk(3)[:-30]))
        index.add(recording(7, "0123456789abcdef"), spoken(f"{talk(7)} giraffe giraffe giraffe"))
        index.add(recording(8, "import:json"), spoken(talk(8)))
    return url


@pytest.fixture
def model(tmp_path: Path, kenlm: None) -> Path:
    """A model folder, of which only the language model is real."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_text("network")
    (folder / "LICENSE-lm.md").write_text("license")
    (tmp_path / "prose").write_text("the old cat stood near the river\nthe house near the road\n" * 20)
    estimate([tmp_path / "prose"], folder / "lm.bin", order=3, prune=(0,))
    return folder


def run(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["lm", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


def test_an_adapted_model_is_written(library: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text("<p>With Zoltan at the zebra house.</p>")
    output = tmp_path / "out"
    shown = run("--from", library, "--model", model, "--notes", tmp_path / "notes.html", "-o", output).splitlines()
    assert shown[0] == "6 transcripts, 1,800 words (1 copy left out, 2 recordings with words of our network left out)"
    assert [line.split("  ")[1] for line in shown[1:4]] == [str(model), "transcripts", str(tmp_path / "notes.html")]
    assert shown[4].startswith("Held-out recordings, 1,800 words: perplexity ")
    assert "unknown words 66" not in shown[4]
    words = LanguageModel.load(output).words
    assert {"zebra", "zoltan"} <= set(words)
    assert "giraffe" not in words
    assert (output / "LICENSE-lm.md").read_text() == "license"
    assert "transcripts of 6 recordings" in (output / "ADAPTATION.md").read_text()

    shown = run("--from", library, "--model", model, "--recognized", "-o", tmp_path / "small.bin").splitlines()
    assert shown[0].startswith("8 transcripts, 2,403 words (1 copy left out)")
    assert (tmp_path / "small.bin").is_file()


def test_mistakes_get_a_sentence(library: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_index(library) as index:
        for number in range(7):
            index.remove(f"id{number:03}")
    arguments = ["--from", library, "--model", model, "-o", tmp_path / "out"]
    shown = run(*arguments, status=1)
    assert "hold 0 words in all" in shown
    assert "The words of 2 recordings by our network were left out; --recognized uses them, too." in shown
    assert "hold 603 words" in run(*arguments, "--recognized", status=1)
    assert not (tmp_path / "out").exists()
    assert "nowhere" in run("--from", tmp_path / "nowhere.db", "--model", model, "-o", tmp_path / "out", status=1)
    assert "installed" in run("--from", library, "--model", model, "-o", SHIPPED_MODEL, status=1)
    assert "no such text file" in run(*arguments, tmp_path / "nothing.txt", status=1)
    assert "nothing.html" in run(*arguments, "--notes", tmp_path / "nothing.html", status=1)
    assert "--order: not with --from" in run(*arguments, "--order", "3", status=2)
    assert "--notes: only with --from" in run("--notes", tmp_path / "x", "-o", tmp_path / "y", status=2)
    assert "is a folder" in run(tmp_path / "prose", "-o", tmp_path, status=2)
    monkeypatch.setenv("AUDIOSEARCH_KENLM_BIN", str(tmp_path))
    assert "lmplz is not in" in run(*arguments, status=1)


def test_words_of_our_network_are_told_from_others() -> None:
    own = (
        "0123456789abcdef",
        "0123456789abcdef track 2",
        "import:json",
        "import-without-media:json",
        "import:json+0123",
    )
    assert all(is_recognized(recording(0, model)) for model in own)
    others = (
        "import:vtt",
        "import:whisperx+0123",
        "whisper:tiny.en-1f2e3d4c+0123",
        "import-without-media:srt",
    )
    assert not any(is_recognized(recording(0, model)) for model in others)


def test_sentences_end_at_pauses_of_a_voice() -> None:
    spans = [("a", 0, "l"), ("x", 0.1, "r"), ("b", 0.2, "l"), ("y", 0.3, "r"), ("c", 2, "l"), ("d", 2.2, "l")]
    words = [Word(text, start, start + 0.1, 1.0, voice=voice) for text, start, voice in spans]
    assert list(sentences(words)) == ["a b", "c d", "x y"]


def test_copies_are_left_out(tmp_path: Path, spoken: Callable[..., list[Word]]) -> None:
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        rng = random.Random(0)
        text = " ".join(rng.choice("abcdefghijklmnopqrstuvwxyz") * 2 for _ in range(1000))
        changed = " ".join("new" if rng.random() < 0.05 else word for word in text.split())
        for number, each in enumerate(["short text", "short text", text, changed, text[:1200], "", talk(1), talk(2)]):
            index.add(recording(number, "import:vtt"), spoken(each))
        library = LibraryText(index)
        assert [len(" ".join(lines).split()) for lines in library] == [2, 1000, 300, 300]
        assert (library.copies, library.recognized) == (3, 0)
