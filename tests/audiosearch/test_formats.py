from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from audiosearch.formats import FORMATS, LONGEST_CAPTION, captions, render
from audiosearch.types import Transcript, Word

WORDS = (Word("i", 0.52, 0.6, 0.9), Word("am", 0.6, 0.8046, 0.81249), Word("human", 3601.0, 3601.5, 1.0))
TRANSCRIPT = Transcript("some where/a b.mp3", 3601.75, WORDS)

EXPECTED = {
    "text": "i am human\n",
    "srt": """\
1
00:00:00,520 --> 00:00:01,520
i am

2
01:00:01,000 --> 01:00:01,750
human
""",
    "vtt": """\
WEBVTT

00:00:00.520 --> 00:00:01.520
i am

01:00:01.000 --> 01:00:01.750
human
""",
    "ctm": """\
a_b 1 0.520 0.080 i 0.900
a_b 1 0.600 0.205 am 0.812
a_b 1 3601.000 0.500 human 1.000
""",
}


@pytest.mark.parametrize("form", EXPECTED)
def test_known_renderings(form: str) -> None:
    assert render(TRANSCRIPT, form) == EXPECTED[form]


def test_json_is_one_line_with_all_there_is() -> None:
    line = render(TRANSCRIPT, "json")
    assert line.index("\n") == len(line) - 1
    record = json.loads(line)
    assert list(record) == ["path", "duration", "text", "words"]
    assert (record["path"], record["duration"], record["text"]) == ("some where/a b.mp3", 3601.75, "i am human")
    assert record["words"][1] == {"text": "am", "start": 0.6, "end": 0.805, "confidence": 0.812}


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_said(form: str) -> None:
    rendered = render(Transcript("a.wav", 1.0, ()), form)
    assert rendered.strip() in ("", "WEBVTT") or json.loads(rendered)["words"] == []


def test_captions_can_be_read_and_hold_every_word_once() -> None:
    rng = np.random.default_rng(3)
    words, now = [], 0.0
    for number in range(400):
        now += float(rng.choice([0.02, 0.1, 0.5, 2.0], p=[0.6, 0.25, 0.1, 0.05]))
        length = float(rng.uniform(0.05, 0.7))
        words.append(Word("w" * int(rng.integers(1, 14)) + str(number), now, now + length, 1.0))
        now += length
    made = captions(Transcript("a.wav", now, tuple(words)))
    assert " ".join(caption.text for caption in made).split() == [word.text for word in words]
    for caption, following in itertools.pairwise(made):
        assert caption.start < caption.end <= following.start
    for caption in made:
        assert caption.end - caption.start <= LONGEST_CAPTION
        assert len(lines := caption.text.split("\n")) <= 2
        assert max(map(len, lines)) <= 42
    assert np.mean([len(caption.text) for caption in made]) > 25
