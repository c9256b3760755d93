"""Damaged and unfinished files: one message by this program, and none by the libraries."""

from __future__ import annotations

import logging
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from audiosearch.audio import reader
from audiosearch.errors import AudioError

RATE = 22050


def tag(*frames: bytes, size: int | None = None) -> bytes:
    """An ID3 tag, of which the size may be wrong."""
    content = b"".join(frames)
    return b"ID3\x04\0\0" + _size(len(content) if size is None else size) + content


def frame(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + _size(len(content) if size is None else size) + b"\0\0" + content


def _size(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "a.mp3"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(RATE * 3), RATE, format="MP3")
    return path.read_bytes()


DAMAGE = {
    "an unknown encoding in a tag": lambda sound: tag(frame(b"TIT2", b"\x09broken")) + sound,
    "half a character in a tag": lambda sound: tag(frame(b"TIT2", b"\x01\xff\xfeA")) + sound,
    "a field longer than its tag": lambda sound: tag(frame(b"TIT2", b"\x03abc", 100_000)) + sound,
    "a comment without language": lambda sound: tag(frame(b"COMM", b"\0en")) + sound,
    "a truncated volume": lambda sound: tag(frame(b"RVA2", b"x")) + sound,
    "zeros in the middle": lambda sound: sound[:6000] + bytes(20_000) + sound[6000:],
    "noise in the middle": lambda sound: sound[:6000] + np.random.default_rng(1).bytes(5000) + sound[6000:],
    "half a packet at the end": lambda sound: sound[: len(sound) * 2 // 3 + 37],
    "a damaged header": lambda sound: sound[:40] + b"\xff" * 30 + sound[70:],
    "two joined files": lambda sound: sound + sound,
}


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_libmpg123_writes_nothing_to_the_terminal(
    damage: str, name: str, mp3: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(DAMAGE[damage](mp3))
    assert reader.is_audio(path)
    assert reader.probe(path).duration > 1
    assert len(reader.read(path, 16000)) > 1.5 * 16000
    assert len(reader.read_span(path, 0.5, 1.0)) == RATE // 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["mp4", "mov", "3gp", "ipod"])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_unfinished_recordings_of_telephones_are_told_as_such(
    form: str, share: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The index of these files comes last, when a recording ends; without it nothing can be read."""
    path = tmp_path / "talk.m4a"
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream("aac", rate=RATE)
        noise = (0.1 * np.random.default_rng(0).standard_normal((1, RATE * 3))).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        sound.sample_rate = RATE
        for packet in [*stream.encode(sound), *stream.encode(None)]:
            container.mux(packet)
    content = path.read_bytes()
    path.write_bytes(content[: round(content.index(b"moov") * share)])
    for use in (reader.probe, lambda path: reader.read(path, 16000)):
        with pytest.raises(AudioError, match=r"talk\.m4a: is an unfinished recording or download: the index") as caught:
            use(path)
        assert "beginning is damaged" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_damage_is_told_once(mp3: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(DAMAGE["half a packet at the end"](mp3))
    with caplog.at_level(logging.WARNING):
        reader.read(path, 16000)
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
