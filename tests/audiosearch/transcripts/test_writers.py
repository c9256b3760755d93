"""Written transcripts: known output, invariants, and independent readers."""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from audiosearch.csv_rows import csv_line
from audiosearch.transcripts.writers import FORMATS, MAX_CAPTION, captions, render
from audiosearch.types import Alternative, Transcript, Word

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


def test_json_is_one_line_with_all_fields() -> None:
    line = render(TRANSCRIPT, "json")
    assert line.index("\n") == len(line) - 1
    record = json.loads(line)
    assert list(record) == ["path", "duration", "text", "words"]
    assert (record["path"], record["duration"], record["text"]) == ("some where/a b.mp3", 3601.75, "i am human")
    assert record["words"][1] == {"text": "am", "start": 0.6, "end": 0.805, "confidence": 0.812}


def test_json_holds_alternatives() -> None:
    word = Word("i", 0.0, 0.5, 0.6, (Alternative("eye", 0.25), Alternative("a", 0.04999)))
    record = json.loads(render(Transcript("a.wav", 1.0, (word,)), "json"))
    alternatives = [{"text": "eye", "probability": 0.25}, {"text": "a", "probability": 0.05}]
    assert record["words"] == [{"text": "i", "start": 0.0, "end": 0.5, "confidence": 0.6, "alternatives": alternatives}]


@pytest.mark.parametrize("form", FORMATS)
def test_a_recording_without_words(form: str) -> None:
    rendered = render(Transcript("a.wav", 1.0, ()), form)
    if form in ("json", "whisperx-json"):
        assert not any(json.loads(rendered).get(name) for name in ("words", "word_segments"))
    elif form == "textgrid":
        assert 'intervals: size = 1\nintervals [1]:\nxmin = 0.0\nxmax = 1.0\ntext = ""\n' in rendered
    else:
        assert rendered.strip() in ("", "WEBVTT", "path,start,end,confidence,word,voice")


def test_captions_are_readable_and_hold_every_word_once() -> None:
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
        assert caption.end - caption.start <= MAX_CAPTION
        assert len(lines := caption.text.split("\n")) <= 2
        assert max(map(len, lines)) <= 42
    assert np.mean([len(caption.text) for caption in made]) > 25


# Output read by independent libraries


def spoken(seed: int = 3, count: int = 400) -> Transcript:
    """Words with pauses, some longer than a line of a caption."""
    rng = np.random.default_rng(seed)
    words, now = [], 0.0
    for number in range(count):
        now += float(rng.choice([0.0, 0.1, 0.5, 2.0, 9.0], p=[0.6, 0.25, 0.08, 0.05, 0.02]))
        length = float(rng.uniform(0.05, 0.7) if rng.random() < 0.99 else 12.0)
        text = "w" * int(rng.integers(1, 14) if rng.random() < 0.99 else 130) + str(number)
        words.append(Word(text, now, now + length, round(float(rng.random()), 3)))
        now += length
    return Transcript("some where/a b.mp3", now + 1, tuple(words))


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_pysubs2_and_webvtt_read_captions(form: str, tmp_path: Path) -> None:
    pysubs2, webvtt = pytest.importorskip("pysubs2"), pytest.importorskip("webvtt")
    transcript = spoken()
    path = tmp_path / f"captions.{form}"
    path.write_text(render(transcript, form), encoding="utf-8")
    read = pysubs2.load(str(path), format_=form)
    events = [(event.start, event.end, event.text.split(r"\N")) for event in read]
    captioned = webvtt.read(path) if form == "vtt" else webvtt.from_srt(path)
    assert [caption.lines for caption in captioned] == [lines for _, _, lines in events]
    letters = "".join(line.replace(" ", "") for _, _, lines in events for line in lines)
    assert letters == transcript.text.replace(" ", "")
    for start, end, lines in events:
        assert 0 < end - start <= MAX_CAPTION * 1000
        assert len(lines) <= 2
        assert max(map(len, lines)) <= 42
    for before, after in itertools.pairwise(events):
        assert before[1] <= after[0]
    starts = {start for start, _, _ in events}
    for word, following in itertools.pairwise(transcript.words):
        if following.start - word.end >= 0.8:
            assert round(following.start * 1000) in starts


