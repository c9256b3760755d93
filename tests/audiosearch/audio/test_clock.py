"""One clock for finding and cutting: time stamps, joined files, drift."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.audio import reader
from audiosearch.audio.clock import Clock

av = pytest.importorskip("av")
pytest.importorskip("soundfile")

Samples = NDArray[np.float32]


def quiet_then_tone(rate: int, silence: float, seconds: float) -> Samples:
    """Silence, then a tone."""
    time = np.arange(round(seconds * rate)) / rate
    return np.asarray(np.where(time < silence, 0, 0.5 * np.sin(2 * np.pi * 800 * time)), np.float32)


def encode(
    path: Path,
    codec: str,
    rate: int,
    samples: Samples,
    channels: int = 1,
    stamp: Callable[[int], float] | None = None,
    **options: Any,
) -> Path:
    """Write a file; ``stamp`` gives the time stamps of packets."""
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples[None], channels, axis=0), "fltp", layout)
        frame.sample_rate = rate
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=size)
        position = 0
        packets = []
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            piece.pts, piece.time_base = position, Fraction(1, rate)
            position += piece.samples
            packets += stream.encode(piece)
        for packet in [*packets, *stream.encode(None)]:
            if stamp is not None:
                packet.pts = packet.dts = round(stamp(packet.pts))
            container.mux(packet)
    return path


def onset(samples: Samples, rate: int) -> float:
    """Time of the first loud sample."""
    return int(np.argmax(np.abs(samples) > 0.2)) / rate


def check_cut(path: Path, time: float, within: float = 0.06) -> None:
    """The tone begins at ``time`` in the whole recording and in a span of it."""
    assert onset(reader.read(path, 16000), 16000) == pytest.approx(time, abs=within)
    span = reader.convert(reader.read_span(path, time - 1.5, time + 1), 16000, 1)
    assert onset(span.samples[0], 16000) == pytest.approx(1.5, abs=within)


@pytest.mark.parametrize("speed", [0.97, 0.99, 1.01, 1.03])
@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "aac"), ("a.mka", "pcm_s16le"), ("a.nut", "flac")])
def test_times_are_those_of_the_time_stamps_where_samples_disagree(
    name: str, codec: str, speed: float, tmp_path: Path
) -> None:
    path = encode(
        tmp_path / name, codec, 16000, quiet_then_tone(16000, 30, 34), stamp=lambda position: position * speed
    )
    check_cut(path, 30 * speed)
    assert reader.probe(path).duration == pytest.approx(34 * speed, abs=0.2)
    assert len(reader.read(path, 16000)) / 16000 == pytest.approx(34 * speed, abs=0.2)


def test_a_recording_that_starts_late_begins_at_zero_as_in_players(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "late.mka", "flac", 16000, quiet_then_tone(16000, 5, 8), stamp=lambda position: position + 80000
    )
    check_cut(path, 5)


JOINED = {  # suffix → codec; the parts differ in rate and channels
    "mp3": "libmp3lame",
    "ts": "aac",
    "aac": "aac",
    "opus": "libopus",
    "ogg": "libopus",
    "ac3": "ac3",
    "mpg": "mp2",
}


@pytest.mark.parametrize("suffix", JOINED)
@pytest.mark.parametrize("loud_first", [False, True])
def test_joined_files_are_read_and_cut_to_their_end(
    suffix: str, loud_first: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rates = (48000, 48000) if JOINED[suffix] == "libopus" else (48000, 44100) if suffix == "ac3" else (44100, 22050)
    options: dict[str, Any] = {"format": "adts"} if suffix == "aac" else {"format": "ogg"} if suffix == "ogg" else {}
    advert = encode(
        tmp_path / f"advert.{suffix}", JOINED[suffix], rates[0], quiet_then_tone(rates[0], 6, 6), 2, **options
    )
    main = encode(tmp_path / f"main.{suffix}", JOINED[suffix], rates[1], quiet_then_tone(rates[1], 4, 8), 1, **options)
    path = tmp_path / f"joined.{suffix}"
    parts = [main, advert, main] if loud_first else [advert, main]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    length = 22 if loud_first else 14
    assert len(reader.read(path, 16000)) / 16000 == pytest.approx(length, abs=0.4)
    assert "damaged" not in caplog.text  # nothing was lost
    assert "should last" not in caplog.text
    assert reader.probe(path).duration == pytest.approx(length, abs=0.4)
    assert reader.is_audio(path)
    if not loud_first:
        check_cut(path, 10, within=0.15)
    else:
        whole = reader.read(path, 16000)
        last = 15 + onset(whole[15 * 16000 :], 16000)
        span = reader.convert(reader.read_span(path, last - 1, last + 1), 16000, 1)
        assert onset(span.samples[0], 16000) == pytest.approx(1, abs=0.03)
        across = reader.read_span(path, 7.0, 9.0)  # both rates
        assert len(across) / across.rate == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    "tag",
    [
        b"ID3\4\0\0\0\3\x54\x60" + np.random.default_rng(1).bytes(60000),  # as large as with a picture
        b"TAG" + bytes(125),
        b"APETAGEX\xd0\7\0\0\x08\7\0\0" + bytes(16) + b"Title" * 360,
    ],
)
def test_tags_between_joined_files_are_no_damage(tag: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    part = encode(tmp_path / "part.mp3", "libmp3lame", 44100, quiet_then_tone(44100, 4, 6), 2).read_bytes()
    path = tmp_path / "joined.mp3"
    path.write_bytes(part + tag + part)
    assert len(reader.read(path, 16000)) / 16000 == pytest.approx(12, abs=0.15)
    assert reader.probe(path).duration == pytest.approx(12, abs=0.15)
    assert caplog.text == ""


def test_a_single_wrong_time_stamp_moves_nothing() -> None:
    clock = Clock()
    for number in range(100):
        begin = number * 0.1 if number != 50 else 0.0
        assert clock.gap(begin) == 0
        assert clock.fit(np.zeros(1600, np.float32), 16000).size == 1600
    assert clock.elapsed == pytest.approx(10)


def test_a_drift_stretches_channels_alike() -> None:
    clock = Clock()
    for number in range(400):
        clock.gap(number * 0.021)
        assert clock.fit(np.ones((2, 320), np.float32), 16000).shape[0] == 2
    assert clock.elapsed == pytest.approx(400 * 0.021, abs=0.06)
