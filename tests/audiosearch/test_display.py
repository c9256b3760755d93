"""Text for display: no control character, line break or mark of direction reaches a terminal."""

import json

import pytest

from audiosearch.display import json_line, printable
from audiosearch.errors import AudioError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.wav", "plain name.wav"),
        ("a\x1b]0;OWNED\x07\x1b[31mred\nline.wav", r"a\x1b]0;OWNED\x07\x1b[31mred\nline.wav"),
        ("right\u202eto left\u2066", r"right\u202eto left\u2066"),
        ("csi\x9b31m, next line\x85, separators\u2028\u2029", r"csi\x9b31m, next line\x85, separators\u2028\u2029"),
        ("not UTF-8: \udcff", r"not UTF-8: \xff"),
        (
            "Straße 日本語 می\u200cخواهم 👩\u200d🔬 narrow\u202fspace",
            "Straße 日本語 می\u200cخواهم 👩\u200d🔬 narrow\u202fspace",
        ),
        ("zero\0width\ufeff\u200b", r"zero\x00width\ufeff\u200b"),
    ],
)
def test_text_is_shown_on_one_line_without_controls(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_of_a_document_are_kept() -> None:
    assert printable("one\ntwo\x1b", keep="\n") == "one\ntwo\\x1b"


def test_an_error_names_a_file_safely() -> None:
    assert str(AudioError("a\x1b[2J\n.wav: is damaged.")) == r"a\x1b[2J\n.wav: is damaged."


def test_json_is_on_one_line_and_exact() -> None:
    record = {"Zoë": "a\x1b\n\u202e\u2028\x7f\x9b\udcff 👩\u200d🔬 \U000e0001"}
    line = json_line(record)
    assert json.loads(line) == record
    assert printable(line) == line
    assert "Zoë" in line
    assert "👩\u200d🔬" in line
