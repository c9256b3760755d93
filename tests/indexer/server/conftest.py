"""A library of synthetic recordings with words at known times, and servers for it."""

from __future__ import annotations

import contextlib
import os
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
from page_driver import page_of
from playwright.sync_api import Browser, Page, sync_playwright

from audiosearch.types import Word
from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.server.app import Changes, bind, make_app, make_server
from indexer.server.auth import AccessPolicy
from indexer.server.index_pool import IndexPool
from indexer.types import Recording

LETTER = 0.08
"""Seconds of a letter or space in synthetic speech."""

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
class Library:
    """Files and their index.

    Attributes:
        ids: ids of the recordings by name in TEXTS.
        words: words of the recordings by name.
    """

    folder: Path
    store: Path
    ids: dict[str, str]
    words: dict[str, tuple[Word, ...]]


def words_of(text: str) -> tuple[Word, ...]:
    """Words of a text at their times in synthetic speech."""
    words = []
    letters = 1
    for word in text.split():
        start, end = letters * LETTER, (letters + len(word)) * LETTER
        words.append(Word(word, round(start, 3), round(end, 3), 0.5 + len(word) / 20))
        letters += len(word) + 1
    return tuple(words)


@pytest.fixture(scope="session")
def _shared_library(tones: Any, tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("library")
    ids, words = {}, {}
    with open_index(str(folder / "store.db"), create=True) as index:
        for name, text in TEXTS.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, tones.say(text), tones.sample_rate)
            identity, location = content_id(path)
            duration = round((len(text) + 2) * LETTER, 3)
            recording = Recording(identity, (location,), duration, "tones", "2024-05-01T12:00:00+00:00")
            index.add(recording, words_of(text))
            ids[name], words[name] = identity, words_of(text)
    return Library(folder, folder / "store.db", ids, words)


@pytest.fixture
def library(_shared_library: Library) -> Library:
    """The shared library, read-only."""
    return _shared_library


@pytest.fixture
def own_library(_shared_library: Library, tmp_path: Path) -> Library:
    """A library for one test, with one recording, ``talk.wav``."""
    (tmp_path / "own").mkdir()
    source = _shared_library.folder / "talks/first talk.wav"
    path = tmp_path / "own" / "talk.wav"
    shutil.copy(source, path)
    identity, location = content_id(path)
    text = TEXTS["talks/first talk.wav"]
    with open_index(str(tmp_path / "own.db"), create=True) as index:
        index.add(Recording(identity, (location,), (len(text) + 2) * LETTER, "tones", "2024-05-01"), words_of(text))
    return Library(tmp_path / "own", tmp_path / "own.db", {"talk.wav": identity}, {"talk.wav": words_of(text)})


@contextlib.contextmanager
def running(
    store: Path,
    cache: Path,
    policy: AccessPolicy,
    folders: tuple[str, ...] = (),
    changes: Changes | None = None,
    *,
    read_only: bool = False,
) -> Iterator[str]:
    """URL, without the last slash, of a server in a thread."""
    listener = bind("127.0.0.1", 0)
    app = make_app(IndexPool(str(store)), policy, folders=folders, cache=cache, changes=changes, read_only=read_only)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def url(_shared_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server of the shared library without a token."""
    with running(_shared_library.store, tmp_path_factory.mktemp("cache"), AccessPolicy("127.0.0.1")) as server_url:
        yield server_url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    """Client of that server."""
    with httpx.Client(base_url=url, timeout=30) as http_client:
        yield http_client


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """``serve(library, token=None, names=(), folders=(), open_metrics=False, …)``: client of a server."""
    with contextlib.ExitStack() as stack:

        def start(
            library: Library,
            token: str | None = None,
            names: tuple[str, ...] = (),
            folders: tuple[str, ...] = (),
            *,
            open_metrics: bool = False,
            changes: Changes | None = None,
            read_only: bool = False,
        ) -> httpx.Client:
            policy = AccessPolicy("127.0.0.1", names, token, open_metrics)
            server_url = stack.enter_context(
                running(library.store, tmp_path / "cache", policy, folders, changes, read_only=read_only)
            )
            return stack.enter_context(httpx.Client(base_url=server_url, timeout=30))

        yield start


REQUIRED = "AUDIOSEARCH_REQUIRE_CHROMIUM"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, that of the system."""
    path = os.environ.get("AUDIOSEARCH_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no Chromium")
        pytest.skip("no Chromium: install the package chromium, or set AUDIOSEARCH_TEST_CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--mute-audio"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A page of the shared library; the test fails on errors in the console, and on requests to other hosts."""
    with page_of(browser, url) as page:
        yield page
