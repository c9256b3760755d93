"""Recordings with several audio tracks: the default track is read, or the first that is not silent."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition

from audiosearch.audio import wav_stream
from audiosearch.audio.clips import Clip, write_clip, write_supercut
from audiosearch.audio.reader import probe, read, read_blocks, read_span, read_voices
from audiosearch.audio.samples import Samples
from audiosearch.audio.waveform import compute_peaks
from audiosearch.errors import AudioError

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


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_a_track_is_chosen_by_its_number(tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    path = record(tmp_path / f"three.{suffix}", "silence", "high", "low", codec="aac")
    for track, expected in ((1, "silence"), (3, "low"), (2, "high"), (None, "high")):
        caplog.clear()
        assert pitch(np.concatenate(list(read_blocks(path, RATE, track=track)))) == expected
        assert len(caplog.records) == (track is None)
        assert pitch(read_span(path, 4.0, 8.0, track=track).samples[0]) == expected
        assert probe(path, track).duration == pytest.approx(SECONDS, abs=0.1)


def test_tracks_are_read_side_by_side(tmp_path: Path) -> None:
    path = record(tmp_path / "two.mkv", "low", "high")
    low, high = read_blocks(path, RATE, 2.0, track=1), read_blocks(path, RATE, 2.0, track=2)
    for first, second in zip(low, high, strict=True):
        assert (pitch(first), pitch(second)) == ("low", "high")


def test_a_track_that_is_missing_is_told_with_those_there_are(tmp_path: Path) -> None:
    two, one, plain = record(tmp_path / "two.mkv", "low", "high"), tmp_path / "one.ogg", tmp_path / "one.wav"
    for path in (one, plain):
        soundfile.write(path, np.zeros(RATE), RATE)
        assert probe(path, 1).duration == 1.0
    for path, sentence in (
        (two, "has 2 audio tracks (track 1, track 2), and no track 3."),
        (one, "has one audio track, and no track 3."),
        (plain, "has one audio track, and no track 3."),
    ):
        for call in (
            lambda path: probe(path, 3),
            lambda path: read_span(path, 0.0, 0.5, track=3),
            lambda path: list(read_blocks(path, RATE, track=3)),
            lambda path: list(read_voices(path, RATE, (0,), track=3)),
        ):
            with pytest.raises(AudioError) as error:
                call(path)
            assert str(error.value) == f"{path}: {sentence}"


def test_clips_waveforms_and_players_have_the_chosen_track(tmp_path: Path) -> None:
    path = record(tmp_path / "two.mkv", "low", "high")
    clips = [Clip(path, 2.0, 5.0, "a hit", track) for track in (1, 2)]
    for clip, expected in zip(clips, ("low", "high"), strict=True):
        target = tmp_path / f"{expected}.wav"
        write_clip(clip, target)
        assert pitch(read(target, RATE)) == expected
    write_supercut(clips, tmp_path / "both.wav")
    both = read(tmp_path / "both.wav", RATE)
    assert (pitch(both[: 3 * RATE]), pitch(both[3 * RATE :])) == ("low", "high")
    silent = record(tmp_path / "silent.mkv", "low", "silence")
    assert max(compute_peaks(silent).highest) > 50
    assert max(compute_peaks(silent, 2).highest) == 0
    assert not any(b"".join(wav_stream.encode(silent, SECONDS, 2))[wav_stream.HEADER_BYTES :])
