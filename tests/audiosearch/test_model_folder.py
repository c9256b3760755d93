from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from audiosearch.acoustic.checkpoint import load_model
from audiosearch.errors import ModelError
from audiosearch.language_model.model import LanguageModel
from audiosearch.model_folder import SHIPPED_MODEL, read_checksums, verify, write_checksums
from audiosearch.recognizer import Recognizer


@pytest.fixture
def model(whistle_model: Path, tmp_path: Path) -> Path:
    """A model folder with checksums of the network and of a stand-in for a language model."""
    folder = tmp_path / "model"
    shutil.copytree(whistle_model, folder)
    (folder / "lm.bin").write_bytes(b"lm.bin" * 1000)
    write_checksums(folder, ["model.safetensors", "lm.bin"])
    return folder


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_the_format_is_that_of_sha256sum(model: Path) -> None:
    names = ["lm.bin", "model.safetensors"]
    digests = {name: hashlib.sha256((model / name).read_bytes()).hexdigest() for name in names}
    assert (model / "checksums.txt").read_text() == "".join(f"{digests[name]}  {name}\n" for name in names)
    assert read_checksums(model) == digests
    for name in names:
        verify(model / name)
    (model / "checksums.txt").write_text(f"{digests['lm.bin']} *lm.bin\n")  # as written by sha256sum --binary
    verify(model / "lm.bin")


def test_matching_files_load_and_unlisted_files_are_not_verified(model: Path) -> None:
    load_model(model)
    change_a_byte(model / "lm.bin")  # greedy decoding does not read it
    with Recognizer.load(model, greedy=True):
        pass
    (model / "decoder.yaml").write_text("alpha: 0.3\n")  # as tune does
    write_checksums(model, ["model.safetensors"])
    (model / "lm.bin").unlink()
    with Recognizer.load(model) as recognizer:
        assert recognizer.decoder.alpha == 0.3


def test_a_changed_byte_is_reported(model: Path) -> None:
    change_a_byte(model / "lm.bin")
    with pytest.raises(ModelError, match=r"lm\.bin: does not match its checksum .* again, or delete"):
        LanguageModel.load(model)
    change_a_byte(model / "model.safetensors")
    for path in (model, model / "model.safetensors"):
        with pytest.raises(ModelError, match=r"model\.safetensors: does not match its checksum .* again, or delete"):
            load_model(path)
    (model / "checksums.txt").unlink()
    load_model(model)


def test_a_missing_listed_file_is_reported(model: Path) -> None:
    (model / "lm.bin").unlink()
    with pytest.raises(ModelError, match=r"lm\.bin: is named in checksums\.txt but cannot be read \(No such file"):
        Recognizer.load(model)


@pytest.mark.parametrize("content", [b"model.safetensors is fine\n", b"abc  model.safetensors\n", b"\xff\xfe"])
def test_malformed_checksums_are_reported(content: bytes, model: Path) -> None:
    (model / "checksums.txt").write_bytes(content)
    with pytest.raises(ModelError, match=r"checksums\.txt: "):
        load_model(model)


def test_the_installed_model_matches_its_checksums() -> None:
    folder = SHIPPED_MODEL
    assert set(read_checksums(folder)) == {"model.safetensors", "lm.bin"}
    for name in read_checksums(folder):
        verify(folder / name)
