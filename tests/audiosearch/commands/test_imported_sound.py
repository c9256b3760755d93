"""Imports with media: texts without times are aligned, and the sound is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from indexer.console.lazy_recognizer import LazyRecognizer
from indexer.index import Index, open_index
from indexer.ingest.import_transcripts import Imported, Mended, import_files
from indexer.ingest.imported_sound import add_sound
from indexer.ingest.ingest import Indexed
from indexer.ingest.walk import Failed
from indexer.types import Phrase, Query
from tests.audiosearch.conftest import Whistler

SAID = "the night train leaves at nine and nobody waits for kierkegaard on the platform in the rain"
WRITTEN = "ANNA: The night train leaves at nine, and nobody waits for Kirkegard on the platform in the rain."
CUES = """1
00:00:00,000 --> 00:00:04,000
the night train leaves at nine

2
00:00:04,000 --> 00:00:09,000
and nobody waits
"""


@pytest.fixture
def media(whistler: Whistler, tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    whistler.write(folder / "talk.wav", SAID)
    return folder


@pytest.fixture
def listener(whistle_model: Path) -> Iterator[LazyRecognizer]:
    with LazyRecognizer(whistle_model) as recognizer:
        yield recognizer


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with open_index(str(tmp_path / "store.db"), create=True) as opened:
        yield opened


def texts(index: Index) -> list[str]:
    (recording,) = index.recordings()
    return [word.text for word in index.words(recording.id)]


def test_a_text_is_aligned_with_its_media(index: Index, listener: LazyRecognizer, media: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text(WRITTEN)
    (step,) = import_files(index, [tmp_path / "talk.txt"], media=media, listener=listener)
    assert isinstance(step, Imported)
    assert step.recording.model == f"import:text+{listener.fingerprint}"
    words = index.words(step.recording.id)
    recognized = listener.loaded.transcribe(media / "talk.wav").words
    assert [word.text for word in words] == SAID.replace("kierkegaard", "kirkegard").split()
    for word, other in zip(words, recognized, strict=True):
        assert word.start == pytest.approx(other.start, abs=0.2)
        assert word.voice == "ANNA"
    assert index.emissions(step.recording.id)
    assert index.search(Query((Phrase.of("night train"),)), 10).hits


def test_words_with_times_stay_as_they_are_and_get_sound(
    index: Index, listener: LazyRecognizer, media: Path, tmp_path: Path
) -> None:
    (tmp_path / "talk.ctm").write_text("talk 1 0.5 0.4 hello\ntalk 1 1.0 0.4 there\n")
    (step,) = import_files(index, [tmp_path / "talk.ctm"], media=media, listener=listener)
    assert isinstance(step, Imported)
    assert texts(index) == ["hello", "there"]
    assert index.emissions(step.recording.id)
    (again,) = import_files(index, [tmp_path / "talk.ctm"], media=media, listener=listener)
    assert isinstance(again, Imported)
    assert again.was == "unchanged"


def test_sound_is_added_later(index: Index, listener: LazyRecognizer, media: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.ctm").write_text("talk 1 0.5 0.4 hello\ntalk 1 1.0 0.4 there\n")
    list(import_files(index, [tmp_path / "talk.ctm"], media=media))
    (before,) = index.recordings()
    assert not index.emissions(before.id)
    (indexed,) = [record for record in add_sound(index, listener, [media]) if isinstance(record, Indexed)]
    assert indexed.recording.model == f"import:ctm+{listener.fingerprint}"
    assert texts(index) == ["hello", "there"]
    assert index.emissions(before.id)
    assert indexed.recording.model in index.acoustic_profiles()
    assert not [record for record in add_sound(index, listener, [media]) if isinstance(record, Indexed)]


def test_what_was_not_said_is_told_and_other_recordings_are_refused(
    index: Index, listener: LazyRecognizer, media: Path, tmp_path: Path
) -> None:
    title = "Committee delegates discussed fisheries and tariffs together"
    (tmp_path / "talk.txt").write_text(f"{title}\n{WRITTEN}")
    told, step = import_files(index, [tmp_path / "talk.txt"], media=media, listener=listener)
    assert isinstance(told, Mended)
    assert "line 1" in told.sentence
    assert "7 of the 24 words" in told.sentence
    assert isinstance(step, Imported)
    (tmp_path / "talk.txt").write_text(f"{title} " * 5)
    (failed,) = import_files(index, [tmp_path / "talk.txt"], media=media, listener=listener)
    assert isinstance(failed, Failed)
    assert "is it another recording?" in failed.sentence
    assert texts(index)[0] == "the"


def test_without_media_a_text_is_refused_with_the_remedy(index: Index, tmp_path: Path) -> None:
    for name, text in (("talk.txt", WRITTEN), ("talk.srt", CUES)):
        (tmp_path / name).write_text(text)
        (failed,) = import_files(index, [tmp_path / name])
        assert isinstance(failed, Failed)
        assert "give its recording with --media" in failed.sentence


def test_the_commands_find_names_by_sound(media: Path, whistle_model: Path, tmp_path: Path) -> None:
    store = tmp_path / "sound.db"

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result

    (tmp_path / "talk.srt").write_text(CUES)
    run("import", tmp_path / "talk.srt", "--media", media, "--store", store, "--model", whistle_model, "--no-sound")
    run("index", media, "--store", store, "--model", whistle_model, "--sound-only")
    assert "talk.wav" in run("query", "kierkegaard", "--store", store, "--mode", "sound").stdout
    run("import", tmp_path / "talk.srt", "--media", media, "--store", store, "--model", whistle_model, "--fill")
    assert "platform" in run("query", "on the platform", "--store", store, "--mode", "words").stdout
    refused = CliRunner().invoke(main, ["index", str(media), "--sound-only", "--prune"])
    assert refused.exit_code == 2
