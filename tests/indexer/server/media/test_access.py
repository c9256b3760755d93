"""Audio of recordings: byte ranges, transcoding, and files that are never served."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.server.media.byte_ranges import UnsatisfiableError, parse_range
from indexer.types import NO_MEDIA, Recording

MEDIA_TYPES = {
    "talks/first talk.wav": "audio/wav",
    "talks/second.flac": "audio/flac",
    "talks/third.ogg": "audio/ogg",
    "music/fourth.mp3": "audio/mpeg",
}


def audio(identity: str) -> str:
    """Path of the audio of a recording."""
    return f"/api/recordings/{identity}/audio"


@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_playable_file_is_served_unchanged(client: httpx.Client, library: Any, name: str) -> None:
    expected = (library.folder / name).read_bytes()
    whole = client.get(audio(library.ids[name]))
    assert (whole.status_code, whole.headers["content-type"]) == (200, MEDIA_TYPES[name])
    assert whole.content == expected
    head = client.head(audio(library.ids[name]))
    assert head.content == b""
    for header in ("content-length", "content-type", "etag", "accept-ranges"):
        assert head.headers[header] == whole.headers[header]
    unchanged = client.get(audio(library.ids[name]), headers={"if-none-match": whole.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=7-20", (7, 21)),
        ("bytes=99-", (99, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-1000", (0, 100)),
        ("Bytes = 3 - 4", (3, 5)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=1-2,5-6", None),
        ("seconds=1-2", None),
        ("bytes=a-b", None),
        ("bytes=²-3", None),
        ("", None),
        (None, None),
        ("bytes=100-", 416),
        ("bytes=1000-2000", 416),
        ("bytes=-0", 416),
    ],
)
def test_ranges(header: str | None, part: object) -> None:
    if part == 416:
        with pytest.raises(UnsatisfiableError):
            parse_range(header, 100)
    else:
        assert parse_range(header, 100) == part


def test_range_of_a_file(client: httpx.Client, library: Any) -> None:
    name = "talks/second.flac"
    content = (library.folder / name).read_bytes()
    response = client.get(audio(library.ids[name]), headers={"range": "bytes=10-109"})
    assert (response.status_code, response.content) == (206, content[10:110])
    assert response.headers["content-range"] == f"bytes 10-109/{len(content)}"
    assert response.headers["content-length"] == "100"
    tag = response.headers["etag"]
    same = client.get(audio(library.ids[name]), headers={"range": "bytes=-3", "if-range": tag})
    assert (same.status_code, same.content) == (206, content[-3:])
    changed = client.get(audio(library.ids[name]), headers={"range": "bytes=-3", "if-range": '"older"'})
    assert (changed.status_code, changed.content) == (200, content)
    beyond = client.get(audio(library.ids[name]), headers={"range": f"bytes={len(content)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(content)}")


def test_unplayable_file_is_transcoded(client: httpx.Client, library: Any, tmp_path: Path) -> None:
    name = "music/fifth.aiff"
    size = int(client.head(audio(library.ids[name])).headers["content-length"])
    end = client.get(audio(library.ids[name]), headers={"range": f"bytes={size - 1000}-"})
    whole = client.get(audio(library.ids[name]))
    assert (whole.status_code, whole.headers["content-type"], len(whole.content)) == (200, "audio/wav", size)
    assert (end.status_code, end.content) == (206, whole.content[-1000:])
    (tmp_path / "decoded.wav").write_bytes(whole.content)
    decoded, rate = soundfile.read(tmp_path / "decoded.wav")
    source, source_rate = soundfile.read(library.folder / name)
    assert len(decoded) / rate == pytest.approx(len(source) / source_rate, abs=1e-3)
    assert np.abs(decoded).max() == pytest.approx(np.abs(source).max(), rel=0.05)
    playable = client.get(audio(library.ids["talks/third.ogg"]), params={"as": "wav"})
    assert (playable.headers["content-type"], playable.content[:4]) == ("audio/wav", b"RIFF")
    for _ in range(2):  # from the cache
        assert client.get(audio(library.ids[name])).content == whole.content


def test_missing_or_changed_file_is_refused(serve: Any, own_library: Any) -> None:
    client, identity, path = serve(own_library), own_library.ids["talk.wav"], own_library.folder / "talk.wav"
    assert client.get(audio(identity)).status_code == 200
    content = path.read_bytes()
    os.utime(path)  # same content at another time
    assert client.get(audio(identity)).content == content
    path.write_bytes(content[:-2] + b"xx")
    changed = client.get(audio(identity))
    assert changed.status_code == 404
    assert "changed" in changed.json()["error"]
    path.unlink()
    assert client.get(audio(identity)).status_code == 404
    assert client.get(f"/api/recordings/{identity}/peaks").status_code == 404
    path.mkdir()
    assert client.get(audio(identity)).status_code == 404
    path.rmdir()
    os.mkfifo(path)
    assert client.get(audio(identity)).status_code == 404


def test_links_out_of_the_library_are_refused(serve: Any, own_library: Any, tmp_path: Path) -> None:
    """Links of indexed recordings too: users who can create links may not be allowed to read their targets."""
    outside = tmp_path / "outside"
    outside.mkdir()
    paths = {
        "file": own_library.folder / "link.wav",
        "folder": own_library.folder / "linked" / "b.wav",
        "inside": own_library.folder / "again.wav",
    }
    (own_library.folder / "linked").symlink_to(outside)
    identities = {}
    for number, (kind, path) in enumerate(paths.items()):
        target = own_library.folder / "c.wav" if kind == "inside" else outside / f"{'ab'[number]}.wav"
        soundfile.write(target, np.full(800, number / 10), 8000)
        if not path.exists():
            path.symlink_to(target)
        identities[kind], location = content_id(path)
        with open_index(str(own_library.store), create=False) as index:
            index.add(Recording(identities[kind], (location,), 0.1, "tones", "2024-05-01"), ())
    client = serve(own_library)
    assert client.get(audio(identities["inside"])).status_code == 200
    for kind in ("file", "folder"):
        refused = client.get(audio(identities[kind]))
        assert refused.status_code == 404, kind
        assert "--media" in refused.json()["error"]
        assert str(outside) not in refused.text
    allowed = serve(own_library, folders=(str(outside),))
    assert {allowed.get(audio(identity)).status_code for identity in identities.values()} == {200}


def test_import_without_media_has_no_audio(serve: Any, own_library: Any) -> None:
    """The location of such a recording is the file of its transcript."""
    path = own_library.folder / "words.json"
    path.write_text("{}")
    identity, location = content_id(path)
    with open_index(str(own_library.store), create=False) as index:
        index.add(Recording(identity, (location,), 1.0, f"{NO_MEDIA}vosk", "2024-05-01"), ())
    refused = serve(own_library).get(audio(identity))
    assert refused.status_code == 404
    assert "only its transcript" in refused.json()["error"]


def test_library_behind_one_link_is_served(serve: Any, own_library: Any, tmp_path: Path) -> None:
    (tmp_path / "Podcasts").symlink_to(own_library.folder)
    identity, location = content_id(tmp_path / "Podcasts" / "talk.wav")
    with open_index(str(own_library.store), create=False) as index:
        index.relocate(identity, [location])
    assert serve(own_library).get(audio(identity)).status_code == 200


def test_link_in_place_of_a_file_is_not_followed(serve: Any, own_library: Any, tmp_path: Path) -> None:
    client, identity, path = serve(own_library), own_library.ids["talk.wav"], own_library.folder / "talk.wav"
    secret = tmp_path / "secret"
    shutil.copy2(path, secret)  # of the same size and time as the recording
    secret.write_bytes(b"s" * secret.stat().st_size)
    os.utime(secret, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    path.unlink()
    path.symlink_to(secret)
    assert client.get(audio(identity)).status_code == 404
