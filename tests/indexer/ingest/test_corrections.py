"""Corrections when recordings are indexed again, replaced, copied and imported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from audiosearch.errors import AudioError
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.types import Transcript, Word
from indexer.console.ingest_report import is_problem, json_record, line
from indexer.export.transcripts import render_document
from indexer.index import Index, open_index
from indexer.ingest.copy import Copied, copy
from indexer.ingest.import_transcripts import Imported, import_files
from indexer.ingest.ingest import Indexed, Record, Removed, ingest
from indexer.types import Recording

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]


class Typist:
    """Recognizer that gives every recording the same words, four in a second."""

    def __init__(self, text: str, model: str) -> None:
        self.fingerprint = model
        self._words = tuple(
            Word(word, 0.25 * place, 0.25 * place + 0.2, 0.9) for place, word in enumerate(text.split())
        )

    @property
    def acoustic_profile(self) -> AcousticProfile:
        raise NotImplementedError

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        for path in paths:
            yield Transcript(str(path), 2.0, self._words)


def record(path: Path, level: float) -> None:
    soundfile.write(path, [level] * 16_000, 8000)


def correct(index: Index, identity: str, old: str, new: str) -> None:
    texts = [word.text for word in index.words(identity)]
    index.revise(identity, lambda words: words.corrected(texts.index(old), [old], new))


def text_of(index: Index, identity: str) -> str:
    return " ".join(word.text for word in index.words(identity))


def run(index: Index, text: str, folder: Path, model: str, *, again: bool = False) -> list[Record]:
    return list(ingest(index, Typist(text, model), [folder], again=again, prune=True))


def test_indexing_again_keeps_corrections_and_tells_which_fit_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "talks"
    folder.mkdir()
    record(folder / "talk.wav", 0.1)
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        run(index, "the quick brow fox", folder, "one")
        (talk,) = index.recordings()
        correct(index, talk.id, "brow", "brown")
        correct(index, talk.id, "fox", "socks")
        (kept,) = [
            each for each in run(index, "a thick row box", folder, "two", again=True) if isinstance(each, Indexed)
        ]
        assert (kept.corrected, kept.aside) == (2, 0)
        assert text_of(index, talk.id) == "a thick brown socks"
        assert line(kept) == f"{folder}/talk.wav: 4 words, 2 corrections kept"
        (less,) = [each for each in run(index, "a thick", folder, "three", again=True) if isinstance(each, Indexed)]
        assert (less.corrected, less.aside) == (0, 2)
        assert is_problem(less)
        assert str(line(less)).endswith(
            f"2 corrections fit none of its words, see audiosearch correct {folder}/talk.wav --list"
        )
        assert (json_record(less) or {})["aside"] == 2
        run(index, "a thick row box", folder, "four", again=True)
        assert text_of(index, talk.id) == "a thick brown socks"


def test_a_file_with_other_content_at_its_path(tmp_path: Path) -> None:
    """As with other tags: corrections of words that were recognized again are kept, others set aside."""
    folder = tmp_path / "talks"
    folder.mkdir()
    record(folder / "talk.wav", 0.1)
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        run(index, "the quick brow fox", folder, "one")
        (before,) = index.recordings()
        correct(index, before.id, "brow", "brown")
        correct(index, before.id, "fox", "socks")
        record(folder / "talk.wav", 0.2)
        (removed,) = [each for each in run(index, "the quick brow box", folder, "one") if isinstance(each, Removed)]
        assert (removed.replaced, removed.corrections) == (True, 2)
        (after,) = index.recordings()
        assert after.id != before.id
        assert text_of(index, after.id) == "the quick brown box"
        assert [each.text for each in index.corrected_words(after.id).aside] == ["socks"]


@pytest.fixture
def other(tmp_path: Path) -> str:
    """Another store."""
    return str(tmp_path / "other.db")


def test_copies(url: str, other: str, recording: MakeRecording, spoken: MakeWords) -> None:
    """Corrections go with the recognized words, in both directions; those of the target are kept."""
    with open_index(url, create=True) as source, open_index(other, create=True) as target:
        source.add(recording(1), spoken("the quick brow fox"))
        source.add(recording(2), spoken("the quick brow fox"))
        correct(source, "id001", "brow", "brown")
        list(copy(source, target))
        assert target.corrected_words("id001") == source.corrected_words("id001")
        assert target.recordings() == source.recordings()
        assert [step for step in copy(source, target) if isinstance(step, Copied)] == []
        correct(source, "id002", "fox", "socks")
        correct(target, "id002", "quick", "thick")
        source.relocate("id002", recording(2, path="/moved.ogg").locations)
        assert [step.recording.id for step in copy(source, target) if isinstance(step, Copied)] == ["id002"]
        assert text_of(target, "id002") == "the thick brow socks"
        assert "/moved.ogg" in [each.path for each in target.recordings()]
        list(copy(target, source))
        assert text_of(source, "id002") == "the thick brow socks"
        assert [step for step in copy(source, target) if isinstance(step, Copied)] == []
        source.add(replace(recording(1), added="2025-01-01"), spoken("the quick crow fox"))
        list(copy(source, target))
        assert target.corrected_words("id001") == source.corrected_words("id001")


def test_importing_again(tmp_path: Path) -> None:
    file = tmp_path / "talk.ctm"
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        spans = enumerate(["the", "quick", "brow", "fox"])
        file.write_text("".join(f"talk 1 {place}.0 0.5 {word}\n" for place, word in spans))
        assert [each.was for each in import_files(index, [file]) if isinstance(each, Imported)] == ["new"]
        (talk,) = index.recordings()
        correct(index, talk.id, "brow", "brown")
        assert [each.was for each in import_files(index, [file]) if isinstance(each, Imported)] == ["unchanged"]
        assert text_of(index, talk.id) == "the quick brown fox"


def test_exports(tmp_path: Path, recording: MakeRecording, spoken: MakeWords) -> None:
    with open_index(str(tmp_path / "library.db"), create=True) as index:
        index.add(recording(1), spoken("the quick brow fox"))
        correct(index, "id001", "brow", "Brown")
        for form in ("text", "srt", "vtt", "csv", "audacity", "ctm", "textgrid", "whisperx-json"):
            document = "".join(render_document(index, index.recordings(), form))
            assert "brown" in document, form
            assert "brow" not in document.replace("brown", ""), form
        exported = json.loads("".join(render_document(index, index.recordings(), "json")))
        assert exported["text"] == "the quick brown fox"
        assert [word["text"] for word in exported["words"] if word.get("corrected")] == ["brown"]
        (correction,) = exported["corrections"]
        assert (correction["word"], correction["recognized"], correction["text"]) == (2, "brow", "brown")
