"""Hot words: their files, and their effect on the decoder; ``core/test_hot_words.py`` checks the bonuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from ctc import ENGLISH, TINY, spell

from audiosearch.config import DecoderConfig
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.decoding.hotwords import read_hotwords
from audiosearch.decoding.names import read_names
from audiosearch.errors import ConfigError


def test_hot_words_may_be_unknown_to_the_language_model() -> None:
    emissions = spell(*"the ", "z", "e", "ou", "s", *" sat")
    config = DecoderConfig(hotword_weight=1.5)
    assert BeamDecoder(ENGLISH, config, TINY).decode(emissions)[0].text != "the zeus sat"
    assert BeamDecoder(ENGLISH, config, TINY, ["Zeus"]).decode(emissions)[0].text == "the zeus sat"


def test_a_phrase_is_preferred_as_a_whole() -> None:
    config = DecoderConfig(alpha=0.0, beta=0.0, hotword_weight=1.0)
    hot = BeamDecoder(ENGLISH, config, TINY, ["cap things"])
    assert hot.decode(spell(*"the ca", "tp", *" things"))[0].text == "the cap things"
    assert hot.decode(spell(*"the ca", "tp", *" human"))[0].text == "the cat human"
    assert hot.decode(spell(*"the ca", "tp"))[0].text == "the cat"


def test_a_file_of_hot_words(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# guests\nKierkegaard\n\n  Søren Kierkegaard  # of Copenhagen\nKIERKEGAARD\n", encoding="utf-8")
    assert read_hotwords(path) == ("kierkegaard", "soren kierkegaard")


@pytest.mark.parametrize(
    ("content", "message"),
    [("# nothing\n", "holds no hot words"), ("zeus\n!?\n", "line 2: '!\\?' holds no letters"), (b"\xff\xfe", "UTF-8")],
)
def test_a_file_without_hot_words_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message):
        read_hotwords(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_hotwords(tmp_path / "none.txt")


def test_names_are_rare_words_with_a_capital(tmp_path: Path) -> None:
    path = tmp_path / "notes.html"
    text = "Zeus sat. The cat of Hera, and Al. Things <b>Søren O’Hara</b> said in McCarthy’s cat. Human Zeus!"
    path.write_text(f"<html><style>Red</style><p>{text}</p></html>", encoding="utf-8")
    names = read_names(path, TINY.ngrams)
    assert names[:2] == ("zeus", "hera")
    assert {"soren", "o'hara", "mccarthy's"} <= set(names)
    assert not {"the", "things", "red", "al", "human"} & set(names)
    path.write_text("Nothing of note.")
    assert "of" not in read_names(path, TINY.ngrams)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_names(path, TINY.ngrams)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_names(tmp_path / "none.txt", TINY.ngrams)
