"""KenLM binaries, for pyctcdecode's search."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from ctc import TINY_ARPA

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.kenlm_model import KenlmScorer
from audiosearch.language_model.model import LanguageModel

MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model that kenlm reads, and no word list."""
    pytest.importorskip("kenlm", reason="kenlm is not installed: pip install kenlm with a Python below 3.13")
    (tmp_path / "lm.bin").write_bytes(TINY_ARPA.read_bytes())
    return tmp_path


def test_the_words_are_listed_beside_the_model(folder: Path) -> None:
    with pytest.raises(LanguageModelError, match=r"has no words\.txt"):
        KenlmScorer(folder / "lm.bin")
    with lzma.open(folder / "words.txt.xz", "wt") as file:
        file.write("the\ncat\n")
    scorer = KenlmScorer(folder / "lm.bin")
    assert (scorer.words, scorer.order) == (("the", "cat"), 2)
    state = scorer.score(scorer.start(), "the")[1]
    assert scorer.score(state, "cat")[0] == pytest.approx(-0.2)
    (folder / "words.txt").write_text("the\ncat\nsat\n")
    assert KenlmScorer(folder / "lm.bin").words == ("the", "cat", "sat")
    (folder / "words.txt").unlink()
    for content in (b"", b"the\ncat\n", lzma.compress("café".encode("latin-1"))):
        (folder / "words.txt.xz").write_bytes(content)
        with pytest.raises(LanguageModelError, match=r"words\.txt\.xz: the word list"):
            KenlmScorer(folder / "lm.bin")


@pytest.mark.parametrize("rest", [b"", bytes(200), b"\xff" * 5000])
def test_damaged_models_are_reported(rest: bytes, folder: Path) -> None:
    (folder / "lm.bin").write_bytes(MAGIC + rest)
    with pytest.raises(LanguageModelError, match=r"lm\.bin: .* damaged or truncated"):
        KenlmScorer(folder / "lm.bin", ("the",))


def test_only_the_engine_of_pyctcdecode_takes_them(tmp_path: Path) -> None:
    (tmp_path / "lm.bin").write_bytes(MAGIC + bytes(200))
    with pytest.raises(
        LanguageModelError, match=r"is a KenLM binary; convert .* or set decoder\.engine to pyctcdecode"
    ):
        LanguageModel.load(tmp_path)
    assert LanguageModel.load(tmp_path, allow_kenlm=True).is_kenlm
