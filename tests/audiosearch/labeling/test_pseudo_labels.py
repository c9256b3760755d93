"""Pseudo-labels: sources, reasons of rejection, and scores by a network."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from audiosearch.alphabet import Alphabet
from audiosearch.data.corpus_check import Kept, Rejected
from audiosearch.data.manifest import read_manifest
from audiosearch.errors import ManifestError
from audiosearch.labeling.checks import MAX_REPEATS, english_share, find_loop, loop_spans
from audiosearch.labeling.pseudo_labels import Bounds, training_rows
from audiosearch.labeling.scores import Passage, score_passages, text_score
from audiosearch.labeling.sources import Label, label_transcripts, read_labels, read_transcripts
from audiosearch.recognizer import Recognizer
from audiosearch.types import Transcript, Word

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler

FRENCH = "je ne sais pas ce que vous voulez dire mais c'est la vie"


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tone(path: Path, seconds: float = 3.0) -> Path:
    soundfile.write(path, [0.1, -0.1] * int(4000 * seconds), 8000)
    return path


# Texts


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("no no no i said", None),
        ("no no no no i said", "no"),
        ("so thank you thank you thank you thank you", "thank you"),
        ("thank you thank you thank you", None),
        ("a b c a b c a b c a b c a", "a b c"),
        (
            "the southern region includes the mountains the southern region includes the mountains",
            "the southern region includes the mountains",
        ),
        ("the southern region the southern region", None),
        ("no not no not no not no", None),
        ("can a cana can a canal", None),
    ],
)
def test_find_loop(text: str, phrase: str | None) -> None:
    assert find_loop(text) == phrase
    assert len(loop_spans(text)) == (phrase is not None)


def test_finding_loops_in_long_texts_is_fast() -> None:
    text = " ".join(str(number % 97) for number in range(20_000))
    assert find_loop(text) is None
    assert find_loop(f"{text} {'on and ' * (MAX_REPEATS + 1)}") == "on and"


def test_english_share() -> None:
    assert english_share(FRENCH) < 0.08
    assert english_share("the chronicles of newgate volume two by arthur griffiths section four") > 0.3
    assert english_share("bonjour tout le monde") == 1.0  # too short to tell


# Scores


def brute_force(log_probs: NDArray[np.float32], text: str, alphabet: Alphabet) -> float:
    """Score as a sum over all paths."""
    total = -math.inf
    for path in itertools.product(range(len(alphabet)), repeat=len(log_probs)):
        merged = [label for label, _ in itertools.groupby(path)]
        if "".join(alphabet.labels[label] for label in merged) == text:
            total = np.logaddexp(total, sum(float(row[label]) for row, label in zip(log_probs, path, strict=True)))
    return float((total - log_probs.max(1).astype(float).sum()) / len(text))


def test_score_is_the_sum_over_all_paths_relative_to_the_best() -> None:
    alphabet = Alphabet(("", "a", "b", " "))
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 4)).astype(np.float32) * 2
    log_probs = (rows - np.log(np.exp(rows).sum(1, keepdims=True))).astype(np.float32)
    for text in ("a", "ab", "aa", "b a", "abab"):
        assert text_score(log_probs, text, alphabet) == pytest.approx(brute_force(log_probs, text, alphabet), abs=1e-4)
    assert text_score(log_probs, "ababab", alphabet) == -math.inf  # does not fit
    assert text_score(log_probs, "c", alphabet) == -math.inf  # cannot be spelled


def test_recordings_and_parts_of_them_are_scored(whistle_model: Path, whistler: Whistler, tmp_path: Path) -> None:
    audio = whistler.write(tmp_path / "a.wav", "human_things")  # 0.5 s, a second of silence, 0.6 s
    silent = whistler.write(tmp_path / "silent.wav", "_")
    (tmp_path / "broken.wav").write_text("no sound")
    passages = {
        "whole": Passage(audio, "human things", None, None, 2.1),
        "part": Passage(audio, "things", 1.5, 2.1, 0.6),
        "other": Passage(audio, "human", 1.5, 2.1, 0.6),
        "silent": Passage(silent, "human", None, None, 1.0),
        "broken": Passage(tmp_path / "broken.wav", "human", None, None, 1.0),
    }
    with Recognizer.load(whistle_model, greedy=True) as recognizer:
        scores = dict(score_passages(recognizer, list(passages.items())))
    assert "broken.wav" in str(scores.pop("broken"))
    assert list(scores) == ["whole", "silent", "part", "other"]
    numbers = {name: score for name, score in scores.items() if isinstance(score, float)}
    assert list(numbers) == list(scores)
    assert numbers["part"] > -0.1
    assert numbers["whole"] > -1  # the space is a whistle too, and is not there
    assert numbers["other"] < -2
    assert numbers["silent"] < -2


# Sources


def test_labels_of_a_manifest(tmp_path: Path) -> None:
    path = write(
        tmp_path / "labeled.jsonl",
        {"audio": "a.wav", "text": "x", "teacher_text": "On the 2nd.", "avg_logprob": -0.5, "speaker": "?", "id": "a"},
        {"audio": "b.wav", "text": "and yet", "confidence": 0.25, "score": -1.5, "speaker": "ann"},
    )
    first, second = read_labels(path)
    assert first == Label("a", tmp_path / "a.wav", "On the 2nd.", confidence=math.exp(-0.5))
    assert second == Label("b.wav", tmp_path / "b.wav", "and yet", speaker="ann", confidence=0.25, score=-1.5)
    write(path, {"audio": "a.wav"})
    with pytest.raises(ManifestError, match=r"line 1: needs 'text' or 'teacher_text'"):
        list(read_labels(path))


def test_labels_of_transcripts_beside_recordings(tmp_path: Path) -> None:
    tone(tmp_path / "segments.wav", 8)
    segments = [
        {"start": 0.0, "end": 4.0, "text": " On the 2nd.", "avg_logprob": -0.1},
        {"start": 4.0, "end": 7.0, "text": "And yet it moves", "avg_logprob": -1.0},
    ]
    write(tmp_path / "segments.json", {"language": "en", "segments": segments})
    tone(tmp_path / "french.wav")
    write(tmp_path / "french.json", {"language": "fr", "segments": segments})
    tone(tmp_path / "russian.wav")
    write(tmp_path / "russian.json", {"segments": [{"start": 0, "end": 2, "text": "всё хорошо ok"}]})
    tone(tmp_path / "two parts.wav")
    (tmp_path / "calls.ctm").write_text("two_parts 1 0.5 0.3 hello 0.9\ntwo_parts 1 0.9 0.3 there 0.7\nnone 1 0 1 oh\n")
    tone(tmp_path / "captions.flac", 4)
    cues = "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nso it\n\n00:00:02.000 --> 00:00:04.000\nbegan\n"
    (tmp_path / "captions.vtt").write_text(cues)
    (tmp_path / "captions.en.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nso it ended\n")
    (tmp_path / "broken.json").write_text("{")
    results = list(read_transcripts(tmp_path, max_seconds=5))
    labels = {label.id: label for label in results if isinstance(label, Label)}
    assert {name: label.text for name, label in labels.items()} == {
        "segments-0.00": "on the second",
        "segments-4.00": "and yet it moves",
        "two_parts-0.25": "hello there",
        "captions-0.00": "so it began",
    }
    first, second = labels["segments-0.00"], labels["segments-4.00"]
    assert (first.confidence, second.confidence) == pytest.approx((math.exp(-0.1), math.exp(-1)))
    assert (first.start, first.duration, second.start, second.duration) == pytest.approx((0, 4, 4, 3.25))
    assert labels["two_parts-0.25"].confidence == pytest.approx(0.8)
    assert labels["captions-0.00"].confidence is None
    reasons = {result.row.id: result.reason for result in results if isinstance(result, Rejected)}
    assert reasons == {
        **{"french": "another language", "russian": "foreign letters", "none": "audio missing"},
        **{"captions.en": "audio listed before"},
        "broken": "transcript unreadable",
    }
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match="contains no transcript"):
        list(read_transcripts(tmp_path / "empty"))


def test_loops_are_detected_across_pauses(tmp_path: Path) -> None:
    phrases = ["oh", *["thank you"] * 5, "well"]
    words, time = [], 0.0
    for phrase in phrases:
        for text in phrase.split():
            words.append(Word(text, time, time + 0.5, 0.9))
            time += 0.5
        time += 1
    audio = tone(tmp_path / "a.wav", time)
    labels = list(label_transcripts([Transcript(str(audio), time, tuple(words))], max_seconds=2))
    assert [(label.text, label.looped) for label in labels if isinstance(label, Label)] == [
        ("oh", False),
        *[("thank you", True)] * 5,
        ("well", False),
    ]


# Rows


def test_reasons_of_rejected_rows(tmp_path: Path) -> None:
    audio = [tone(tmp_path / f"{number}.wav") for number in range(6)]
    long = tone(tmp_path / "long.wav", 40)
    cases = [
        (Label("1", audio[0], "On the 2nd.", confidence=0.9), "kept"),
        (Label("2", audio[0], "on the second", confidence=0.9), "audio listed before"),
        (Label("3", audio[1], "on the third", confidence=0.5), "low confidence"),
        (Label("4", audio[1], "oh oh oh oh oh"), "repetition"),
        (Label("5", audio[1], "thank you", looped=True), "repetition"),
        (Label("6", audio[1], FRENCH), "another language"),
        (Label("7", audio[1], "..."), "no text"),
        (Label("8", audio[1], "ok, всё хорошо"), "foreign letters"),
        (Label("9", tmp_path / "none.wav", "and yet"), "audio missing"),
        (
            Label("10", audio[1], "and yet it moves " * 3 + "far too quickly " * 3 + "for anybody"),
            "too much text for its length",
        ),
        (Label("11", long, "and yet"), "too long"),
        (Label("12", long, "and yet", 1.0, 2.0), "part of a recording"),
        (Label("13", audio[2], "it moves", score=-2.5), "text does not match"),
        (Label("14", audio[3], "it moves", score=-1.5), "among the worst scores"),
        (Label("15", audio[4], "it moves", score=-0.5), "kept"),
        (Label("16", audio[5], "it moves", score=-math.inf), "text does not match"),
    ]
    rows = training_rows([label for label, _ in cases], Bounds(drop_worst=0.5), recognizer=None, clips=None)
    verdicts: dict[str, str] = {}
    for row in rows:
        assert isinstance(row, (Kept, Rejected))
        verdicts |= {row.utterance.id: "kept"} if isinstance(row, Kept) else {row.row.id: row.reason}
    assert verdicts == {label.id: reason for label, reason in cases}


# The command


def run(*arguments: str | Path) -> Result:
    from cli import main

    return CliRunner().invoke(main, ["manifest", *map(str, arguments)])


@pytest.fixture
def talk(whistler: Whistler, tmp_path: Path) -> Path:
    """A recording of "i am" and "human things", each before a second of silence, with a transcript beside it."""
    audio = whistler.write(tmp_path / "talk.wav", "i am_human things_")  # 0.4 s, 1 s, 1.2 s, 1 s
    words = [("i", 0.0, 0.1), ("am", 0.2, 0.4), ("human", 1.4, 1.9), ("things", 2.0, 2.6)]
    rows = [{"word": text, "start": start, "end": end, "score": 0.9} for text, start, end in words]
    write(tmp_path / "talk.json", {"segments": [{"start": 0, "end": 3, "text": "", "words": rows}]})
    return audio


def test_the_command_cuts_recordings_with_transcripts(talk: Path, whistle_model: Path, tmp_path: Path) -> None:
    output, clips = tmp_path / "rows.jsonl", tmp_path / "clips"
    arguments: list[str | Path] = [tmp_path, "--transcripts", "--max-seconds", "2", "--clips", clips, "-o", output]
    result = run(*arguments, "--model", whistle_model)
    assert result.exit_code == 0, result.output
    assert "kept: 2 utterances" in result.stderr
    first, second = read_manifest(output)
    assert [(row.text, row.duration, row.confidence) for row in (first, second)] == [
        ("i am", 0.65, 0.9),
        ("human things", 1.7, 0.9),
    ]
    for row in (first, second):
        assert row.audio.parent == clips
        assert row.score is not None
        assert row.score > -0.5
        info = soundfile.info(row.audio)
        assert (info.samplerate, info.channels) == (16000, 1)
        assert info.duration == pytest.approx(row.duration, abs=0.001)
    with Recognizer.load(whistle_model, greedy=True) as recognizer:
        assert [recognizer.transcribe(row.audio).text for row in (first, second)] == ["i am", "human things"]
    again = run(*arguments, "--model", whistle_model)  # clips are replaced
    assert again.exit_code == 0, again.output
    assert len(list(clips.iterdir())) == 2


def test_the_command_reads_an_index(whistler: Whistler, whistle_model: Path, tmp_path: Path) -> None:
    from cli import main

    talk = whistler.write(tmp_path / "talk.wav", "i am _human things_")
    store, output = tmp_path / "store.db", tmp_path / "rows.jsonl"
    common = ["--model", str(whistle_model)]
    bounds = ["--max-seconds", "2", "--min-confidence", "0.1", "--min-score", "-20"]
    for command in (
        ["index", str(talk), "--store", str(store), *common],
        [
            "manifest",
            "--from-index",
            str(store),
            "--clips",
            str(tmp_path / "clips"),
            "-o",
            str(output),
            *bounds,
            *common,
        ],
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
    assert [row.text for row in read_manifest(output)] == ["i am", "human things"]
    nothing = run(tmp_path / "clips", "--from-index", store, "--model", whistle_model, "-o", output)
    assert nothing.exit_code == 1
    assert "no row can be used" in nothing.stderr


def test_the_command_scores_a_manifest_once(whistler: Whistler, whistle_model: Path, tmp_path: Path) -> None:
    texts = {"human things": "human things", "i am": "saying it", "a man": "a man"}
    rows = []
    for number, (spoken, text) in enumerate(texts.items()):
        whistler.write(tmp_path / f"{number}.wav", spoken)
        rows.append({"audio": f"{number}.wav", "teacher_text": text, "avg_logprob": -0.1 * number})
    long = whistler.write(tmp_path / "long.wav", "i am_human things")
    rows.append({"audio": long.name, "teacher_text": "I am human things.", "avg_logprob": -0.1})
    source, scored, kept = write(tmp_path / "in.jsonl", *rows), tmp_path / "scored.jsonl", tmp_path / "kept.jsonl"
    options: list[str | Path] = ["--max-seconds", "2", "--clips", tmp_path / "clips", "--rejects", tmp_path / "rejects"]
    result = run(source, "-o", scored, "--model", whistle_model, *options)
    assert result.exit_code == 0, result.output
    assert [row.text for row in read_manifest(scored)] == ["human things", "a man", "i am", "human things"]
    (rejected,) = map(json.loads, (tmp_path / "rejects").read_text().splitlines())
    assert (rejected["id"], rejected["reason"]) == ("1.wav", "text does not match")
    again = run(scored, "-o", kept, "--drop-worst", "0.25", "--min-confidence", "0.85", *options)
    assert again.exit_code == 0, again.output
    assert "1 × low confidence" in again.stderr
    assert "1 × among the worst scores" in again.stderr
    before = {(row.audio, row.score) for row in read_manifest(scored)}
    assert {(row.audio, row.score) for row in read_manifest(kept)} < before


def test_invalid_arguments_are_reported(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"audio": "a.wav", "text": "a"})
    output = tmp_path / "out.jsonl"
    for arguments, message in (
        ([], "Give the folder of a corpus"),
        ([tmp_path, "--min-score", "-1"], "--min-score: only with --from-index"),
        ([source], "by --output"),
        ([source, "-o", source], "is the manifest that is read"),
        ([source, "-o", output, "--kind", "kaldi"], "only with a corpus"),
        ([source, "--transcripts", "-o", output], "give the folder"),
        ([source, "-o", output, "--no-score", "--min-score", "-1"], "not with --no-score"),
        ([source, "-o", output, "--model", tmp_path / "none"], "no such model"),
        (["--from-index", tmp_path / "none.db", "-o", output], "none.db"),
        ([tmp_path / "none", "--transcripts", "-o", output], "is not a folder"),
        ([source, "-o", tmp_path / "no" / "out.jsonl"], "there is no folder"),
    ):
        result = run(*arguments)
        assert result.exit_code in (1, 2), arguments
        assert message in " ".join(result.stderr.split()), (arguments, result.stderr)
        assert not output.exists()
