"""A small library of tones with words at known times, and servers of it."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from audiosearch.types import Word
from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.server.app import bind, make_app, make_server
from indexer.server.auth import AccessPolicy
from indexer.server.index_pool import IndexPool
from indexer.types import Recording

LETTER = 0.08
"""Seconds of a letter or space in the voice of tones."""

HOSTILE = '<img src=x onerror=alert(1)> & "q".wav'
TEXTS = {
    "talks/first talk.wav": "i am a human saying human things this sun hat mist nut at man math"
    " i am a man this is the end",
    "talks/second.flac": "am i a human this man said many things to the sun",
    "talks/third.ogg": "the hat is in the mist and the nut is in the hat human things again",
    "music/fourth.mp3": "a sun a hat a man a human",
    f"music/{HOSTILE}": "this file has a hostile name says the human",
    "music/fifth.aiff": "an old format that browsers do not play human",
}


@dataclass(frozen=True)
class Shelf:
    """Files, and the index that knows them.

    Attributes:
        ids: by the name in TEXTS.
    """

    folder: Path
    store: Path
    ids: dict[str, str]
    words: dict[str, tuple[Word, ...]]


def timed(text: str) -> tuple[Word, ...]:
    """When the voice of tones says the words of a text."""
    words = []
    place = 1
    for word in text.split():
        start, end = place * LETTER, (place + len(word)) * LETTER
        words.append(Word(word, round(start, 3), round(end, 3), 0.5 + len(word) / 20))
        place += len(word) + 1
    return tuple(words)


@pytest.fixture(scope="session")
def _first_shelf(tones: Any, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("shelf")
    ids, said = {}, {}
    with open_index(str(folder / "store.db"), create=True) as index:
        for name, text in TEXTS.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, tones.say(text), tones.sample_rate)
            identity, location = content_id(path)
            duration = round((len(text) + 2) * LETTER, 3)
            recording = Recording(identity, (location,), duration, "tones", "2024-05-01T12:00:00+00:00")
            index.add(recording, timed(text))
            ids[name], said[name] = identity, timed(text)
    return Shelf(folder, folder / "store.db", ids, said)


@pytest.fixture
def shelf(_first_shelf: Shelf) -> Shelf:
    """The library, which tests only read."""
    return _first_shelf


@pytest.fixture
def own_shelf(_first_shelf: Shelf, tmp_path: Path) -> Shelf:
    """A copy of its own with one recording, ``talk.wav``."""
    (tmp_path / "own").mkdir()
    source = _first_shelf.folder / "talks/first talk.wav"
    path = tmp_path / "own" / "talk.wav"
    shutil.copy(source, path)
    identity, location = content_id(path)
    text = TEXTS["talks/first talk.wav"]
    with open_index(str(tmp_path / "own.db"), create=True) as index:
        index.add(Recording(identity, (location,), (len(text) + 2) * LETTER, "tones", "2024-05-01"), timed(text))
    return Shelf(tmp_path / "own", tmp_path / "own.db", {"talk.wav": identity}, {"talk.wav": timed(text)})


@contextlib.contextmanager
def running(store: Path, cache: Path, policy: AccessPolicy, folders: tuple[str, ...] = ()) -> Iterator[str]:
    """A server in a thread; its URL without the last slash."""
    listening = bind("127.0.0.1", 0)
    listening.listen()
    server = make_server(make_app(IndexPool(str(store)), policy, folders=folders, cache=cache))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def url(_first_shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the library is served, without a token."""
    with running(_first_shelf.store, tmp_path_factory.mktemp("cache"), AccessPolicy("127.0.0.1")) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    """Asks that server."""
    with httpx.Client(base_url=url, timeout=30) as made:
        yield made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """``serve(shelf, token=None, names=(), folders=())``: a client of a server of its own."""
    with contextlib.ExitStack() as stack:

        def made(
            shelf: Shelf, token: str | None = None, names: tuple[str, ...] = (), folders: tuple[str, ...] = ()
        ) -> httpx.Client:
            policy = AccessPolicy("127.0.0.1", names, token)
            address = stack.enter_context(running(shelf.store, tmp_path / "cache", policy, folders))
            return stack.enter_context(httpx.Client(base_url=address, timeout=30))

        yield made
