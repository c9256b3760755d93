"""Text for display: no control character, line break or mark of direction reaches a terminal."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from audiosearch.display import json_line, printable
from audiosearch.errors import AudioError, reason_of


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


def test_warnings_are_safe_to_display_and_those_of_libraries_are_not_shown() -> None:
    code = (
        "import logging\n"
        "from audiosearch.display import show_warnings\n"
        "show_warnings(); show_warnings()\n"
        "logging.getLogger('audiosearch.audio.reader').warning('%s: is damaged.', 'a\\x1b[2J\\nb.mp3')\n"
        "logging.getLogger('elastic_transport.node_pool').warning('Node <Urllib3HttpNode(http://127.0.0.1:9)>')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('indexer.server.app').exception('a\\nb')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, *traceback = done.stderr.splitlines()
    assert first == "a\\x1b[2J\\nb.mp3: is damaged."
    assert second == "a\\nb"
    assert traceback[0].startswith("Traceback")
    assert traceback[-1].startswith("ZeroDivisionError")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied", "/a\x1b"), "Permission denied"),
        (ValueError("first line.\n  second line"), "first line"),
        (OSError("Error while serializing: I/O error: No space left on device (os error 28) at path '/x'"), "No space"),
        (ValueError(), "no reason is given"),
    ],
)
def test_reasons_of_errors_are_a_few_words(error: Exception, reason: str) -> None:
    assert reason_of(error).startswith(reason)
    assert not re.search(r"Error|Errno|os error|/", reason_of(error))


def test_the_reason_of_an_error_of_yaml_names_the_line() -> None:
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.safe_load("a: 1\nb: c: d")
    assert reason_of(caught.value) == "mapping values are not allowed here, line 2"
