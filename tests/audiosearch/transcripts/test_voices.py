"""Voices in transcripts: read from every format that has them, and written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiosearch.transcripts.readers import read_transcripts
from audiosearch.transcripts.turns import in_turns
from audiosearch.transcripts.writers import render
from audiosearch.types import Transcript, Word

WORDS = (
    Word("the", 0.0, 0.4, 0.9, voice="Ann"),
    Word("no", 0.3, 0.8, 0.9, voice="Bob & Co"),
    Word("train", 0.5, 0.9, 0.9, voice="Ann"),
)
TRANSCRIPT = Transcript("talk.wav", 2.0, WORDS)


def voices(file: Path) -> list[tuple[str, str | None]]:
    (transcript,) = read_transcripts(file)
    return [(word.text, word.voice) for word in transcript.words(0.5)]


VTT = """WEBVTT

00:00.000 --> 00:02.000
<v Ann>so <00:00:00.500>it <00:00:01.000>began

00:03.000 --> 00:05.000
<v.loud Bob &amp; Co>did <00:00:03.500>it</v> <v Ann>oh <00:00:04.000>yes
"""


def test_voices_of_vtt_are_read(tmp_path: Path) -> None:
    file = tmp_path / "talk.vtt"
    file.write_text(VTT)
    assert voices(file) == [
        ("so", "Ann"), ("it", "Ann"), ("began", "Ann"),
        ("did", "Bob & Co"), ("it", "Bob & Co"), ("oh", "Ann"), ("yes", "Ann"),
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["word", "segment"])
def test_speakers_of_json_are_read(place: str, tmp_path: Path) -> None:
    speaker = {"speaker": "SPEAKER_01"}
    word = {"word": "so", "start": 0.0, "end": 0.4, "score": 0.9, **(speaker if place == "word" else {})}
    segment = {"start": 0.0, "end": 0.5, "text": "so", "words": [word], **(speaker if place == "segment" else {})}
    file = tmp_path / "talk.json"
    file.write_text(json.dumps({"segments": [segment]}))
    assert voices(file) == [("so", "SPEAKER_01")]


def test_channels_of_ctm_are_voices_if_there_are_several(tmp_path: Path) -> None:
    file = tmp_path / "talk.ctm"
    file.write_text("talk A 0.0 0.4 so\ntalk B 0.2 0.4 no\n")
    assert voices(file) == [("so", "A"), ("no", "B")]
    file.write_text("talk 1 0.0 0.4 so\n")
    assert voices(file) == [("so", None)]


@pytest.mark.parametrize("form", ["json", "ctm", "whisperx-json"])
def test_written_voices_are_read_again(form: str, tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    file.write_text(render(TRANSCRIPT, form))
    name = "Bob_&_Co" if form == "ctm" else "Bob & Co"
    assert sorted(voices(file)) == [("no", name), ("the", "Ann"), ("train", "Ann")]


def test_captions_and_text_name_voices() -> None:
    assert render(TRANSCRIPT, "text") == "Ann: the train\nBob & Co: no\n"
    vtt = render(TRANSCRIPT, "vtt")
    assert "<v Ann>the train\n" in vtt
    assert "<v Bob &amp; Co>no\n" in vtt
    srt = render(TRANSCRIPT, "srt")
    assert "\nAnn: the train\n" in srt
    assert "\nBob & Co: no\n" in srt


def test_a_textgrid_has_a_tier_for_each_voice() -> None:
    grid = render(TRANSCRIPT, "textgrid")
    assert "size = 2\nitem []:" in grid
    assert 'name = "Ann"' in grid
    assert 'name = "Bob & Co"' in grid
    assert grid.count("xmax = 2.0") == 5


def test_a_voice_does_not_hold_back_another_for_long() -> None:
    monologue = [Word("a", 0.5 * number, 0.5 * number + 0.4, 0.9, voice="A") for number in range(100)]
    ordered = in_turns(sorted([*monologue, Word("b", 5.1, 5.4, 0.9, voice="B")], key=lambda word: word.start))
    place = next(number for number, word in enumerate(ordered) if word.text == "b")
    assert 0 <= ordered[place - 1].start - 5.1 <= 10


def test_names_of_voices_are_on_one_line(tmp_path: Path) -> None:
    """A name cannot add cues, lines or labels to what is exported."""
    file = tmp_path / "talk.json"
    words = [{"word": "human", "start": 0.1, "end": 0.4, "score": 0.9, "speaker": "Ann\n\n2\n00:00 --> 1\tB"}]
    segment = {"start": 0.1, "end": 0.4, "text": "human", "words": words}
    file.write_text(json.dumps({"segments": [segment]}))
    (transcript,) = read_transcripts(file)
    (word,) = transcript.words(0.5)
    assert word.voice == "Ann 2 00:00 --> 1 B"
    assert render(Transcript("talk.wav", 1.0, (word,)), "srt").count("\n") == 3
