"""Requests for clips that wait for each other, and those whose client leaves."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from audiosearch.audio import clips as clip_files
from audiosearch.audio import reader


def leftovers() -> list[Path]:
    """Temporary folders of clips."""
    return list(Path(tempfile.gettempdir()).glob("audiosearch-*"))


def test_two_clips_are_written_at_a_time_and_long_queues_are_refused(
    serve: Any, own_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(own_library)
    url = f"{client.base_url}/api/recordings/{own_library.ids['talk.wav']}/clip".replace("//api", "/api")
    running, most, lock, release = 0, 0, threading.Lock(), threading.Event()
    original = clip_files.write_clip

    def slow(*parameters: Any, **options: Any) -> float:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        release.wait(20)
        with lock:
            running -= 1
        return original(*parameters, **options)

    monkeypatch.setattr(clip_files, "write_clip", slow)

    def request(_: int) -> httpx.Response:
        return httpx.get(url, params={"start": 0, "end": 1}, timeout=30)

    with ThreadPoolExecutor(11) as pool:
        futures = [pool.submit(request, number) for number in range(11)]
        while not any(future.done() for future in futures):
            threading.Event().wait(0.02)
        (refused,) = [future.result() for future in futures if future.done()]
        release.set()
        responses = [future.result() for future in futures]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
    assert sorted(response.status_code for response in responses) == [200] * 10 + [503]
    assert most == 2


def test_a_supercut_stops_when_its_client_leaves(serve: Any, own_library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve(own_library)
    identity = own_library.ids["talk.wav"]
    read, original = [], reader.read_span
    stopped = threading.Event()
    before = leftovers()

    def slow(*parameters: Any, **options: Any) -> Any:
        read.append(parameters)
        threading.Event().wait(0.3)
        return original(*parameters, **options)

    monkeypatch.setattr(clip_files, "read_span", slow)
    body = {"clips": [{"id": identity, "start": 0, "end": 0.5}] * 100}
    with pytest.raises(httpx.ReadTimeout):
        client.post("/api/supercut", json=body, timeout=0.5)
    for _ in range(100):
        count = len(read)
        stopped.wait(1)
        if len(read) == count and leftovers() == before:
            break
    assert 0 < len(read) < 50
