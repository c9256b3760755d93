"""Imported transcripts, with and without their recordings."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from transcribers import FakeTranscriber

from audiosearch.alphabet import Alphabet
from audiosearch.spotting.scoring import AcousticProfile, SpottingCalibration
from audiosearch.types import PackedEmissions, Transcript, Word
from indexer.index import Index, open_index
from indexer.ingest.crawl import content_id
from indexer.ingest.import_transcripts import Imported, import_files
from indexer.ingest.ingest import CrawlSummary, Indexed, ingest
from indexer.ingest.walk import Failed
from indexer.search.parse import parse
from indexer.types import Recording


class OneWordTranscriber(FakeTranscriber):
    """Transcribes every recording as one word."""

    fingerprint = "hearer"

    def transcribe(self, path: Path) -> Transcript:
        return Transcript(str(path), 3.0, (Word("heard", 0.5, 1.0, 0.9),))


@pytest.fixture
def index(url: str) -> Iterator[Index]:
    with open_index(url, create=True) as opened:
        yield opened


def sound(path: Path, seconds: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((path.name.encode() * 16000)[: 16000 * seconds])
    return path


def vosk(path: Path, *texts: str) -> Path:
    words = [{"conf": 0.75, "start": n / 2, "end": n / 2 + 0.4, "word": text} for n, text in enumerate(texts)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"result": words, "text": " ".join(texts)}))
    return path


def done(index: Index, *files: Path, media: Path | None = None) -> list[tuple[str, Recording]]:
    steps = list(import_files(index, files, media=media))
    assert all(isinstance(step, Imported) for step in steps), steps
    return [(step.was, step.recording) for step in steps if isinstance(step, Imported)]


def failures(index: Index, *files: Path, media: Path | None = None) -> list[str]:
    return [step.sentence for step in import_files(index, files, media=media) if isinstance(step, Failed)]


def hits_of(index: Index, text: str) -> list[tuple[str, float]]:
    return [(hit.recording.path, hit.start) for hit in index.search(parse([text]).query, 10).hits]


def test_import_without_media_is_searchable_and_survives_indexing(index: Index, tmp_path: Path) -> None:
    talk = vosk(tmp_path / "talks" / "monday.json", "human", "things")
    ((was, recording),) = done(index, talk)
    path = f"{talk}/monday"
    assert (was, recording.path, recording.model) == ("new", path, "import-without-media:vosk")
    assert not recording.has_media
    assert recording.duration == 0.9
    assert hits_of(index, "human things") == [(path, 0.0)]
    sound(tmp_path / "talks" / "other.wav")
    for again in (False, True):
        steps = list(ingest(index, OneWordTranscriber(), [tmp_path / "talks"], prune=True, again=again))
        (about,) = [step for step in steps if isinstance(step, CrawlSummary)]
        assert (about.missing, about.outdated, about.again) == (0, 0, 0)
    assert hits_of(index, "human things") == [(path, 0.0)]
    talk.unlink()
    list(ingest(index, OneWordTranscriber(), [tmp_path / "talks"], prune=True))
    assert hits_of(index, "human things") == [(path, 0.0)]


def test_repeated_changed_and_moved_imports(index: Index, tmp_path: Path) -> None:
    talk = vosk(tmp_path / "monday.json", "human", "things")
    done(index, talk)
    assert [was for was, _ in done(index, talk)] == ["unchanged"]
    moved = talk.rename(tmp_path / "tuesday.json")
    ((was, recording),) = done(index, moved)
    assert (was, recording.path) == ("unchanged", f"{moved}/tuesday")
    assert [known_recording.path for known_recording in index.recordings()] == [f"{moved}/tuesday"]
    vosk(moved, "other", "things")
    assert [was for was, _ in done(index, moved)] == ["replaced"]
    assert hits_of(index, "human") == []
    assert len(index.recordings()) == 1


def test_import_with_media_counts_as_indexed(index: Index, tmp_path: Path) -> None:
    talk = vosk(tmp_path / "words" / "monday.json", "human", "things")
    done(index, talk)
    file = sound(tmp_path / "talks" / "monday.wav")
    ((was, recording),) = done(index, talk, media=tmp_path / "talks")
    assert (was, recording.path, recording.id) == ("replaced", str(file), content_id(file)[0])
    assert (recording.model, recording.duration, recording.has_media) == ("import:vosk", 3.0, True)
    assert [known_recording.id for known_recording in index.recordings()] == [recording.id]
    steps = list(ingest(index, OneWordTranscriber(), [tmp_path / "talks"]))
    assert [step.unchanged for step in steps if isinstance(step, CrawlSummary)] == [1]
    assert hits_of(index, "human things") == [(str(file), 0.0)]
    steps = list(ingest(index, OneWordTranscriber(), [tmp_path / "talks"], again=True))
    assert len([step for step in steps if isinstance(step, Indexed)]) == 1
    assert hits_of(index, "heard") == [(str(file), 0.5)]


def test_emissions_survive_an_import(index: Index, tmp_path: Path) -> None:
    file, copy = sound(tmp_path / "monday.wav"), tmp_path / "copy.wav"
    copy.write_bytes(file.read_bytes())
    list(ingest(index, OneWordTranscriber(), [tmp_path]))
    (known,) = index.recordings()
    emissions = (PackedEmissions(0.0, 0.02, 3, b"abc"),)
    index.add(known, index.words(known.id), emissions)
    profile = AcousticProfile(Alphabet(), SpottingCalibration())
    index.keep_acoustic_profile("hearer", profile)
    talk = vosk(tmp_path / "a.json", "human")
    ((was, recording),) = done(index, talk, media=file)
    assert (was, recording.model) == ("replaced", "import:vosk+hearer")
    assert index.acoustic_profiles()["import:vosk+hearer"] == profile
    assert done(index, talk, media=file) == [("unchanged", recording)]
    assert recording.locations == known.locations
    assert index.emissions(recording.id) == emissions
    assert hits_of(index, "heard") == []


def test_media_is_found_by_name(index: Index, tmp_path: Path) -> None:
    talks = tmp_path / "talks"
    for name in ("one.wav", "deep/Two Words.wav", "three.wav", "four.wav"):
        sound(talks / name)
    (talks / "one.txt").write_text("notes")
    line = json.dumps({"path": "/elsewhere/four.mp3", "duration": 3, "words": []})
    (tmp_path / "own.jsonl").write_text(line)
    (tmp_path / "two.ctm").write_text("two_words 1 0.1 0.2 hello\n")
    files = [vosk(tmp_path / "one.json", "a"), tmp_path / "two.ctm", vosk(tmp_path / "three.wav.en.json", "b")]
    paths = [recording.path for _, recording in done(index, *files, tmp_path / "own.jsonl", media=talks)]
    assert [str(Path(path).relative_to(talks)) for path in paths] == [
        "one.wav",
        "deep/Two Words.wav",
        "three.wav",
        "four.wav",
    ]


def test_file_of_several_recordings(index: Index, tmp_path: Path) -> None:
    week = tmp_path / "week.ctm"
    week.write_text("monday 1 0.0 0.5 yes\na/b 1 0.0 0.5 yes\n")
    assert [recording.path for _, recording in done(index, week)] == [f"{week}/monday", f"{week}/a_b"]
    assert len(index.recordings()) == 2
    sentences = failures(index, week, media=sound(tmp_path / "monday.wav"))
    assert len(sentences) == 2
    assert all("holds several recordings" in sentence for sentence in sentences)
    assert [was for was, _ in done(index, week)] == ["unchanged", "unchanged"]
    (sentence,) = failures(index, week, media=tmp_path)
    assert sentence == f"{week}: no recording in {tmp_path} has the name a/b."
    assert sorted(known_recording.path for known_recording in index.recordings()) == [
        f"{tmp_path}/monday.wav",
        f"{week}/a_b",
    ]


def test_bad_transcripts_are_reported_and_the_others_imported(index: Index, tmp_path: Path) -> None:
    talks = tmp_path / "talks"
    sound(talks / "twice.wav")
    sound(talks / "twice.aiff")
    sound(talks / "short.wav", seconds=1)
    files = [
        tmp_path / "none.json",
        vosk(tmp_path / "twice.json", "a"),
        vosk(tmp_path / "short.json", *"abcdefgh"),
        vosk(tmp_path / "short.wav.json", "a"),
    ]
    (tmp_path / "bad.json").write_text("{")
    sentences = failures(index, *files, tmp_path / "bad.json", media=talks)
    assert [sentence.partition(": ")[0] for sentence in sentences] == [
        str(tmp_path / "none.json"),
        str(tmp_path / "twice.json"),
        str(tmp_path / "short.json"),
        f"{tmp_path}/bad.json, line 1",
    ]
    assert "have the name twice" in sentences[1]
    assert "is it another recording?" in sentences[2]
    assert len(index.recordings()) == 1


def test_transcripts_without_a_letter_are_refused(index: Index, tmp_path: Path) -> None:
    file = sound(tmp_path / "monday.wav")
    done(index, vosk(tmp_path / "monday.json", "good", "evening"), media=file)
    (sentence,) = failures(index, vosk(tmp_path / "monday.json", "добрый", "вечер"), media=file)
    assert "none of its 2 words can be written in English letters" in sentence
    assert hits_of(index, "good evening") == [(str(file), 0.0)]
    other = sound(tmp_path / "new" / "tuesday.wav")
    failures(index, vosk(tmp_path / "tuesday.json", "[noise]"), media=other)
    steps = list(ingest(index, OneWordTranscriber(), [tmp_path / "new"]))
    assert len([step for step in steps if isinstance(step, Indexed)]) == 1


def test_composed_and_decomposed_names_are_equal(index: Index, tmp_path: Path) -> None:
    for name, spelling in (("caf\xe9", "cafe\u0301"), ("cafe\u0301", "caf\xe9")):
        folder = tmp_path / str(len(name))
        file = sound(folder / f"{name}.wav")
        ((_, recording),) = done(index, vosk(folder / "words" / f"{spelling}.json", "a"), media=folder)
        assert recording.path == str(file)
