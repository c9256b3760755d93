"""Imported transcripts: words and times of each format, and messages that name file and line."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from audiosearch.errors import TranscriptError
from audiosearch.tags import normalize_transcript
from audiosearch.transcripts.imported import ImportedTranscript, Token, note
from audiosearch.transcripts.readers import read_transcripts
from audiosearch.transcripts.writers import render
from audiosearch.types import Alternative, Transcript, Word

Row = tuple[str, float, float, float]


def rows(words: tuple[Word, ...]) -> list[Row]:
    return [(word.text, round(word.start, 3), round(word.end, 3), round(word.confidence, 3)) for word in words]


def read_one(folder: Path, text: str, channel: str | None = None) -> tuple[ImportedTranscript, list[Row]]:
    path = folder / "transcript"
    path.write_text(text, encoding="utf-8")
    (transcript,) = read_transcripts(path, channel)
    return transcript, rows(transcript.words(0.5))


WHISPERX = {
    "segments": [
        {
            "start": 0.0,
            "end": 3.0,
            "text": " Mr. Smith paid $5.50.",
            "words": [
                {"word": "Mr.", "start": 0.2, "end": 0.5, "score": 0.9},
                {"word": "Smith", "start": 0.5, "end": 0.9, "score": 0.8},
                {"word": "paid", "start": 1.0, "end": 1.3},
                {"word": "$5.50."},
            ],
            "speaker": "SPEAKER_00",
        },
        {"start": 4.0, "end": 6.0, "text": "no words"},
    ],
    "word_segments": [],
    "language": "en",
}


def test_whisperx(tmp_path: Path) -> None:
    transcript, words = read_one(tmp_path, json.dumps(WHISPERX))
    assert (transcript.kind, transcript.name, transcript.duration) == ("whisperx", "", None)
    assert words[:3] == [("mister", 0.2, 0.5, 0.9), ("smith", 0.5, 0.9, 0.8), ("paid", 1.0, 1.3, 0.5)]
    # a token that was not aligned gets the rest of its segment: "five dollars and fifty cents" by their letters
    assert [text for text, *_ in words[3:8]] == ["five", "dollars", "and", "fifty", "cents"]
    assert words[3] == ("five", 1.3, round(1.3 + 1.7 * 4 / 24, 3), 0.5)
    assert words[7][2] == 3.0
    assert words[8:] == [("no", 4.0, round(4 + 2 * 2 / 7, 3), 0.5), ("words", round(4 + 2 * 2 / 7, 3), 6.0, 0.5)]


def test_whisper_with_word_times_and_lists_of_segments(tmp_path: Path) -> None:
    word = {"word": " Hello,", "start": 0.5, "end": 0.9, "probability": 0.75}
    segments = [{"id": 0, "start": 0.0, "end": 1.0, "text": " Hello,", "words": [word]}]
    for document in ({"text": " Hello,", "segments": segments}, segments, {"word_segments": [word]}):
        assert read_one(tmp_path, json.dumps(document))[1] == [("hello", 0.5, 0.9, 0.75)]
    with pytest.raises(TranscriptError, match="is a transcript by Whisper without word times; align it"):
        read_one(tmp_path, json.dumps({"segments": [{"start": 0, "end": 1, "text": "hello there"}]}))
    assert read_one(tmp_path, json.dumps({"segments": [], "word_segments": []}))[1] == []


def test_vosk(tmp_path: Path) -> None:
    words = [{"conf": 1.0, "start": 0.1, "end": 0.4, "word": "the"}, {"conf": 0.5, "start": 2, "end": 3, "word": "sea"}]
    expected = [("the", 0.1, 0.4, 1.0), ("sea", 2.0, 3.0, 0.5)]
    first, second = ({"result": [word], "text": word["word"]} for word in words)
    result = {"result": words, "text": "the sea"}
    best = {"alternatives": [{"confidence": 200.0, "result": words, "text": "the sea"}, {"text": "a sea"}]}
    stream = f"{json.dumps(first, indent=2)}\n{json.dumps({'text': ''})}\n{json.dumps(second)}\n"
    for text in (json.dumps(result), json.dumps([first, second]), stream, json.dumps(best)):
        transcript, words_read = read_one(tmp_path, text)
        assert (transcript.kind, words_read) == ("vosk", expected)
    with pytest.raises(TranscriptError, match=r"transcript, line 2: has no word times; call SetWords"):
        read_one(tmp_path, f"{json.dumps(result)}\n" + json.dumps({"text": "the sea"}))


def test_exported_json_with_alternatives(tmp_path: Path) -> None:
    words = (Word("i", 0.1, 0.25, 0.6, (Alternative("eye", 0.25),)), Word("am", 0.3, 0.5, 0.9))
    lines = [render(Transcript(f"/talks/{name}.mp3", 9.5, words), "json", {"id": "x"}) for name in "ab"]
    (tmp_path / "two.jsonl").write_text("".join(lines))
    first, second = read_transcripts(tmp_path / "two.jsonl")
    assert (first.name, second.name, first.kind, first.duration) == ("a.mp3", "b.mp3", "json", 9.5)
    assert first.words(0.5) == second.words(0.5) == words


@pytest.mark.parametrize("form", ["whisperx-json", "ctm", "json"])
def test_written_transcripts_can_be_read(form: str, tmp_path: Path) -> None:
    words = tuple(Word("abc"[n % 3] * (n % 5 + 1), n / 3, n / 3 + 0.25, n / 100) for n in range(100))
    _, words_read = read_one(tmp_path, render(Transcript("talk.mp3", 40.0, words), form))
    assert words_read == rows(words)


CTM = """\
;; a comment
talk_1 1 0.10 0.30 So, 0.9
talk_1 2 0.20 0.50 yes 0.8 lex
other A 1.0 0.5 <unk> NA ;; noise
talk_1 1 0.50 0.25 twenty-one

