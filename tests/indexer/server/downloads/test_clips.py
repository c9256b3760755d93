"""Clips over the API: their sound, names, limits and errors; and errors that they share with supercuts."""

from __future__ import annotations

import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import soundfile

from audiosearch.audio import clips as clip_files
from audiosearch.errors import AudioError
from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.server.downloads.clip_request import FORMATS
from indexer.types import NO_MEDIA, Location, Recording

TALK = "talks/first talk.wav"
SUPERCUT = "/api/supercut"


def clip_path(identity: str) -> str:
    """Path of clips of a recording."""
    return f"/api/recordings/{identity}/clip"


def span(identity: str, start: float, end: float) -> dict[str, object]:
    """A clip in the body of a request."""
    return {"id": identity, "start": start, "end": end}


def duration(content: bytes) -> float:
    """Duration of an audio file, in seconds."""
    with av.open(io.BytesIO(content)) as container:
        frames = [(frame.samples, frame.sample_rate) for frame in container.decode(audio=0)]
    return float(sum(samples / rate for samples, rate in frames))


def leftovers() -> list[Path]:
    """Temporary folders of clips."""
    return list(Path(tempfile.gettempdir()).glob("audiosearch-*"))


def test_a_clip_has_the_samples_of_its_span(client: httpx.Client, library: Any) -> None:
    word = library.words[TALK][3]
    response = client.get(clip_path(library.ids[TALK]), params={"start": word.start, "end": word.end, "format": "wav"})
    assert (response.status_code, response.headers["content-type"]) == (200, "audio/wav")
    sound, rate = soundfile.read(io.BytesIO(response.content), dtype="int16")
    whole, _ = soundfile.read(library.folder / TALK, dtype="int16")
    expected = whole[round(word.start * rate) : round(word.end * rate)]
    assert len(sound) == len(expected)
    assert np.abs(sound.astype(int) - expected).max() <= 1
    assert response.headers["content-disposition"].endswith("''first-talk_0h00m00.6s_human.wav")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["talks/third.ogg", "music/fifth.aiff"])
def test_clips_in_every_format(client: httpx.Client, library: Any, name: str, form: str) -> None:
    parameters: dict[str, Any] = {"start": 1, "end": 2, "padding": 0.25, "format": form}
    response = client.get(clip_path(library.ids[name]), params=parameters)
    assert response.status_code == 200
    assert duration(response.content) == pytest.approx(1.5, abs=0.1)
    assert response.headers["content-disposition"].endswith(f".{form}")
    assert int(response.headers["content-length"]) == len(response.content)


def test_mp3_is_the_default(client: httpx.Client, library: Any) -> None:
    response = client.get(clip_path(library.ids[TALK]), params={"start": 0, "end": 1})
    assert response.headers["content-type"] == "audio/mpeg"


def test_clips_end_with_their_recording(client: httpx.Client, library: Any) -> None:
    response = client.get(clip_path(library.ids[TALK]), params={"start": 1, "end": 200, "format": "wav"})
    assert duration(response.content) == pytest.approx(soundfile.info(library.folder / TALK).duration - 1, abs=0.01)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "start and end"),
        ("start=1", "start and end"),
        ("start=2&end=1", "end 1"),
        ("start=2&end=2", "end 2"),
        ("start=-1&end=2", "start"),
        ("start=nan&end=2", "start"),
        ("start=0&end=inf", "end"),
        ("start=0&end=1e400", "end"),
        ("start=1&end=2&format=ogg", "format"),
        ("start=1&end=2&padding=11", "padding"),
        ("start=1&end=2&start=1", "start"),
        ("start=1&end=2&to=3", "to"),
        ("start=0&end=300.5", "300 seconds"),
        ("start=500&end=501", "comes after its end"),
    ],
)
def test_bad_spans_are_refused(client: httpx.Client, library: Any, query: str, named: str) -> None:
    response = client.get(f"{clip_path(library.ids[TALK])}?{query}")
    assert response.status_code == 400, response.text
    assert named in response.json()["error"]