def test_markup_of_webvtt_is_escaped(tmp_path: Path) -> None:
    webvtt = pytest.importorskip("webvtt")
    path = tmp_path / "a.vtt"
    path.write_text(render(Transcript("a", 2.0, (Word("<b>&amp;-->", 0.0, 1.0, 1.0),)), "vtt"))
    (caption,) = webvtt.read(path)
    assert html.unescape(caption.raw_text) == "<b>&amp;-->"


def test_praatio_and_tgt_read_text_grids(tmp_path: Path) -> None:
    textgrid, tgt = pytest.importorskip("praatio.textgrid"), pytest.importorskip("tgt")
    words = [Word('"quoted"', 0.0, 0.2, 1.0), Word("instant", 0.5, 0.5, 1.0), Word("over", 1.0, 2.0, 1.0)]
    words += [Word("lapping", 1.5, 2.5, 1.0), Word("same", 3.0, 3.2, 1.0), Word("time", 3.0, 3.1, 1.0)]
    odd = Transcript("odd", 4.0, tuple(words))
    for transcript in (spoken(), odd, Transcript("silent", 2.5, ())):
        path = tmp_path / "words.TextGrid"
        path.write_text(render(transcript, "textgrid"), encoding="utf-8")
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
        tier = grid.getTier("words")
        assert (grid.minTimestamp, grid.maxTimestamp) == (0, round(transcript.duration, 3))
        assert " ".join(entry.label for entry in tier.entries if entry.label) == transcript.text
        for entry, following in itertools.pairwise(tier.entries):
            assert entry.start < entry.end == following.start
        (read,) = tgt.io.read_textgrid(str(path)).tiers
        assert " ".join(interval.text for interval in read.intervals if interval.text) == transcript.text
        if transcript is not odd:
            spans = [(entry.start, entry.end) for entry in tier.entries if entry.label]
            assert spans == [(round(word.start, 3), round(word.end, 3)) for word in transcript.words]


def test_tables_and_labels_and_whisperx_hold_every_word() -> None:
    transcript = spoken()
    expected = [(round(w.start, 3), round(w.end, 3), round(w.confidence, 3), w.text) for w in transcript.words]
    table = list(csv.DictReader(io.StringIO(render(transcript, "csv"))))
    assert {row["path"] for row in table} == {transcript.path}
    assert [(float(r["start"]), float(r["end"]), float(r["confidence"]), r["word"]) for r in table] == expected
    labels = [line.split("\t") for line in render(transcript, "audacity").splitlines()]
    assert [(round(float(a), 3), round(float(b), 3), text) for a, b, text in labels] == [
        (start, end, text) for start, end, _, text in expected
    ]
    record = json.loads(render(transcript, "whisperx-json"))
    words = [word for segment in record["segments"] for word in segment["words"]]
    assert words == record["word_segments"]
    assert [(w["start"], w["end"], w["score"], w["word"]) for w in words] == expected
    for segment in record["segments"]:
        assert segment["text"] == " ".join(word["word"] for word in segment["words"])
        assert (segment["start"], segment["end"]) == (segment["words"][0]["start"], segment["words"][-1]["end"])


def test_cells_are_never_formulas() -> None:
    formulas = ["=1+1", "+1", "-1", "@A1", "\tx", "\rx", "\nx"]
    plain = ["a=1", 'say "hi", ok', "two\nlines", "é", ""]
    (row,) = csv.reader(io.StringIO(csv_line([*formulas, *plain, -1.5]), newline=""))
    assert row == [*(f"'{cell}" for cell in formulas), *plain, "-1.5"]


def test_voices_are_named_in_tables_and_labels() -> None:
    words = (Word("i", 0.5, 0.6, 0.9, voice="left"), Word("am", 0.6, 0.8, 0.8, voice="channel 3"), WORDS[2])
    transcript = Transcript("a.wav", 3601.75, words)
    rows = list(csv.DictReader(io.StringIO(render(transcript, "csv"), newline="")))
    assert [row["voice"] for row in rows] == ["left", "channel 3", ""]
    labels = [line.split("\t")[2] for line in render(transcript, "audacity").splitlines()]
    assert labels == ["left: i", "channel 3: am", "human"]