talk_1 1 * * <ALT_BEGIN>
talk_1 1 1.00 0.10 uh
talk_1 1 * * <ALT>
talk_1 1 1.00 0.10 um
talk_1 1 * * <ALT_END>
other A 2.0 0.5 well NA
"""


def test_ctm(tmp_path: Path) -> None:
    path = tmp_path / "all.ctm"
    path.write_text("\ufeff" + CTM, encoding="utf-8")
    talk, call = read_transcripts(path)
    assert (talk.name, call.name) == ("talk_1", "other")
    assert rows(talk.words(0.5)) == [
        ("so", 0.1, 0.4, 0.9),
        ("yes", 0.2, 0.7, 0.8),
        ("twenty", 0.5, round(0.5 + 0.25 * 6 / 9, 3), 0.5),
        ("one", round(0.5 + 0.25 * 6 / 9, 3), 0.75, 0.5),
        ("uh", 1.0, 1.1, 0.5),
    ]
    assert rows(call.words(0.25)) == [("well", 2.0, 2.5, 0.25)]
    (second,) = read_transcripts(path, "2")
    assert rows(second.words(0.5)) == [("yes", 0.2, 0.7, 0.8)]
    with pytest.raises(TranscriptError, match="has no channel 3, only 1, 2, A"):
        read_transcripts(path, "3")


VTT = """\
WEBVTT - made by hand
Kind: captions

NOTE
about 00:00 nothing

STYLE
::cue(b) { color: red }

first
00:00.500 --> 00:02.000 align:start position:0%
<v Ann>so <00:00:00.900><c> it</c> <00:00:01.300><b>was &amp; is</b>

00:00:02.000 --> 00:00:02.010
so it was &amp; is

00:00:02.010 --> 00:00:04.000
so it was &amp; is
alone

