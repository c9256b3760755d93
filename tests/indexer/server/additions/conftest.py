"""Servers that allow changes, with a transcriber that reads tones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile
from transcribers import FakeTranscriber

from audiosearch.errors import AudioError
from audiosearch.types import Transcript, Word
from indexer.server.additions.uploads import Uploads
from indexer.server.app import Changes

TOKEN = "correct horse battery staple"


class StoppableTranscriber(FakeTranscriber):
    """Hears the same words in every recording; waits in those named ``slow`` until it is released."""

    is_loading = False
    position = 0.0

    def __init__(self) -> None:
        self.check: Callable[[], None] = lambda: None
        self.reached, self.released = threading.Event(), threading.Event()

    def transcribe(self, path: Path) -> Transcript:
        if "broken" in path.name:
            raise AudioError(f"{path}: is broken.")
        if "fault" in path.name:
            raise ZeroDivisionError("a fault of the program")
        if "slow" in path.name:
            self.position = 0.5
            self.reached.set()
            while not self.released.wait(0.01):
                self.check()
        self.position = 0.0
        return Transcript(str(path), 1.0, (Word("added", 0.1, 0.4, 0.9), Word("words", 0.5, 0.9, 0.9)))


@dataclass
class Site:
    """A server that allows changes."""

    client: httpx.Client
    uploads: Path
    transcriber: StoppableTranscriber
    library: Any
    sounds: int = field(default=0)

    def sound(self, path: Path) -> Path:
        """Write a recording with content of its own."""
        self.sounds += 1
        return write_sound(path, self.sounds)

    def upload(self, name: str, content: bytes, **headers: str) -> httpx.Response:
        """Upload a file."""
        headers = {"content-type": "application/octet-stream", **headers}
        return self.client.post("/api/uploads", params={"name": name}, content=content, headers=headers)

    def add(self, folder: object) -> httpx.Response:
        """Name a folder."""
        return self.client.post("/api/additions", json={"folder": str(folder)})

    def ended(self, response: httpx.Response) -> dict[str, Any]:
        """The job of a response when it has ended."""
        assert response.status_code == 202, response.text
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            jobs = self.client.get("/api/additions").json()["jobs"]
            (job,) = [job for job in jobs if job["id"] == response.json()["id"]]
            if job["state"] not in ("waiting", "running"):
                return dict(job)
            time.sleep(0.02)
        raise AssertionError("the job does not end")

    def paths(self) -> list[str]:
        """Paths of the recordings in the index."""
        return [each["path"] for each in self.client.get("/api/recordings").json()["recordings"]]


def write_sound(path: Path, number: int) -> Path:
    """Write a recording of one second with content by its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, [0.001 * number] * 8000, 8000, format="WAV")
    return path


@pytest.fixture
def make_sound() -> Callable[[Path, int], Path]:
    """Write a recording of one second with content by its number."""
    return write_sound


@pytest.fixture
def transcriber() -> Iterator[StoppableTranscriber]:
    """The transcriber of ``site``."""
    stoppable = StoppableTranscriber()
    yield stoppable
    stoppable.released.set()


@pytest.fixture
def site(serve: Any, own_library: Any, transcriber: StoppableTranscriber, tmp_path: Path) -> Site:
    """A server whose token the client sends."""
    uploads = tmp_path / "uploads"
    changes = Changes(transcriber, Uploads(uploads, 1_000_000))
    client = serve(own_library, token=TOKEN, changes=changes)
    client.headers["authorization"] = f"Bearer {TOKEN}"
    return Site(client, uploads, transcriber, own_library)