def test_recordings_without_a_file_have_no_clips(serve: Any, own_library: Any) -> None:
    client = serve(own_library)
    identity = own_library.ids["talk.wav"]
    (own_library.folder / "talk.wav").unlink()
    for response in (
        client.get(clip_path(identity), params={"start": 0, "end": 1}),
        client.post(SUPERCUT, json={"clips": [span(identity, 0, 1)]}),
    ):
        assert response.status_code == 404
        assert "the file no longer exists" in response.json()["error"]
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        index.add(replace(recording, model=f"{NO_MEDIA}vtt"), index.words(recording.id))
    response = client.get(clip_path(identity), params={"start": 0, "end": 1})
    assert response.status_code == 404
    assert "only its transcript was imported" in response.json()["error"]


def test_damage_and_a_full_disk_are_told_and_leave_nothing(
    serve: Any, own_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(own_library)
    identity = own_library.ids["talk.wav"]
    before = leftovers()
    for error, status, sentence in (
        (AudioError("/elsewhere/file: is damaged."), 404, "cannot be read"),
        (OSError(28, "No space left on device"), 503, "is the disk full?"),
    ):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(clip_files, "write_clip", fail)
        monkeypatch.setattr(clip_files, "write_supercut", fail)
        for response in (
            client.get(clip_path(identity), params={"start": 0, "end": 1}),
            client.post(SUPERCUT, json={"clips": [span(identity, 0, 1)]}),
        ):
            assert response.status_code == status
            assert sentence in response.json()["error"]
            assert "elsewhere" not in response.text
    assert leftovers() == before


@pytest.mark.parametrize("name", ['quote " newline\n emoji 😀 \u202e mark', "😀"])
def test_clips_of_recordings_of_any_name(serve: Any, own_library: Any, name: str) -> None:
    path = own_library.folder / f"{name}.wav"
    shutil.move(own_library.folder / "talk.wav", path)
    status = path.stat()
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        moved = replace(recording, locations=(Location(str(path), status.st_size, status.st_mtime_ns),))
        index.add(moved, index.words(recording.id))
    client = serve(own_library)
    response = client.get(clip_path(recording.id), params={"start": 0, "end": 1})
    assert response.status_code == 200
    assert client.post(SUPERCUT, json={"clips": [span(recording.id, 0, 1)]}).status_code == 200
    path.unlink()
    error = client.post(SUPERCUT, json={"clips": [span(recording.id, 0, 1)]}).json()["error"]
    assert error.startswith("clip 1 (")
    assert "\n" not in error
    assert "\u202e" not in error


def test_links_out_of_the_library_are_not_followed(serve: Any, own_library: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside.wav"
    shutil.copy(own_library.folder / "talk.wav", outside)
    link = own_library.folder / "link.wav"
    link.symlink_to(outside)
    identity, location = content_id(link)
    with open_index(str(own_library.store)) as index:
        index.add(Recording(identity, (replace(location, path=str(link)),), 5.0, "tones", "2024-05-01"), ())
    response = serve(own_library).get(clip_path(identity), params={"start": 0, "end": 1})
    assert response.status_code == 404
    assert "leads out of the library" in response.json()["error"]


def test_a_required_token_is_required_for_clips(serve: Any, own_library: Any) -> None:
    token = "correct horse battery staple"
    client = serve(own_library, token=token)
    identity = own_library.ids["talk.wav"]
    headers = {"authorization": f"Bearer {token}"}
    query = {"start": 0, "end": 1}
    assert client.get(clip_path(identity), params=query).status_code == 401
    assert client.get(clip_path(identity), params=query, headers=headers).status_code == 200
    body = {"clips": [span(identity, 0, 1)]}
    assert client.post(SUPERCUT, json=body).status_code == 401
    assert client.post(SUPERCUT, json=body, headers=headers).status_code == 200