1:00:00.000 --> 1:00:01.000
[Music]
"""


def test_vtt_with_word_times(tmp_path: Path) -> None:
    transcript, words = read_one(tmp_path, VTT)
    assert transcript.kind == "vtt"
    third = round(1.3 + 0.7 * 3 / 6, 3)
    assert words == [
        ("so", 0.5, 0.9, 0.5),
        ("it", 0.9, 1.3, 0.5),
        ("was", 1.3, third, 0.5),
        ("and", third, round(1.3 + 0.7 * 4 / 6, 3), 0.5),
        ("is", round(1.3 + 0.7 * 4 / 6, 3), 2.0, 0.5),
        ("alone", 2.01, 4.0, 0.5),
    ]


WRONG = [
    ("", "neither|no transcript"),
    ("WEBVTT\n\n00:01.000 --> 00:02.000\nhello there\n", "is WebVTT without word times"),
    ("1\n00:00:01,000 --> 00:00:02,000\nhello there\n", r"is SubRip \(SRT\) captions without word times"),
    ("<!DOCTYPE html><html><body>Hello there</body></html>", "is HTML without word times"),
    ("<?xml version='1.0'?><svg><g/></svg>", "is XML of an unknown kind, <svg>"),
    ("<tt><body>", "line 1: is not valid XML"),
    ("<tt><body><p begin='1s' end='2s'>hello there</p></body></tt>", "is TTML captions without word times"),
    ("Hello there. This is what they said on that day.\n", "is plain text without word times"),
    ("WEBVTT\n\nx\nearly --> 00:02.000\nhello\n", "line 4: must be two times"),
    ('{"result": [\n{"word": "a",\n "start": 0.1 "end": 1}]}', "line 3: is not valid JSON"),
    ("[" * 100_000, "not valid JSON"),
    ('{"result": [{"word": 5, "start": 0, "end": 1}]}', r'result\[0\]: must have a text "word"'),
    ('{"result": {}}', "is JSON with the names result, but not a transcript by audiosearch, whisper.cpp, .*Vosk"),
    (
        '{"segments": [{"start": 0, "end": 1, "text": "a", "words": [[]]}]}',
        r"segments\[0\].words\[0\]: must be an obj",
    ),
    ('{"segments": [7]}', r"segments\[0\]: is not a segment"),
    ('{"path": "a", "duration": 1, "words": [{"text": "a"}]}', "is a transcript by audiosearch without word times"),
    ('{"hello": 1}', "not a transcript"),
    ("[1, 2]", "is JSON without names, but not a transcript"),
    ('{"text": "hello"}', "is JSON with a text, but without times of words"),
    ("talk 1 0.1 0.2 a 0.9\ntalk 1 x 0.2 b 0.9\ntalk 1 2", "line 2: is no line of CTM: file, channel, start"),
    ("--> 00:00:01,000\nhello\n00:00:01,000 --> 00:00:0x\nhello\n", "line 1: must be two times"),
    ("# Title 1\n", "is plain text without word times"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_malformed_transcripts_are_refused(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=reason) as raised:
        read_one(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path / "transcript"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"talk 1 0.1 0.2 a\n\0\0")
    with pytest.raises(TranscriptError, match="is not text"):
        read_transcripts(tmp_path / "a")
    with pytest.raises(TranscriptError, match="cannot be read"):
        read_transcripts(tmp_path)
    (tmp_path / "b").write_text('{"result": []}')
    with pytest.raises(TranscriptError, match="has no channels"):
        read_transcripts(tmp_path / "b", "1")


def test_noise_and_punctuation_are_no_words() -> None:
    texts = ("<unk>", "[noise]", "{laugh}", "♪", "—", "...", "Привет", "so")
    tokens = tuple(Token(text, n, n + 1, None, "") for n, text in enumerate(texts))
    assert [word.text for word in ImportedTranscript("", "ctm", tokens).words(0.5)] == ["so"]


YOUTUBE = """\
WEBVTT
Kind: captions

00:00:01.000 --> 00:00:04.990 align:start position:0%
BLANK
the<00:00:01.400><c> harbor</c>

00:00:04.990 --> 00:00:05.000
the harbor
BLANK

00:00:05.000 --> 00:00:07.000
the harbor
<00:00:05.300><c>yeah</c>

