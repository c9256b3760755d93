"""Texts without times of words: lines, times before them, labels of speakers, cues."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiosearch.alignment.scripts import read_script
from audiosearch.errors import TranscriptError


def voiced(path: Path, text: str) -> list[tuple[str | None, str]]:
    """Voice and text of the tokens of a file."""
    path.write_text(text, encoding="utf-8")
    return [(token.voice, token.text) for token in read_script(path).tokens]


def test_labels_in_capitals_or_of_several_lines_are_voices(tmp_path: Path) -> None:
    text = "Title\n\nANNA: Hello there.\nIt rains.\nDr. Brown: I see.\nNote: not a label\nDr. Brown (laughs): Yes.\n"
    assert voiced(tmp_path / "a.txt", text) == [
        (None, "Title"),
        ("ANNA", "Hello"),
        ("ANNA", "there."),
        ("ANNA", "It"),
        ("ANNA", "rains."),
        ("Dr. Brown", "I"),
        ("Dr. Brown", "see."),
        ("Dr. Brown", "Note:"),
        ("Dr. Brown", "not"),
        ("Dr. Brown", "a"),
        ("Dr. Brown", "label"),
        ("Dr. Brown", "Yes."),
    ]


@pytest.mark.parametrize(
    "line",
    ["[00:12:31] BOB: Hi you", "00:12 BOB: Hi you", "(1:02:03.5) BOB: Hi you", ">> BOB: Hi you", "- BOB: Hi you"],
)
def test_times_and_marks_before_a_line_are_not_words(tmp_path: Path, line: str) -> None:
    assert voiced(tmp_path / "a.txt", f"{line}\n{line}\n") == [("BOB", "Hi"), ("BOB", "you")] * 2


@pytest.mark.parametrize("text", ["[music] Welcome back", "Welcome in 2024, it is 7:30 already", "word"])
def test_any_text_is_read(tmp_path: Path, text: str) -> None:
    assert " ".join(word for _, word in voiced(tmp_path / "a.txt", text)) == text


def test_printed_lines_of_whisper_are_text(tmp_path: Path) -> None:
    assert voiced(tmp_path / "a.txt", "[00:00.000 --> 00:05.000]  Hi you\n[00:05.000 --> 00:07.000]  there\n") == [
        (None, "Hi"),
        (None, "you"),
        (None, "there"),
    ]


def test_captions_give_hints_and_voices(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nANNA: Hello\nyou\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n")
    first, second, third = read_script(path).tokens
    assert [(token.text, token.voice) for token in (first, second, third)] == [
        ("Hello", "ANNA"),
        ("you", "ANNA"),
        ("there", "ANNA"),
    ]
    assert first.location == second.location != third.location
    assert third.start == 3.0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.txt", " \n", "holds no"),
        ("two.ctm", "a 1 0.0 0.5 hello\nb 1 0.0 0.5 hello\n", "2 recordings"),
        ("page.html", "<!doctype html><html><p>Hello you</p></html>", "HTML"),
    ],
)
def test_what_is_no_text_of_one_recording_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TranscriptError, match=message):
        read_script(tmp_path / name)
