"""Tags and covers in files of several containers."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from tagged_files import CONTAINERS, write_tagged

from audiosearch.audio.ffmpeg.file_tags import MAX_TAG_LETTERS, FileTags, clean_tag, read_cover, read_tags

TAGS = {"title": "Über Köln", "artist": "Anna & Ben", "album": "Talks", "date": "2024-05-31"}


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_tags_are_read_from_each_container(tmp_path: Path, suffix: str) -> None:
    assert read_tags(write_tagged(tmp_path / f"a{suffix}", TAGS)) == FileTags(**TAGS)
    assert read_tags(write_tagged(tmp_path / f"b{suffix}", {})) == FileTags()
    assert read_cover(tmp_path / f"a{suffix}") is None


@pytest.mark.parametrize(("suffix", "codec", "kind"), [(".mp3", "mjpeg", "image/jpeg"), (".mp3", "png", "image/png"),
                                                       (".m4a", "mjpeg", "image/jpeg")])  # fmt: skip
def test_a_cover_is_read_with_its_type(tmp_path: Path, suffix: str, codec: str, kind: str) -> None:
    cover = read_cover(write_tagged(tmp_path / f"a{suffix}", TAGS, codec))
    assert cover is not None
    assert cover.kind == kind
    with av.open(io.BytesIO(cover.data)) as picture:
        assert picture.streams.video[0].width == 16


def test_riff_tags_in_the_encoding_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(800), 8000)
    name = "Café".encode("cp1252") + b"\0\0"
    entry = b"INFOINAM" + len(name).to_bytes(4, "little") + name
    data = path.read_bytes() + b"LIST" + len(entry).to_bytes(4, "little") + entry
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    assert read_tags(path).title == "Café"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\x1b[31m\n\tb\0", "a [31m b"),
        ("e\u0301", "é"),
        ("\u202eabc", "abc"),
        (" \0 ", ""),
        ("M\udce4dchen", "Mädchen"),
    ],
)
def test_tags_are_cleaned(value: str, expected: str) -> None:
    assert clean_tag(value) == expected


def test_long_tags_are_truncated() -> None:
    text = clean_tag("word " * 1_000_000)
    assert len(text) <= MAX_TAG_LETTERS
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("date", "expected"),
    [("20240531", "2024-05-31"), ("2024", "2024"), ("2024-05-31T10:00:00Z", "2024-05-31"), ("2024/05", "2024-05"),
     ("1904-01-01T00:00:00Z", ""), ("May 2024", "May 2024")],
)  # fmt: skip
def test_dates(tmp_path: Path, date: str, expected: str) -> None:
    assert read_tags(write_tagged(tmp_path / "a.flac", {"date": date})).date == expected
