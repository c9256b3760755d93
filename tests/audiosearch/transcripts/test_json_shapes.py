"""Transcripts in the JSON of programs and services: times, confidences and voices of words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import ImportedTranscript, note
from audiosearch.transcripts.readers import read_transcripts

Row = tuple[Any, ...]
"""Text, start, end, confidence (0.5 if unknown), voice."""


def read(folder: Path, document: object) -> ImportedTranscript:
    file = folder / "talk.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    (transcript,) = read_transcripts(file)
    return transcript


def rows(transcript: ImportedTranscript) -> list[Row]:
    return [
        (word.text, round(word.start, 3), round(word.end, 3), round(word.confidence, 3), word.voice)
        for word in transcript.words(0.5)
    ]


EXPECTED: list[Row] = [("gate", 0.5, 1.1, 0.5, None)]
EXAMPLES = [json.loads(line) for line in (Path(__file__).parent / "json_examples.jsonl").read_text().splitlines()]
"""Kind, words, and the document: JSON, or the text of the file."""


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["kind"] for example in EXAMPLES])
def test_words_have_their_times_confidences_and_voices(example: dict[str, Any], tmp_path: Path) -> None:
    transcript = read(tmp_path, example["document"])
    assert transcript.kind == example["kind"]
    assert rows(transcript) == [tuple(row) for row in example["words"]]
    assert note([transcript]) == ""
    without = read_transcripts(tmp_path / "talk.json", word_times=False)
    assert without == [transcript]


WORD = {"word": "gate", "start": 0.5, "end": 1.1}
MESSAGES = [
    ({"metadata": {}, "answer": 1}, "is JSON with the names metadata, answer, but not a transcript by .*Deepgram"),
    (
        {"transcription": [{"offsets": {"from": 0, "to": 900}, "text": " so it"}]},
        r"by whisper.cpp .*; write it with -ojf",
    ),
    ({"chunks": [{"timestamp": [0.0, None], "text": " so it"}]}, 'by transformers .*return_timestamps="word"'),
    ({"results": {"channels": [{"alternatives": [{"transcript": "so it"}]}]}}, "holds no transcript|by Deepgram"),
    ({"results": [{"alternatives": [{"transcript": "so it"}]}]}, "by Google Speech-to-Text .*enableWordTimeOffsets"),
    ("".join(json.dumps({"segments": [{"words": [WORD]}]}) + "\n" for _ in "ab"), "holds 2 transcripts without names"),
    ([{"monologues": []}, {"recognizedPhrases": []}], r"several kinds \(Rev AI, Azure Speech\)"),
    ({"words": [{"word": 5, "start": 0.1, "end": 0.2}]}, r"words\[0\]: must have a text"),
    ([{"start": 0, "end": 2, "text": "so it began"}], "is JSON of segments without word times"),
    ([[1, 0, 0.3, 1.1, " The gate.", [50364], -0.1, 1.2, 0.01, None, 0.0]], "is JSON of segments without word times"),
    ({"results": [{"name": "a"}, {"name": "b"}]}, "is JSON with the names .*, but not a transcript"),
    ("[00:00.000 --> 00:02.000]  So it began.\n", "is printed lines of Whisper without word times"),
    ("[Script Info]\nTitle: x\n", "is SubStation Alpha captions without word times"),
]


@pytest.mark.parametrize(("document", "sentence"), MESSAGES)
def test_others_are_refused_by_their_kind(document: object, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=sentence) as error:
        read(tmp_path, document)
    assert "\n" not in str(error.value)


def test_words_of_a_wrong_shape_are_left_out_and_counted(tmp_path: Path) -> None:
    words = [WORD, {"start": 1.2}, None, {"word": ["x"]}, {**WORD, "word": "closed"}, {**WORD, "confidence": "high"}]
    transcript = read(tmp_path, {"segments": [{"words": words}, "what"]})
    assert [word.text for word in transcript.words(0.5)] == ["gate", "closed", "gate"]
    mended, left_out = note([transcript]).split(" of the file mended. ")
    assert mended.endswith("words[5]: a time or confidence was out of range or no number; 1 word")
    assert left_out.endswith("segments[1]: is not a segment. 4 of 7 words or lines of the file left out.")
    lost = {
        "words": [{"alignedWord": "gate", "case": "success", **WORD}, {"word": "then", "case": "not-found-in-audio"}]
    }
    transcript = read(tmp_path, {"transcript": "gate then", **lost})
    assert rows(transcript) == EXPECTED
    assert "'then' was not found in the audio. 1 of 2 words" in note([transcript])


def test_a_line_that_is_no_json_is_left_out(tmp_path: Path) -> None:
    line = json.dumps({"result": [WORD], "text": "gate"})
    transcript = read(tmp_path, f'{line}\n{{"result": [{{"word": "th\n{line}\n{line[:30]}')
    assert [word.text for word in transcript.words(0.5)] == ["gate", "gate"]
    assert "line 2: is not valid JSON" in note([transcript])
    assert "2 of 4 words or lines" in note([transcript])


@pytest.mark.parametrize("text", ["LOG (VoskAPI:model.cc:213) Decoding\nLOG (VoskAPI:model.cc:279) Loading\n%s", "%s"])
def test_printed_results_of_vosk_among_its_log(text: str, tmp_path: Path) -> None:
    result = json.dumps({"result": [WORD], "text": "gate"}, indent=2)
    transcript = read(tmp_path, text % f'{{\n  "partial" : "ga"\n}}\n{result}\n{{\n  "text" : ""\n}}\n')
    assert (transcript.kind, rows(transcript)) == ("vosk", EXPECTED)
    for document in (result, [result, '{"text": ""}']):
        assert rows(read(tmp_path, json.dumps(document))) == EXPECTED


@pytest.mark.parametrize(
    "document",
    [
        {"path": "a.wav", "duration": 3, "words": []},
        {"segments": []},
        {"results": {"channels": [{"alternatives": [{"transcript": "", "confidence": 0.0, "words": []}]}]}},
        {"result": [], "text": ""},
        {"audio_duration": 3, "text": "", "words": []},
    ],
)
def test_silence_has_no_words(document: object, tmp_path: Path) -> None:
    assert rows(read(tmp_path, document)) == []


def test_an_unknown_end_is_that_of_the_next_start(tmp_path: Path) -> None:
    chunks = [("The", 0.3, None), ("gate", 0.5, None), ("closed", 4.0, None)]
    document = {"chunks": [{"text": text, "timestamp": [start, end]} for text, start, end in chunks]}
    assert [row[:3] for row in rows(read(tmp_path, document))] == [
        ("the", 0.3, 0.5),
        ("gate", 0.5, 0.9),
        ("closed", 4.0, 4.6),
    ]


def test_pieces_out_of_order_and_negative_times_are_mended(tmp_path: Path) -> None:
    tokens = [{"text": text, "start": start, "end": end} for text, start, end in ((" ga", 1.5, 1.6), ("te", 0.9, 1.1))]
    transcript = read(tmp_path, {"sentences": [{"tokens": [{"text": "The", "end": -1}, *tokens]}]})
    assert [row[:3] for row in rows(transcript)] == [("the", 0.0, 0.3), ("gate", 1.5, 1.6)]
    assert "1 word of the file mended" in note([transcript])
    empty = {"results": [{"type": "word", "start_time": 0.5, "alternatives": []}]}
    speech = {"type": "word", "start_time": 0.5, "end_time": 1.1, "alternatives": [{"content": "gate"}]}
    assert rows(read(tmp_path, {"results": [*empty["results"], speech]})) == EXPECTED


def test_recordings_with_names_are_apart(tmp_path: Path) -> None:
    lines = [json.dumps({"audio_filepath": f"/x/{name}.wav", "timestamp": {"word": [WORD]}}) for name in "ab"]
    (tmp_path / "talk.jsonl").write_text("\n".join(lines))
    assert [transcript.name for transcript in read_transcripts(tmp_path / "talk.jsonl")] == ["a.wav", "b.wav"]


def test_one_recording_of_several_without_word_times_is_left_out(tmp_path: Path) -> None:
    lines = [
        {"audio": "a.wav", "segments": [{"words": [WORD]}]},
        {"audio": "b.wav", "segments": [{"text": "so it"}]},
        7,
    ]
    (tmp_path / "talk.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (transcript,) = read_transcripts(tmp_path / "talk.jsonl")
    assert rows(transcript) == EXPECTED
    assert transcript.faults[0].endswith("line 3: is no transcript.")
    assert "by Whisper without word times" in transcript.faults[1]


def test_words_without_a_speaker_have_that_of_the_word_before(tmp_path: Path) -> None:
    words = [{"word": "with"}, {**WORD, "speaker": "A"}, {"word": "2266"}, {**WORD, "speaker": "B"}]
    transcript = read(tmp_path, {"segments": [{"start": 0.0, "end": 2.0, "words": words}]})
    assert [token.voice for token in transcript.tokens] == ["A", "A", "A", "B"]


def test_channels_with_several_speakers_name_both(tmp_path: Path) -> None:
    channels = [{"alternatives": [{"words": [{**WORD, "speaker": speaker} for speaker in (0, 1)]}]} for _ in range(2)]
    voices = {word.voice for word in read(tmp_path, {"results": {"channels": channels}}).words(0.5)}
    assert voices == {f"channel {channel}, speaker {speaker}" for channel in (0, 1) for speaker in (0, 1)}
