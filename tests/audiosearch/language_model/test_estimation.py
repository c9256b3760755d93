"""Estimating language models, with KenLM's lmplz where it is installed."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.estimation import PROGRAM_FOLDER, LeftOut, estimate, normalize_into
from audiosearch.language_model.model import LanguageModel
from indexer.commands.language_model.lm import lm as command


def fake_program(folder: Path, name: str, body: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


@pytest.mark.usefixtures("kenlm")
def test_estimates_a_model_of_all_formats_of_text(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("The cat sat.\n\nThe cat — the cat!\n", encoding="utf-8")
    with gzip.open(tmp_path / "packed.txt.gz", "wt", encoding="utf-8") as file:
        file.write("Mr. O'Neil’s cat\n" * 3)
    with lzma.open(tmp_path / "packed.txt.xz", "wt", encoding="utf-8") as file:
        file.write("2 cats\n")
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"audio": "a.wav", "text": "the zebra"}) + "\n")
    texts = [tmp_path / name for name in ("plain.txt", "packed.txt.gz", "packed.txt.xz", "manifest.jsonl")]
    (tmp_path / "model").mkdir()
    made = estimate(texts, tmp_path / "model" / "lm.bin", order=3)
    assert (made.sentences, made.words, made.vocabulary) == (7, 20, 8)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["lm.bin"]
    assert made.bytes == (tmp_path / "model" / "lm.bin").stat().st_size

    model = LanguageModel.load(tmp_path / "model")
    assert model.words == ("cat", "cats", "mister", "o'neil's", "sat", "the", "two", "zebra")
    ngrams = model.ngrams
    assert ngrams.order == 3
    state = ngrams.score(ngrams.start(), "the")[1]
    assert ngrams.score(state, "cat")[0] > ngrams.score(state, "sat")[0] > ngrams.score(state, "unheard")[0]


@pytest.mark.usefixtures("kenlm")
def test_rare_words_become_unknown(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("the cat\nthe cat\nthe zebra\n")
    made = estimate([tmp_path / "text"], tmp_path / "lm.bin", order=2, prune=(0,), min_count=2)
    model = LanguageModel.load(tmp_path)
    assert made.vocabulary == 2
    assert model.words == ("cat", "the")
    ngrams = model.ngrams
    assert ngrams.score(ngrams.start(), "zebra")[0] == ngrams.score(ngrams.start(), "unheard")[0]


@pytest.mark.usefixtures("kenlm")
def test_the_command_makes_a_model_folder(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("i am a human\n\n[noise]\nsaying human things\nПривет\n")
    arguments = [str(tmp_path / "text"), "-o", str(tmp_path / "lm.bin"), "--order", "2", "--prune", "0,0"]
    result = CliRunner().invoke(command, [*arguments, "--write-arpa", str(tmp_path / "lm.arpa.gz")])
    assert result.exit_code == 0, result.output
    assert "6 words, from 7 words in 2 sentences" in result.output
    assert "text: 2 lines left out, of which normalization leaves nothing (the first is line 3)." in result.stderr
    model = LanguageModel.load(tmp_path)
    assert model.words == ("a", "am", "human", "i", "saying", "things")
    assert CliRunner().invoke(command, [*arguments, "--prune", "0,x"]).exit_code == 2
    same = CliRunner().invoke(command, [*arguments, "--write-arpa", str(tmp_path / "lm.bin")])
    assert "name the same file" in same.output

    result = CliRunner().invoke(command, ["--arpa", str(tmp_path / "lm.arpa.gz"), "-o", str(tmp_path / "again.bin")])
    assert result.exit_code == 0, result.output
    converted = LanguageModel(tmp_path / "again.bin")
    assert converted.words == model.words
    for first in ("human", "am", "unheard"):
        state = model.ngrams.score(model.ngrams.start(), first)[1]
        same_state = converted.ngrams.score(converted.ngrams.start(), first)[1]
        for word in (*model.words, "unheard"):
            expected = model.ngrams.score(state, word)[0]
            assert converted.ngrams.score(same_state, word)[0] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a TEXT to estimate a model from, --from STORE to adapt one, or --arpa FILE"),
        (["--arpa", "a.arpa", "text"], "leave out TEXT"),
        (["--arpa", "a.arpa", "--order", "3"], "leave out --order"),
        (["--arpa", "a.arpa", "--interpolate-on", "text"], "leave out --interpolate-on"),
        (["--arpa", "a.arpa", "--write-arpa", "b.arpa"], "leave out --write-arpa"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [*arguments, "-o", str(tmp_path / "lm.bin")])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_missing_program_is_named_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_text("the cat\n")
    monkeypatch.delenv(PROGRAM_FOLDER, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LanguageModelError, match=r"lmplz is not on the PATH; scripts/build_kenlm\.sh"):
        estimate([tmp_path / "text"], tmp_path / "lm.bin")
    monkeypatch.setenv(PROGRAM_FOLDER, str(tmp_path / "nowhere"))
    with pytest.raises(LanguageModelError, match=rf"lmplz is not in .*nowhere \(environment {PROGRAM_FOLDER}\)"):
        estimate([tmp_path / "text"], tmp_path / "lm.bin")


def test_a_failure_leaves_existing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv(PROGRAM_FOLDER, str(tmp_path / "bin"))
    fake_program(tmp_path / "bin", "lmplz", "echo counting >&2; echo out of disk >&2; exit 1")
    (tmp_path / "text").write_text("the cat\n")
    (tmp_path / "lm.bin").write_text("older")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(LanguageModelError, match="lmplz failed: out of disk"):
        estimate([tmp_path / "text"], tmp_path / "lm.bin")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "lm.bin").read_text() == "older"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.txt", b" \n--\n", "no word occurs"),
        ("broken.xz", b"this is not xz", "cannot be read as text"),
        ("latin.txt", "café".encode("latin-1"), "cannot be read as text"),
        ("bad.jsonl", b'{"audio": "a.wav"}\n', "manifest"),
    ],
)
def test_unusable_texts_are_named(
    name: str, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRAM_FOLDER, str(tmp_path))
    fake_program(tmp_path, "lmplz", "exit 1")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LanguageModelError, match=message) as caught:
        estimate([tmp_path / name], tmp_path / "lm.bin")
    assert name in str(caught.value)
    with pytest.raises(LanguageModelError, match="no such text file"):
        estimate([tmp_path / "missing"], tmp_path / "lm.bin")


@pytest.mark.parametrize(
    "settings", [{"order": 1}, {"order": 7}, {"prune": (1, 1)}, {"prune": (0, 2, 1)}, {"min_count": 0}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match=next(iter(settings)).replace("_", "-")):
        estimate([tmp_path / "text"], tmp_path / "lm.bin", **settings)  # type: ignore[arg-type]


def test_tags_of_corpora_are_no_words_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("<s> the <unk> fox(2) ++um++ </s> (u_1)\n[noise]\n{lipsmack} th[is]- !SIL so\n")
    text = normalize_into(tmp_path / "normal", [tmp_path / "plain.txt"])
    assert (tmp_path / "normal").read_text() == "the fox\nso\n"
    assert (set(text.counts), text.sentences) == ({"the", "fox", "so"}, 2)
    assert text.left_out == (LeftOut(tmp_path / "plain.txt", 1, 2),)
