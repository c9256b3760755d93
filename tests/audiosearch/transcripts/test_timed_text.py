"""Captions of YouTube and TTML: words at their times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import note
from audiosearch.transcripts.readers import read_transcripts

WORDS = [("the", 1.0, 1.4), ("harbor", 1.4, 5.0), ("the", 5.0, 5.3), ("gate", 5.3, 7.0), ("yeah", 20.0, 21.0)]


def words(folder: Path, text: str) -> list[tuple[str, float, float]]:
    (folder / "talk").write_text(text, encoding="utf-8")
    (transcript,) = read_transcripts(folder / "talk")
    assert note([transcript]) == ""
    return [(word.text, round(word.start, 3), round(word.end, 3)) for word in transcript.words(0.5)]


EVENTS = [
    {"tStartMs": 0, "dDurationMs": 30000, "id": 1, "wpWinPosId": 1},
    {
        "tStartMs": 1000,
        "dDurationMs": 6000,
        "wWinId": 1,
        "segs": [{"utf8": "the"}, {"utf8": " harbor", "tOffsetMs": 400}],
    },
    {"tStartMs": 4990, "dDurationMs": 2010, "wWinId": 1, "aAppend": 1, "segs": [{"utf8": "\n"}]},
    {
        "tStartMs": 5000,
        "dDurationMs": 2000,
        "segs": [{"utf8": "the", "acAsrConf": 0}, {"utf8": " gate", "tOffsetMs": 300}],
    },
    {"tStartMs": 20000, "dDurationMs": 1000, "segs": [{"utf8": "yeah"}]},
]

SRV3 = """<?xml version="1.0" encoding="utf-8" ?><timedtext format="3">
<head><ws id="0"/><wp id="0"/></head><body><w t="0" id="1" wp="1" ws="1"/>
<p t="1000" d="6000" w="1"><s ac="0">the</s><s t="400" ac="0"> harbor</s></p>
<p t="4990" d="2010" w="1" a="1">
</p>
<p t="5000" d="2000" w="1"><s ac="0">the</s><s t="300" ac="0"> gate</s></p>
<p t="20000" d="1000" w="1"><s>yeah</s></p></body></timedtext>"""

SRV2 = """<timedtext><text t="1000" d="400" w="1">the</text><text t="1400" d="9000" w="1" append="1"> harbor</text>
<text t="5000" d="300">the</text><text t="5300" d="1700" append="1"> gate</text>
<text t="20000" d="1000">yeah</text></timedtext>"""

TTML = """<tt xmlns="http://www.w3.org/ns/ttml"
xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:tickRate="10"><body><div>
<p begin="00:00:01.000" end="00:00:05.000"><span begin="1.0s">the</span> <span begin="1.4s">harbor</span></p>
<p begin="50t" end="7s"><span begin="0s">the</span><br/><span begin="0.3s">gate</span></p>
<p begin="20s" dur="1s">yeah</p></div></body></tt>"""


@pytest.mark.parametrize("text", [json.dumps({"wireMagic": "pb3", "events": EVENTS}), SRV3, SRV2, TTML])
def test_words_are_at_their_times(text: str, tmp_path: Path) -> None:
    assert words(tmp_path, text) == WORDS


def test_repeated_lines_count_once(tmp_path: Path) -> None:
    rolling = [EVENTS[1], {"tStartMs": 4000, "dDurationMs": 900, "segs": [{"utf8": "the harbor"}]}]
    rolling.append({"tStartMs": 5000, "segs": [{"utf8": "the harbor\nthe"}, {"utf8": " gate", "tOffsetMs": 300}]})
    found = words(tmp_path, json.dumps({"events": rolling}))
    assert [(text, start) for text, start, _ in found] == [("the", 1.0), ("harbor", 1.4), ("the", 5.0), ("gate", 5.3)]


def test_events_of_a_wrong_shape_are_left_out(tmp_path: Path) -> None:
    events = [*EVENTS, 7, {"tStartMs": "soon", "segs": [{"utf8": "x"}]}, {"tStartMs": 1, "segs": [{"utf9": "x"}]}]
    (tmp_path / "talk").write_text(json.dumps({"events": events}))
    (transcript,) = read_transcripts(tmp_path / "talk")
    assert [word.text for word in transcript.words(0.5)] == [text for text, *_ in WORDS]
    assert "events[5]: is not an event" in note([transcript])
    assert "3 of 8 words or lines of the file left out" in note([transcript])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"events": [{"tStartMs": 0, "dDurationMs": 900, "segs": [{"utf8": "by hand\nof course"}]}]}),
        '<transcript><text start="0.5" dur="2">it&amp;#39;s by hand</text></transcript>',
    ],
)
def test_captions_by_hand_have_no_word_times(text: str, tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=r"is YouTube captions \((json3|XML)\) without word times"):
        words(tmp_path, text)
