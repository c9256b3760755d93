"""Intervals: Praat TextGrid, label tracks and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import note
from audiosearch.transcripts.readers import read_transcripts
from audiosearch.transcripts.writers import render
from audiosearch.types import Transcript, Word

WORDS = (Word("the", 0.25, 0.5, 0.9), Word("gate", 0.5, 1.0, 0.8), Word("closed", 1.5, 2.0, 0.7))

SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
2
<exists>
3
"IntervalTier"
"Ann - words"
0
2
3
0
0.5
""
0.5
1
"so ""it"
1
2
"sp"
"IntervalTier"
"Ann - phones"
0
2
1
0
2
"S"
"TextTier"
"bells"
0
2
1
0.7
"ding"
"""


def read(folder: Path, text: str, encoding: str = "utf-8") -> list[tuple[str, float, float, str | None]]:
    (folder / "talk").write_text(text, encoding=encoding)
    (transcript,) = read_transcripts(folder / "talk")
    assert note([transcript]) == ""
    return [(word.text, word.start, word.end, word.voice) for word in transcript.words(0.5)]


@pytest.mark.parametrize("form", ["textgrid", "audacity", "csv"])
def test_written_intervals_can_be_read(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, render(Transcript("talk.mp3", 3.0, WORDS), form))
    assert [word[:3] for word in found] == [(word.text, word.start, word.end) for word in WORDS]


@pytest.mark.parametrize("form", ["textgrid", "audacity", "csv"])
def test_voices_of_written_intervals_can_be_read(form: str, tmp_path: Path) -> None:
    voiced = tuple(Word(word.text, word.start, word.end, 0.9, voice="AB"[n % 2]) for n, word in enumerate(WORDS))
    found = read(tmp_path, render(Transcript("talk.mp3", 3.0, voiced), form))
    assert sorted(found, key=lambda word: word[1]) == [(word.text, word.start, word.end, word.voice) for word in voiced]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_short_textgrids_with_phones_and_points(encoding: str, tmp_path: Path) -> None:
    assert read(tmp_path, SHORT, encoding) == [("so", 0.5, 0.7, None), ("it", 0.7, 1.0, None)]


def test_textgrids_without_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="is a TextGrid without a tier of words, only sentences, Ann - phones"):
        read(tmp_path, SHORT.replace("Ann - words", "sentences"))
    with pytest.raises(TranscriptError, match="tier Ann - words ends after 1 of 3 intervals"):
        read(tmp_path, SHORT[: SHORT.index('"so')])


def test_tables_of_words(tmp_path: Path) -> None:
    expected = [("the", 0.3, 0.5, None), ("gate", 0.5, 1.1, None)]
    assert read(tmp_path, "start\tend\ttext\n300\t500\tThe\n500\t1100\tgate\n") == expected
    assert read(tmp_path, "word,start,end\nThe,0.3,0.5\ngate,0.5,1.1\n") == expected
    assert read(tmp_path, "0.3\t0.5\tThe\n0.5\t1.1\tgate\n") == expected
    with pytest.raises(TranscriptError, match="is a table of segments without word times"):
        read(tmp_path, "start\tend\ttext\n300\t5000\tThe gate closed\n")


def test_tables_of_several_recordings(tmp_path: Path) -> None:
    lines = [render(Transcript(f"/talks/{name}.mp3", 3.0, WORDS), "csv") for name in "ab"]
    (tmp_path / "all.csv").write_text(lines[0] + lines[1].partition("\n")[2])
    first, second = read_transcripts(tmp_path / "all.csv")
    assert (first.name, second.name) == ("a.mp3", "b.mp3")
    assert second.words(0.5) == WORDS