00:00:07.000 --> 00:00:09.000
yeah
yeah
BLANK
name of the next cue
00:00:20.000 --> 00:00:24.990
BLANK
nobody<00:00:20.600><c> saw</c>
"""


@pytest.mark.parametrize("blank", [" ", "   "])
def test_lines_of_spaces_are_part_of_cues(blank: str, tmp_path: Path) -> None:
    words = read_one(tmp_path, YOUTUBE.replace("BLANK", blank))[1]
    assert [(text, start) for text, start, *_ in words] == [
        ("the", 1.0),
        ("harbor", 1.4),
        ("yeah", 5.3),
        ("yeah", 7.0),
        ("nobody", 20.0),
        ("saw", 20.6),
    ]


def test_words_beside_segments_and_their_other_names(tmp_path: Path) -> None:
    words = [{"word": "The", "start": 0.0, "end": 0.3}, {"word": "gate", "start": 0.3, "end": 0.8}]
    expected = [("the", 0.0, 0.3, 0.5), ("gate", 0.3, 0.8, 0.5)]
    segments = [{"id": 0, "start": 0.0, "end": 0.8, "text": "The gate"}]
    for document in ({"text": "The gate", "words": words}, {"segments": segments, "words": words}):
        assert read_one(tmp_path, json.dumps(document))[1] == expected
    named = [{"text": word["word"], "start": word["start"], "end": word["end"]} for word in words]
    for mean in (None, float("nan"), float("-inf")):
        document = {"segments": [{**segments[0], "words": named, "avg_logprob": mean}]}
        assert read_one(tmp_path, json.dumps(document))[1] == expected


def test_ctm_with_types_and_speakers(tmp_path: Path) -> None:
    lines = ["a 1 0.5 0.2 the 0.9 lex NA", "a 1 0.7 0.5 cough NA non-lex ann", "a 1 1.2 0.3 gate 0.8 lex ann"]
    assert read_one(tmp_path, "\n".join(lines))[1] == [("the", 0.5, 0.7, 0.9), ("gate", 1.2, 1.5, 0.8)]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ('"start": -0.02, "end": 0.7', ("the", 0.0, 0.7, 0.5)),
        ('"start": NaN, "end": 0.7', ("the", 0.4, 0.7, 0.5)),
        ('"start": null, "end": null, "x": 1', ("the", 0.0, 0.9, 0.5)),
        ('"start": 0.5, "end": 0.2', ("the", 0.5, 0.5, 0.5)),
        ('"start": 0.5, "end": Infinity', ("the", 0.5, 0.8, 0.5)),
        ('"start": "0.5", "end": "0.7"', ("the", 0.5, 0.7, 0.5)),
        ('"start": 0.5, "end": 0.7, "conf": 1.02', ("the", 0.5, 0.7, 1.0)),
        ('"start": 0.5, "end": 0.7, "conf": -0.01', ("the", 0.5, 0.7, 0.0)),
        ('"start": 0.5, "end": 0.7, "conf": 7', ("the", 0.5, 0.7, 0.5)),
    ],
)
def test_a_wrong_number_is_mended_and_told(values: str, word: Row, tmp_path: Path) -> None:
    text = f'{{"result": [{{"word": "the", {values}}}, {{"word": "gate", "start": 0.9, "end": 1.2}}]}}'
    transcript, words = read_one(tmp_path, text)
    assert words == [word, ("gate", 0.9, 1.2, 0.5)]
    if "null" in values or '"0.5"' in values:
        assert note([transcript]) == ""
    else:
        assert "result[0]" in note([transcript])
        assert "1 word of the file mended" in note([transcript])


@pytest.mark.parametrize(
    "sentence",
    [
        "they raised $5 million at 7:00 pm",
        "10 km in 2 3/4 hours, No. 5 of the U.S.A.",
        "the twenty-first of May 2004 at 7 p.m. for $1.5 billion",
        "5 to 10 % of 3 , 000",
        "[door slams] it's 20 ° C (2) there(2)",
    ],
)
def test_words_are_normalized_as_their_sentence_is(sentence: str) -> None:
    tokens = tuple(Token(text, n / 2, n / 2 + 0.4, 0.9, "") for n, text in enumerate(sentence.split()))
    words = ImportedTranscript("", "ctm", tokens).words(0.5)
    assert " ".join(word.text for word in words) == normalize_transcript(sentence)
    assert all(word.end <= following.start + 1e-9 for word, following in pairwise(words))


def test_words_in_context_keep_the_times_of_their_tokens() -> None:
    tokens = tuple(Token(text, n, n + 1, None, "") for n, text in enumerate(("$5", "million", "7:00", "pm")))
    words = rows(ImportedTranscript("", "ctm", tokens).words(0.5))
    assert [(text, int(start)) for text, start, *_ in words] == [
        ("five", 0),
        ("million", 1),
        ("dollars", 1),
        ("seven", 2),
        ("p", 3),
        ("m", 3),
    ]


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_cues_of_one_word_time_it(form: str, tmp_path: Path) -> None:
    comma, head = (",", "\ufeff1\n") if form == "srt" else (".", "WEBVTT\n\n")
    text = f"{head}00:00:01{comma}000 --> 00:00:01{comma}400\nno\n\n2\n00:00:01{comma}500 --> 00:00:02{comma}000\nNo!\n"
    _, words = read_one(tmp_path, text)
    assert [word[:3] for word in words] == [("no", 1.0, 1.4), ("no", 1.5, 2.0)]


def test_highlighted_words_are_timed_by_their_cues(tmp_path: Path) -> None:
    cues = (
        ("01.000", "01.500", "<u>The</u> gate"),
        ("01.500", "01.600", "The gate"),
        ("01.600", "02.000", "The <u>gate</u>"),
    )
    text = "WEBVTT\n\n" + "".join(f"00:{start} --> 00:{end}\n{line}\n\n" for start, end, line in cues)
    _, words = read_one(tmp_path, text)
    assert [word[:3] for word in words] == [("the", 1.0, 1.5), ("gate", 1.6, 2.0)]


def test_malformed_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = ["a 1 0.5 0.2 the 0.9", "a 1 x 0.2 old 0.9", "a 1 0.9", "a 1 0.7 0.5 gate high", "a 1 1.5 0.3 by 0.9"]
    transcript, words = read_one(tmp_path, "\n".join(lines))
    assert words == [("the", 0.5, 0.7, 0.9), ("gate", 0.7, 1.2, 0.5), ("by", 1.5, 1.8, 0.9)]
    assert "line 4: a time or confidence was out of range" in note([transcript])
    assert "line 2: is no line of CTM" in note([transcript])
    assert "2 of 5 words or lines of the file left out." in note([transcript])


def test_malformed_cues_are_left_out_and_wrong_times_mended(tmp_path: Path) -> None:
    cues = ["00:01.000 -> 00:02.000\nso <00:01.500>it", "late --> 00:03.000\nwas <00:02.500>not"]
    cues += [
        "00:05.000 --> 00:04.000\nthe <00:05.500>gate",
        "00:06.000 --> 00:07.000\nby <00:09.000>the <00:06.500>sea",
    ]
    transcript, words = read_one(tmp_path, "WEBVTT\n\n" + "\n\n".join(cues))
    assert [(text, start) for text, start, *_ in words] == [
        ("so", 1.0), ("it", 1.5), ("the", 5.0), ("gate", 5.0), ("by", 6.0), ("the", 6.2), ("sea", 6.5)
    ]  # fmt: skip
    assert "line 6: must be two times" in note([transcript])
    assert "1 of 8 words or lines of the file left out" in note([transcript])
    assert "4 words of the file mended" in note([transcript])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.ctm").write_bytes("a 1 0.5 0.2 café 0.9\na 1 0.7 0.2 it’s 0.9\n".encode(encoding))
    (transcript,) = read_transcripts(tmp_path / "a.ctm")
    assert [word.text for word in transcript.words(0.5)] == ["cafe", "it's"]


def test_a_letter_divided_among_tokens(tmp_path: Path) -> None:
    pieces = [(b" caf", 0, 100), (b"\xc3", 100, 200), (b"\xa9", 200, 300)]
    tokens = [b'{"text":"%s","offsets":{"from":%d,"to":%d}}' % piece for piece in pieces]
    (tmp_path / "a.json").write_bytes(b'{"transcription":[{"text":" ","tokens":[' + b",".join(tokens) + b"]}]}")
    (transcript,) = read_transcripts(tmp_path / "a.json")
    assert rows(transcript.words(0.5)) == [("cafe", 0.0, 0.3, 0.5)]


def test_a_single_highlight_does_not_make_the_other_cues_repetitions(tmp_path: Path) -> None:
    cues = ["The <u>gate</u>", "closed", "by", "the", "sea", "<i>softly</i>"]
    text = "WEBVTT\n\n" + "".join(f"00:0{n}.000 --> 00:0{n + 1}.000\n{cue}\n\n" for n, cue in enumerate(cues))
    with pytest.raises(TranscriptError, match="without word times"):
        read_one(tmp_path, text)
