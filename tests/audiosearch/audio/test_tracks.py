"""Recordings with several audio tracks: the default track is read, or the first that is not silent."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from audiosearch.audio.reader import probe, read, read_span
from audiosearch.audio.samples import Samples

RATE = 16000
SECONDS = 12
PITCHES = {"silence": 0, "low": 300, "high": 3000}


def record(path: Path, *tracks: str, codec: str = "flac", dispositions: tuple[Disposition, ...] = ()) -> Path:
    """Write a recording with a track of each pitch."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=RATE, layout="mono") for _ in tracks]
        for stream, disposition in zip(streams, dispositions, strict=False):
            stream.disposition = disposition
        for second in range(SECONDS):
            for stream, track in zip(streams, tracks, strict=True):
                time = np.arange(second * RATE, (second + 1) * RATE) / RATE
                samples = (9000 * np.sin(2 * np.pi * PITCHES[track] * time)).astype(np.int16)[None]
                frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, second * RATE, Fraction(1, RATE)
                for packet in stream.encode(frame):
                    container.mux(packet)
        for stream in streams:
            for packet in stream.encode(None):
                container.mux(packet)
    return path


def pitch(samples: Samples) -> str:
    if np.abs(samples).max() < 1e-3:
        return "silence"
    return "low" if np.abs(np.fft.rfft(samples[RATE : 2 * RATE])).argmax() < 1000 else "high"


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "ts", "nut"])
def test_a_silent_track_is_left_out(tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    path = record(tmp_path / f"two.{suffix}", "silence", "high", codec="aac")
    assert pitch(read(path, RATE)) == "high"
    (notice,) = caplog.records
    assert "has 2 audio tracks; track 2" in notice.getMessage()
    assert pitch(read_span(path, 2.0, 5.0).samples[0]) == "high"
    assert not probe(path).is_plain
    assert len(caplog.records) == 1


def test_the_default_track_is_read(tmp_path: Path) -> None:
    none, default = Disposition(0), Disposition.default
    for name, dispositions, expected in (
        ("second", (none, default), "high"),
        ("described", (default | Disposition.visual_impaired, none), "high"),
        ("neither", (none, none), "low"),
    ):
        assert pitch(read(record(tmp_path / f"{name}.mkv", "low", "high", dispositions=dispositions), RATE)) == expected


def test_silent_tracks_alone_are_read(tmp_path: Path) -> None:
    assert pitch(read(record(tmp_path / "silent.mkv", "silence", "silence"), RATE)) == "silence"


def test_a_changed_file_is_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "changing.mkv"
    assert pitch(read(record(path, "silence", "high"), RATE)) == "high"
    assert pitch(read(record(path, "low", "silence"), RATE)) == "low"
