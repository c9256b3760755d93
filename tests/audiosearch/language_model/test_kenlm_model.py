"""KenLM models: a model folder is checked when it is opened."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import pytest

from audiosearch.errors import LanguageModelError
from audiosearch.language_model.kenlm_model import LanguageModel, read_words

ARPA = Path(__file__).parents[2] / "data" / "tiny.arpa"
MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"


def test_a_folder_must_hold_a_language_model(tmp_path: Path) -> None:
    with lzma.open(tmp_path / "words.txt.xz", "wt") as file:
        file.write("the\ncat\n")
    with pytest.raises(LanguageModelError, match=r"lm\.bin: the language model cannot be read"):
        LanguageModel.load(tmp_path)
    shutil.copy(ARPA, tmp_path / "lm.bin")
    with pytest.raises(LanguageModelError, match=r"lm\.bin: is not a KenLM binary"):
        LanguageModel.load(tmp_path)
    for rest in (b"", bytes(200), b"\xff" * 5000):
        (tmp_path / "lm.bin").write_bytes(MAGIC + rest)
        with pytest.raises(LanguageModelError, match=r"lm\.bin: .* damaged or truncated"):
            LanguageModel.load(tmp_path)
    assert read_words(tmp_path / "words.txt.xz") == ("the", "cat")
    for content in (b"", b"the\ncat\n", lzma.compress("café".encode())):
        (tmp_path / "words.txt.xz").write_bytes(content)
        with pytest.raises(LanguageModelError, match=r"words\.txt\.xz"):
            read_words(tmp_path / "words.txt.xz")
