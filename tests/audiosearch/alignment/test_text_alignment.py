"""Alignment of a recording with its text: times, words not said, speech not written, anchors."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from audiosearch.aligner import Alignment, align_recording
from audiosearch.alignment import text_alignment
from audiosearch.alignment.anchors import find_anchors
from audiosearch.alignment.scripts import read_script
from audiosearch.alignment.unsaid_text import said_words
from audiosearch.core import find_peaks, find_words
from audiosearch.recognizer import Recognizer
from audiosearch.types import Word
from cli import main
from tests.audiosearch.conftest import Whistler

SAID = (
    "the night train leaves at nine there is no sound but the wheels and the rain upon the window "
    "i know every station by the color of its lamps and the words come of themselves"
)
FOREIGN = "committee of delegates opened a session on tariffs fisheries and copper prices while interpreters struggled"


@pytest.fixture(scope="module")
def recognizer(whistle_model: Path) -> Recognizer:
    return Recognizer.load(whistle_model, greedy=True)


@pytest.fixture(scope="module")
def recording(whistler: Whistler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = SAID.split()
    pieces = [" ".join(words[n : n + 6]) for n in range(0, len(words), 6)]
    return whistler.write(tmp_path_factory.mktemp("said") / "said.wav", " _".join(pieces))


def aligned(recognizer: Recognizer, recording: Path, folder: Path, text: str, **options: bool) -> Alignment:
    (folder / "text.txt").write_text(text)
    return align_recording(recognizer, recording, read_script(folder / "text.txt"), **options)


def starts(words: Sequence[Word]) -> dict[str, float]:
    return {word.text: word.start for word in words}


def test_the_exact_text_has_the_times_of_the_recognizer(
    recognizer: Recognizer, recording: Path, tmp_path: Path
) -> None:
    result = aligned(recognizer, recording, tmp_path, SAID)
    assert (result.placed, result.total, result.unsaid) == (35, 35, ())
    recognized = recognizer.transcribe(recording)
    assert [word.text for word in result.transcript.words] == SAID.split()
    for word, other in zip(result.transcript.words, recognized.words, strict=True):
        assert word.start == pytest.approx(other.start, abs=0.05)


def test_edited_texts_keep_the_times_of_the_words_that_were_said(
    recognizer: Recognizer, recording: Path, tmp_path: Path
) -> None:
    words = SAID.split()
    exact = aligned(recognizer, recording, tmp_path, SAID).transcript.words
    text = " ".join(["Heading one", *words[:6], *words[8:18], FOREIGN, *words[18:]])
    result = aligned(recognizer, recording, tmp_path, text)
    kept = [word for n, word in enumerate(exact) if n not in (6, 7)]
    assert [word.text for word in result.transcript.words] == [word.text for word in kept]
    for word, other in zip(result.transcript.words, kept, strict=True):
        assert word.start == pytest.approx(other.start, abs=0.05)
    assert [run.text for run in result.unsaid] == ["Heading one", FOREIGN]
    filled = aligned(recognizer, recording, tmp_path, text, fill=True)
    assert [word.text for word in filled.transcript.words] == words
    assert filled.filled == 2


def test_a_text_of_something_else_has_no_times(recognizer: Recognizer, recording: Path, tmp_path: Path) -> None:
    result = aligned(recognizer, recording, tmp_path, FOREIGN)
    assert result.placed == 0
    assert sum(run.words for run in result.unsaid) == len(FOREIGN.split())


def test_stretches_that_are_too_large_are_divided_or_left_out(
    recognizer: Recognizer, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_alignment, "MAX_CELLS", 10_000)
    result = aligned(recognizer, recording, tmp_path, SAID)
    assert result.placed > 20
    monkeypatch.setattr(text_alignment, "MAX_CELLS", 10)
    assert aligned(recognizer, recording, tmp_path, SAID).placed == 0


def test_words_that_are_not_left_out_are_aligned_as_a_text_without_gaps() -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        scores = generator.normal(size=(30, 5)).astype(np.float32) * 3
        log_probs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        labels = [1, 2, 3, 1]
        (word,) = find_words(log_probs, [labels], 0, -1, 1e9, 1e9)
        one = find_peaks(log_probs, labels, 0)
        assert [(a.start, a.end) for a in word] == [(a.start, a.end) for a in one]


def test_anchors_ascend_and_are_equal_words() -> None:
    generator = random.Random(2)
    words = [f"word{generator.randrange(60)}" for _ in range(400)]
    other = [word for word in words if generator.random() > 0.2]
    anchors = find_anchors(words, other)
    assert len(anchors) > 200
    assert anchors == sorted(anchors)
    assert all(words[a] == other[b] for a, b in anchors)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(anchors))


def test_isolated_words_among_words_without_a_place_were_not_said() -> None:
    fits, chance = Word("station", 1.0, 1.5, 0.9), Word("the", 1.0, 1.2, 0.9)
    placed = [fits] * 20 + [None] * 5 + [chance] + [None] * 5 + [fits] * 20
    assert said_words(placed, ()) == [True] * 20 + [False] * 11 + [True] * 20
    assert said_words([fits] * 5 + [None] + [fits] * 5, ()) == [True] * 11


def test_the_command_prints_words_and_reports_cues_that_are_late(
    recording: Path, recognizer: Recognizer, whistle_model: Path, tmp_path: Path
) -> None:
    words = recognizer.transcribe(recording).words
    cues = []
    for number, first in enumerate(range(0, len(words), 6), start=1):
        group = words[first : first + 6]
        times = [f"00:00:{time + 0.7:06.3f}".replace(".", ",") for time in (group[0].start, group[-1].end)]
        cues.append(f"{number}\n{' --> '.join(times)}\nANNA: {' '.join(word.text for word in group)}\n")
    (tmp_path / "said.srt").write_text("\n".join(cues))
    arguments = ["align", str(recording), str(tmp_path / "said.srt"), "--model", str(whistle_model)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "35 of 35 words found." in result.stderr
    assert "Cues are 0.7 s late." in result.stderr
    record = json.loads(result.stdout)
    assert {word["voice"] for word in record["words"]} == {"ANNA"}
    (tmp_path / "other.txt").write_text(FOREIGN)
    arguments[2] = str(tmp_path / "other.txt")
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"not found: {FOREIGN[:40]}" in result.stderr
