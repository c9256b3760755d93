"""Hot words: what they are worth, and what a decoder makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiosearch.alphabet import Alphabet
from audiosearch.config import DecoderConfig
from audiosearch.decoding.decoder import BeamDecoder
from audiosearch.decoding.hotwords import HotWords, read_hotwords
from audiosearch.errors import ConfigError
from audiosearch.language_model.kenlm_model import LanguageModel
from audiosearch.types import Emissions

ENGLISH = Alphabet()
TINY = LanguageModel(Path(__file__).parents[2] / "data" / "tiny.arpa", ("the", "cat", "cap", "sat", "human", "things"))


def spell(*frames: str) -> Emissions:
    """Frames as strings of the labels that are likely, each half as likely as the one before; ``_`` is the blank."""
    rows = np.full((len(frames), len(ENGLISH)), 1e-5)
    for row, frame in zip(rows, frames, strict=True):
        for rank, character in enumerate(frame):
            row[ENGLISH.blank if character == "_" else ENGLISH.encode(character)[0]] = 0.5**rank
    return Emissions(np.log(rows / rows.sum(1, keepdims=True)).astype(np.float32), 0.02)


def earned(hotwords: HotWords, text: str) -> tuple[float, float]:
    """What a text is worth for good, and what it may have to give back."""
    total, state = 0.0, hotwords.start
    for word in text.split():
        more, state = state.after(word)
        total += more
    return total, state.pending


def test_phrases_are_worth_their_letters_when_they_are_whole() -> None:
    hotwords = HotWords(["Bank of America", "New York", "new york times", "zeus"], 2.0)
    assert earned(hotwords, "the of america") == (0, 0)
    assert earned(hotwords, "the zeus of zeus") == (16, 0)
    assert earned(hotwords, "bank") == (0, 8)
    assert earned(hotwords, "bank of") == (0, 12)
    assert earned(hotwords, "bank of america") == (26, 0)
    assert earned(hotwords, "bank of zeus") == (8, 0)
    assert earned(hotwords, "bank of bank") == (0, 8)
    assert earned(hotwords, "new york") == (14, 0)  # for good, though it may go on
    assert earned(hotwords, "new york times") == (24, 0)
    assert earned(hotwords, "new york bank") == (14, 8)


def test_letters_count_where_a_hot_word_may_begin() -> None:
    hotwords = HotWords(["bank of america", "zeus"], 2.0)
    assert (hotwords.start.begins("ze"), hotwords.start.begins("of"), hotwords.start.begins("zex")) == (4, 0, 0)
    after = hotwords.start.after("bank")[1]
    assert (after.begins("of"), after.begins("ze"), after.begins("am")) == (4, 4, 0)


def test_words_that_the_language_model_does_not_know_are_spelled() -> None:
    heard = spell(*"the ", "z", "e", "ou", "s", *" sat")
    config = DecoderConfig(hotword_weight=1.5)
    assert BeamDecoder(ENGLISH, config, TINY).decode(heard)[0].text != "the zeus sat"
    assert BeamDecoder(ENGLISH, config, TINY, ["Zeus"]).decode(heard)[0].text == "the zeus sat"


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
def test_a_file_that_is_none_is_told(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message):
        read_hotwords(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_hotwords(tmp_path / "none.txt")
