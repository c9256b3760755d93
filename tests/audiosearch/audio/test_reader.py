"""Reading: equal samples in whole and block reading, correct times in every format, errors in one sentence."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import struct
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.audio import reader
from audiosearch.audio.formats import HEAD_BYTES, may_be_audio
from audiosearch.errors import AudioError

av = pytest.importorskip("av")
soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")

CLICKS = (0.5, 1.25, 2.6)
SECONDS = 3.0
PULSE_SECONDS = 0.004

Samples = NDArray[np.float32]


def pulse(rate: int) -> Samples:
    """A click that survives encoding: a windowed 1 kHz tone with its peak in the middle."""
    half = int(rate * PULSE_SECONDS)
    wave = np.hanning(2 * half + 1) * np.cos(2 * np.pi * 1000 * np.arange(-half, half + 1) / rate)
    return np.asarray(0.8 * wave, np.float32)


def clicks(rate: int, seconds: float = SECONDS) -> Samples:
    samples = np.zeros(int(rate * seconds), np.float32)
    shape = pulse(rate)
    for time in CLICKS:
        middle = round(rate * time)
        samples[middle - len(shape) // 2 : middle + len(shape) // 2 + 1] += shape
    return samples


def click_times(samples: Samples, rate: int) -> list[float]:
    """Times of the clicks, each at the maximum of the correlation with the pulse nearby."""
    shape = pulse(rate)
    times = []
    for time in CLICKS:
        start = int((time - 0.2) * rate)
        match = np.correlate(samples[start : int((time + 0.2) * rate)], shape, "valid")
        times.append((start + int(match.argmax()) + len(shape) // 2) / rate)
    return times


def encode(path: Path, codec: str, samples: Samples, rate: int, *, start: float = 0.0, **options: object) -> Path:
    """Write one audio stream with PyAV, with its first time stamp at ``start``."""
    frame = av.AudioFrame.from_ndarray((samples[None] * 32767).astype(np.int16), format="s16", layout="mono")
    frame.sample_rate = rate
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=size)
        position = round(start * rate)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            piece.pts = position
            position += piece.samples
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def make(folder: Path, name: str) -> Path:
    """Record the clicks in the format of the file name."""
    path = folder / name
    by_soundfile = {"wav": 44100, "flac": 48000, "aiff": 22050, "ogg": 44100, "mp3": 44100, "opus": 16000, "au": 8000}
    kind = path.suffix[1:]
    if kind in by_soundfile:
        rate = by_soundfile[kind]
        more = {"format": "OGG", "subtype": "OPUS"} if kind == "opus" else {}
        soundfile.write(path, clicks(rate), rate, **more)
        return path
    codec, rate = {"m4a": ("aac", 44100), "mp4": ("aac", 48000), "webm": ("libopus", 48000), "mka": ("flac", 32000)}[
        kind
    ]
    return encode(path, codec, clicks(rate), rate)


FORMATS = ["wav", "flac", "aiff", "au", "ogg", "opus", "mp3", "m4a", "mp4", "webm", "mka"]


@pytest.mark.parametrize("kind", FORMATS)
def test_clicks_keep_their_times_in_whole_and_block_reading(kind: str, tmp_path: Path) -> None:
    path = make(tmp_path, f"clicks.{kind}")
    whole = reader.read(path, 16000)
    assert whole.dtype == np.float32
    assert click_times(whole, 16000) == pytest.approx(CLICKS, abs=1.1 / 16000)
    assert len(whole) / 16000 == pytest.approx(SECONDS, abs=0.03)
    info = reader.probe(path)
    assert info.duration == pytest.approx(SECONDS, abs=0.03)
    assert info.channels == 1
    assert reader.is_audio(path)
    for seconds in (0.37, 1.0, 30.0):
        blocks = list(reader.read_blocks(path, 16000, seconds))
        assert {len(block) for block in blocks[:-1]} <= {round(seconds * 16000)}
        assert 0 < len(blocks[-1]) <= round(seconds * 16000)
        assert np.array_equal(np.concatenate(blocks), whole)


def test_mp3_with_the_delay_of_another_encoder_keeps_its_times(tmp_path: Path) -> None:
    for rate in (16000, 24000, 44100):
        path = encode(tmp_path / "clicks.mp3", "libmp3lame", clicks(rate), rate)
        assert click_times(reader.read(path, 16000), 16000) == pytest.approx(CLICKS, abs=1.1 / 16000)
        assert reader.probe(path).duration == pytest.approx(SECONDS, abs=0.001)


def test_formats_without_a_stated_delay_are_late_by_at_most_the_delay(tmp_path: Path) -> None:
    path = encode(tmp_path / "clicks.aac", "aac", clicks(44100), 44100, format="adts")
    delay = np.subtract(click_times(reader.read(path, 16000), 16000), CLICKS)
    assert delay == pytest.approx([1024 / 44100] * 3, abs=0.001)
    assert reader.probe(path).duration == pytest.approx(SECONDS, abs=0.06)


def test_duration_of_mp3_with_variable_bit_rate_and_no_header(tmp_path: Path) -> None:
    rate = 44100
    noise = np.random.default_rng(1).normal(0, 0.2, 5 * rate).clip(-1, 1).astype(np.float32)
    path = tmp_path / "vbr.mp3"
    frame = av.AudioFrame.from_ndarray(
        (np.concatenate([noise, np.zeros_like(noise)])[None] * 32767).astype(np.int16), format="s16", layout="mono"
    )
    frame.sample_rate = rate
    with av.open(str(path), "w", options={"write_xing": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono", options={"flags": "+qscale"})
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=1152)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    assert reader.probe(path).duration == pytest.approx(10, abs=0.1)
    assert len(reader.read(path, 16000)) / 16000 == pytest.approx(10, abs=0.1)


def test_chained_ogg_is_read_to_its_end(tmp_path: Path) -> None:
    once = make(tmp_path, "once.opus")
    (tmp_path / "twice.opus").write_bytes(once.read_bytes() + make(tmp_path, "other.opus").read_bytes())
    assert reader.probe(tmp_path / "twice.opus").duration == pytest.approx(2 * SECONDS, abs=0.03)
    assert len(reader.read(tmp_path / "twice.opus", 16000)) / 16000 == pytest.approx(2 * SECONDS, abs=0.03)


def test_sound_that_starts_after_the_video_keeps_its_times(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    lead = 0.7
    samples = clicks(48000)[round(lead * 48000) :]
    with av.open(str(path), "w") as container:
        film = container.add_stream("mpeg4", rate=10)
        film.width = film.height = 32
        film.pix_fmt = "yuv420p"
        sound = container.add_stream("flac", rate=48000, layout="mono")
        for _ in range(30):
            container.mux(film.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(film.encode(None))
        for start in range(0, len(samples), 4608):
            frame = av.AudioFrame.from_ndarray(
                (samples[None, start : start + 4608] * 32767).astype(np.int16), format="s16", layout="mono"
            )
            frame.sample_rate = 48000
            frame.pts = start + round(lead * 48000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert reader.is_audio(path)
    assert click_times(reader.read(path, 16000), 16000)[1:] == pytest.approx(CLICKS[1:], abs=0.001)
    assert reader.probe(path).duration == pytest.approx(SECONDS, abs=0.1)


def test_channels_are_averaged_and_the_rate_is_converted(tmp_path: Path) -> None:
    rate = 192000
    tones = np.stack([np.sin(2 * np.pi * 100 * (c + 1) * np.arange(rate) / rate) for c in range(8)], axis=1)
    soundfile.write(tmp_path / "eight.wav", 0.9 * tones, rate, subtype="PCM_24")
    samples = reader.read(tmp_path / "eight.wav", 16000)
    assert reader.probe(tmp_path / "eight.wav") == reader.AudioInfo(1.0, 192000, 8, "wav")
    expected = 0.9 * np.mean([np.sin(2 * np.pi * 100 * (c + 1) * np.arange(16000) / 16000) for c in range(8)], axis=0)
    assert len(samples) == 16000
    assert np.abs(samples - expected)[200:-200].max() < 1e-3  # the tone's sudden ends ring


def test_full_scale_integers_of_every_width(tmp_path: Path) -> None:
    for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32"):
        soundfile.write(tmp_path / "clipped.wav", np.tile([1.0, 1.0, -1.0, -1.0], 400), 16000, subtype=subtype)
        samples = reader.read(tmp_path / "clipped.wav", 16000)
        assert samples.min() == -1
        assert samples.max() == pytest.approx(1, abs=0.01)
    (tmp_path / "raw.mkv").touch()
    for codec in ("pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le"):  # the same through PyAV
        encode(tmp_path / "raw.mkv", codec, np.tile(np.array([0.5, 0.5, -0.5, -0.5], np.float32), 400), 16000)
        samples = reader.read(tmp_path / "raw.mkv", 16000)
        assert (samples.min(), samples.max()) == pytest.approx((-0.5, 0.5), abs=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("name", ["bad.wav", "bad.aiff", "bad.mkv"])
def test_samples_that_are_no_numbers_are_mended_and_counted_once(
    bad: float, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / name
    samples = np.full((48000, 1), 0.25, np.float32)
    samples[[24000, 40000]] = bad
    if name == "bad.mkv":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_f32le", rate=16000, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples.T.copy(), "flt", "mono")
            frame.sample_rate = 16000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    else:
        soundfile.write(path, samples, 16000, subtype="FLOAT")
    read = reader.read(path, 16000)
    assert read == pytest.approx(0.25)
    assert len(read) == 48000
    assert caplog.text.count("were mended: 2, the first at 1.500 s") == 1
    assert reader.read_span(path, 1.0, 2.0).samples == pytest.approx(0.25)


def test_a_file_of_samples_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "bad.wav", np.full(48000, np.nan, np.float32), 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"bad\.wav: most samples after 0\.000 s are no numbers"):
        reader.read(tmp_path / "bad.wav", 16000)


LENGTHS = {  # format → offset of the length behind the word that names it; struct format
    "WAV": (b"data", 4, "<I"),
    "RF64": (b"ds64", 16, "<Q"),
    "W64": (b"data", 16, "<Q"),
    "AIFF": (b"SSND", 4, ">I"),
    "AU": (b".snd", 8, ">I"),
}


@pytest.mark.parametrize("form", LENGTHS)
@pytest.mark.parametrize("stated", [0.0, 0.3])
def test_a_file_longer_than_its_header_says_is_read_to_its_end(
    form: str, stated: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"long.{form.lower()}"
    soundfile.write(path, clicks(16000), 16000, format=form, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    word, offset, kind = LENGTHS[form]
    at = content.index(word) + offset
    struct.pack_into(kind, content, at, round(stated * 2 * len(clicks(16000))) // 8 * 8 + 24)
    path.write_bytes(content)
    assert click_times(reader.read(path, 16000), 16000) == pytest.approx(CLICKS, abs=0.001)
    assert reader.probe(path).duration == pytest.approx(SECONDS, abs=0.01)
    span = reader.read_span(path, 2.0, 3.0)
    assert len(span) == pytest.approx(16000, abs=16)
    assert np.abs(span.samples).max() > 0.5
    assert "longer than its header says" in caplog.text


@pytest.mark.parametrize("tail", [b"LIST\x04\0\0\0abcd", b"ID3\x04" + bytes(90), bytes(200), b"\0"])
def test_chunks_and_tags_after_the_samples_are_no_sound(tail: bytes, tmp_path: Path) -> None:
    path = make(tmp_path, "tagged.wav")
    path.write_bytes(path.read_bytes() + tail)
    assert reader.probe(path).duration == SECONDS
    assert len(reader.read(path, 44100)) == SECONDS * 44100


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"this is no sound\n" * 500, "not audio of a known format"),
        ("text.mp3", b"this is no sound\n" * 500, "not audio of a known format"),
        ("noise.mp3", np.random.default_rng(1).bytes(100_000), "known format|damaged"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(500), "not audio of a known format"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.wav\n", "not audio of a known format"),
    ],
)
def test_other_files_are_not_audio(
    name: str, content: bytes, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, "other.wav")
    (tmp_path / name).write_bytes(content)
    assert not reader.is_audio(tmp_path / name)
    uses: list[Callable[[Path], object]] = [lambda path: reader.read(path, 16000)]
    if name != "noise.mp3":  # which shows only in decoding
        uses.append(reader.probe)
    for use in uses:
        with pytest.raises(AudioError, match=message) as caught:
            use(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    assert capfd.readouterr() == ("", "")  # the libraries are silent


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16000)
    with pytest.raises(AudioError, match="contains no samples"):
        reader.read(tmp_path / "none.wav", 16000)
    with pytest.raises(AudioError, match="contains no samples"):
        reader.probe(tmp_path / "none.wav")


@pytest.mark.parametrize("kind", ["mp3", "flac", "webm", "ogg"])
def test_a_truncated_file_is_read_up_to_its_end(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 8 * 48000).astype(np.float32)
    path = tmp_path / f"whole.{kind}"
    if kind == "webm":
        encode(path, "libopus", noise, 48000)
    else:
        soundfile.write(path, noise, 48000)
    whole = reader.read(path, 16000)
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert reader.is_audio(cut)
    caplog.clear()
    samples = reader.read(cut, 16000)
    assert 0.2 < len(samples) / len(whole) < 0.95
    shared = min(len(samples), len(whole)) - 4000
    assert np.abs(samples[:shared] - whole[:shared]).max() < 1e-4
    assert ("should last" in caplog.text) == (kind != "ogg")  # Ogg does not say how long it should be
    headless = tmp_path / f"headless.{kind}"
    headless.write_bytes(bytes(2000) + os.urandom(200))
    with pytest.raises(AudioError):
        reader.read(headless, 16000)


def test_flac_is_read_past_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 160_000)
    soundfile.write(tmp_path / "hole.flac", noise, 16000)
    content = bytearray((tmp_path / "hole.flac").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = bytes(500)
    (tmp_path / "hole.flac").write_bytes(content)
    samples = reader.read(tmp_path / "hole.flac", 16000)
    assert len(samples) == pytest.approx(160_000, abs=8192)
    for part in (slice(0, 60_000), slice(110_000, 150_000)):
        assert np.abs(samples[part] - noise[part]).max() < 1e-3


def test_any_damage_gives_samples_or_one_error_message(tmp_path: Path) -> None:
    draw = random.Random(1)
    originals = [make(tmp_path, f"good.{kind}") for kind in FORMATS]
    for path in originals:
        for _ in range(8):
            content = bytearray(path.read_bytes())
            for _ in range(draw.choice([1, 5, 30])):
                content[draw.randrange(min(draw.choice([64, 512, 1 << 20]), len(content)))] = draw.randrange(256)
            damaged = tmp_path / f"bad{path.suffix}"
            damaged.write_bytes(content)
            reader.is_audio(damaged)
            for use in (reader.probe, lambda file: reader.read(file, 16000)):
                with contextlib.suppress(AudioError):
                    use(damaged)


def test_wav_with_an_incomplete_header(tmp_path: Path) -> None:
    path = make(tmp_path, "stream.wav")
    for size in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
        content = bytearray(path.read_bytes())
        content[4:8] = content[40:44] = size
        path.write_bytes(content)
        assert click_times(reader.read(path, 16000), 16000) == pytest.approx(CLICKS, abs=0.001)
        assert reader.probe(path).duration == pytest.approx(SECONDS, abs=0.001)


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    cases = {
        tmp_path / "missing.wav": "No such file",
        tmp_path / "dangling.wav": "No such file",
        tmp_path: "is a folder",
        tmp_path / "pipe.wav": "not a regular file",
        Path("/dev/zero"): "not a regular file",
        Path("a\0b.wav"): "not the name of a file",
    }
    for path, message in cases.items():
        assert not reader.is_audio(path)
        with pytest.raises(AudioError, match=message):
            reader.read(path, 16000)
    secret = make(tmp_path, "secret.wav")

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match=r"secret\.wav: cannot be read \(Permission denied\)"):
        reader.probe(secret)


def test_file_names_that_are_not_text_or_resemble_urls(tmp_path: Path) -> None:
    made = make(tmp_path, "plain.mp3").read_bytes()
    for name in (b"\xff\xfe.mp3", "ünï çødé.mp3".encode(), b"http:x.mp3", b"a%20b#c?d.mp3", b"-i.mp3"):
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(made)
        assert reader.is_audio(path)
        assert len(reader.read(path, 16000)) == pytest.approx(48000, abs=10)


def test_long_files_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        for _ in range(5):
            file.writeframes(bytes(4 * 44100 * 60))
    code = (
        "import sys, resource; from audiosearch.audio import reader; import soxr, soundfile\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); count = sum(len(b) for b in reader.read_blocks(sys.argv[1], 16000, 30.0))\n"
        "print(count, peak() - before)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    count, grown = map(int, run.stdout.split())
    assert count == 300 * 16000
    assert grown < 40_000 * (1024 if sys.platform == "darwin" else 1)  # kilobytes; its samples are 106 MB as floats


def test_an_unfinished_mp4_is_reported_as_such(tmp_path: Path) -> None:
    path = make(tmp_path, "whole.m4a")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"whole\.m4a: is an unfinished recording or download: the index"):
        reader.probe(path)


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("a.mts", "ac3", "mpegts"),
        ("a.nut", "aac", "nut"),
        ("a.dts", "dca", "dts"),
        ("a.voc", "pcm_s16le", "voc"),
    ],
)
def test_formats_are_known_by_their_content(name: str, codec: str, form: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"options": {"mpegts_m2ts_mode": "1"}} if form == "mpegts" else {}
    try:
        path = encode(tmp_path / name, codec, clicks(48000), 48000, format=form, **options)
    except (av.error.FFmpegError, ValueError):
        pytest.skip(f"FFmpeg does not write {form}")
    content = path.read_bytes()
    assert may_be_audio(Path("unnamed"), content[:HEAD_BYTES])
    assert reader.is_audio(path)
    if form == "mpegts":
        path.write_bytes(content[77:])
        assert may_be_audio(Path("unnamed"), content[77:][:HEAD_BYTES])
        assert reader.is_audio(path)


def test_damage_of_mp3_in_wav_is_told_by_us_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "phone.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=22050, layout="mono")
        tone = (9000 * np.sin(np.arange(22050 * 5) / 20)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="s16p", layout="mono")
        frame.sample_rate = 22050
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    data = bytearray(path.read_bytes())
    data[3000:12000:97] = bytes(range(93))
    path.write_bytes(data)
    assert len(reader.read(path, 16000)) == pytest.approx(5 * 16000, rel=0.1)
    assert len(reader.read_span(path, 3.0, 4.0)) == 22050
    assert capfd.readouterr() == ("", "")  # the libraries are silent
    assert "is damaged" in caplog.text
