"""File names of clips, spans of hits, and lists of hits for other programs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from audiosearch.errors import AudioError, OutputError
from audiosearch.types import Word
from indexer.export.clips import clip_names, media_path, padded_span
from indexer.export.hit_lists import FRAME_RATES, format_hits, timecode
from indexer.types import NO_MEDIA, Hit, Location, Recording


def hit(path: str = "/talks/one.opus", start: float = 64.0, text: str = "human things", identity: str = "ab") -> Hit:
    recording = Recording(identity * 16, (Location(path, 1, 1),), 3723.4, "model", "2024-05-06T07:08:09+00:00")
    words = tuple(Word(word, start + n / 2, start + n / 2 + 0.4, 0.9) for n, word in enumerate(text.split()))
    return Hit(recording, start, start + 0.9, 0.9, words, (Word("saying", 1.0, 2.0, 0.5),), ())


def test_names_sort_and_contain_recording_time_and_words() -> None:
    hits = [hit(), hit("/a/Ünï code: no? <1>.mp3", 3661.25, "it's"), hit(start=0.0, text="")]
    assert clip_names(hits) == [
        "001_one_0h01m04.0s_human-things",
        "002_Ünï-code-no-1_1h01m01.2s_it-s",
        "003_one_0h00m00.0s",
    ]
    many = clip_names([hit()] * 1200)
    assert many == sorted(many)
    assert many[0].startswith("0001_")


@pytest.mark.parametrize(
    "stem", ["CON", "a" * 300, "é" * 200, "../../etc/passwd", "\\\\server\\x", ".", "𝕒\u202e\x07", "a."]
)
def test_names_are_safe(stem: str) -> None:
    (name,) = clip_names([hit(f"/talks/{stem}", text="word " * 60)])
    assert re.fullmatch(r"001(_[\w-]+)?_0h01m04\.0s_(word-)*w?o?r?d?", name)
    assert len(f"{name}.flac".encode()) <= 143
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]|[. ]$', name)


def test_padding_is_limited_to_the_recording() -> None:
    assert padded_span(hit(), 0.5) == (63.5, 65.4)
    assert padded_span(hit(start=0.1), 0.5) == (0.0, 1.5)
    assert padded_span(hit(start=3722.4), 5.0) == (3717.4, 3723.4)
    assert padded_span(hit(start=3723.0), 0.0) == (3723.0, 3723.9)  # a transcript may end after its recording


def test_media_path_is_the_first_unchanged_file(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("1234")
    status = (tmp_path / "here").stat()
    here = Location(str(tmp_path / "here"), 4, status.st_mtime_ns)
    missing = Location(str(tmp_path / "missing"), 4, status.st_mtime_ns)
    recording = replace(hit().recording, locations=(missing, here))
    assert media_path(recording) == tmp_path / "here"
    for locations in ((missing,), (replace(here, size=5),), (replace(here, modified_ns=1),)):
        with pytest.raises(AudioError, match="index it again"):
            media_path(replace(recording, locations=locations))
    with pytest.raises(AudioError, match="import it again with --media"):
        media_path(replace(recording, model=NO_MEDIA + "ctm"))


def test_csv_as_read_by_the_standard_library() -> None:
    hits = [hit('/talks/a "b", c.mp3'), hit("=cmd.wav")]
    first, second = csv.DictReader(io.StringIO(format_hits(hits, "csv"), newline=""))
    assert first == {
        "path": '/talks/a "b", c.mp3',
        "start": "64.0",
        "end": "64.9",
        "confidence": "0.9",
        "way": "words",
        "before": "saying",
        "text": "human things",
        "after": "",
        "id": "ab" * 16,
        "voice": "",
    }
    assert second["path"] == "'=cmd.wav"


def test_labels_belong_to_one_recording_and_are_sorted_by_time() -> None:
    assert format_hits([hit(start=9.0), hit(start=2.5, text="a")], "audacity") == (
        "2.500000\t3.400000\ta\n9.000000\t9.900000\thuman things\n"
    )
    with pytest.raises(OutputError, match="in 2: select one with --path"):
        format_hits([hit(), hit(identity="cd")], "audacity")


def test_m3u() -> None:
    assert format_hits([hit(), hit("/talks/two\nlines.mp3", start=0.1)], "m3u", padding=0.25) == (
        "#EXTM3U\n"
        "#EXTINF:2,one – human things\n#EXTVLCOPT:start-time=63.750\n#EXTVLCOPT:stop-time=65.150\n/talks/one.opus\n"
        "#EXTINF:2,two lines – human things\n#EXTVLCOPT:start-time=0.000\n#EXTVLCOPT:stop-time=1.250\n"
        "file:///talks/two%0Alines.mp3\n"
    )


@pytest.mark.parametrize(
    ("rate", "frame", "code"),
    [
        ("25", 0, "00:00:00:00"),
        ("24", 24 * 3600 * 3 - 1, "02:59:59:23"),
        ("23.976", 24 * 60, "00:01:00:00"),
        ("29.97df", 1799, "00:00:59;29"),  # SMPTE 12M: frame 1800 is 00:01:00;02
        ("29.97df", 1800, "00:01:00;02"),
        ("29.97df", 17981, "00:09:59;29"),
        ("29.97df", 17982, "00:10:00;00"),
        ("29.97df", 107892, "01:00:00;00"),
        ("59.94", 60 * 3600, "01:00:00:00"),
    ],
)
def test_time_code(rate: str, frame: int, code: str) -> None:
    assert timecode(frame, rate) == code


@pytest.mark.parametrize("rate", FRAME_RATES)
def test_events_of_an_edl_cover_the_hits_and_are_consecutive(rate: str) -> None:
    hits = [hit(start=64.01), hit("/talks/two.mp4", start=600.5, identity="cd"), hit(start=3.0)]
    lines = format_hits(hits, "edl", rate=rate).splitlines()
    assert lines[:2] == ["TITLE: human things", f"FCM: {'DROP' if rate == '29.97df' else 'NON-DROP'} FRAME"]
    per_second = round(FRAME_RATES[rate])

    def frames(code: str) -> int:
        hours, minutes, seconds, rest = map(int, re.split("[:;]", code))
        total_minutes = hours * 60 + minutes
        skipped = 2 * (total_minutes - total_minutes // 10) if ";" in code else 0
        return ((total_minutes * 60) + seconds) * per_second + rest - skipped

    events = [line.split() for line in lines if re.match(r"\d{3} ", line)]
    assert [event[:4] for event in events] == [
        ["001", "R0000001", "AA", "C"],
        ["002", "R0000002", "AA", "C"],
        ["003", "R0000001", "AA", "C"],
    ]
    position = frames(events[0][6])
    assert events[0][6].startswith("01:00:00")
    for expected, event in zip(hits, events, strict=True):
        first, last, begin, end = map(frames, event[4:])
        assert first <= float(expected.start * FRAME_RATES[rate]) < first + 1
        assert last - 1 < float(expected.end * FRAME_RATES[rate]) <= last
        assert (begin, end) == (position, position + last - first)
        position = end
    assert "* FROM CLIP NAME: two.mp4" in lines


def test_an_edl_has_at_most_999_events() -> None:
    assert format_hits([hit()] * 999, "edl").count(" AA ") == 999
    with pytest.raises(OutputError, match="lower --limit"):
        format_hits([hit()] * 1000, "edl")


def test_lists_name_the_voice_of_a_hit() -> None:
    known = hit()
    known = replace(known, words=tuple(replace(word, voice="left") for word in known.words))
    both = replace(known, words=(known.words[0], replace(known.words[1], voice="right")))
    rows = list(csv.DictReader(io.StringIO(format_hits([hit(), known, both], "csv"), newline="")))
    assert [row["voice"] for row in rows] == ["", "left", ""]
    labels = format_hits([hit(), known], "audacity").splitlines()
    assert [label.split("\t")[2] for label in labels] == ["human things", "left: human things"]
