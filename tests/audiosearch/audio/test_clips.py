"""Spans, clips and supercuts: sample-exact in every format; fades; protection of existing files."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.audio import ffmpeg, reader
from audiosearch.audio.clip_formats import CLIP_FORMATS
from audiosearch.audio.clips import Clip, check_target, crossfade, write_clip, write_supercut
from audiosearch.audio.ffmpeg import container, decoding
from audiosearch.audio.samples import Sound, mix_down
from audiosearch.errors import AudioError, OutputError

av = pytest.importorskip("av")
soundfile = pytest.importorskip("soundfile")

Samples = NDArray[np.float32]
SECONDS = 12


def steps(rate: int, channels: int = 1) -> Samples:
    """Samples [C, S]: a tone of 300 + 100·n Hz in second n, half as loud in the second channel."""
    time = np.arange(SECONDS * rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * np.cumsum(300 + 100 * np.floor(time)) / rate)
    return np.stack([tone / (1 + channel) for channel in range(channels)]).astype(np.float32)


def pitch(samples: Samples, rate: int) -> float:
    """Frequency with the largest amplitude in samples [C, S]."""
    alone = samples[0] * np.hanning(samples.shape[1])
    return float(np.abs(np.fft.rfft(alone, 1 << 16)).argmax() * rate / (1 << 16))


KINDS = {  # name: codec, rate
    "plain.wav": ("pcm_s16le", 8000),
    "plain.flac": ("flac", 16000),
    "constant.mp3": ("libmp3lame", 44100),
    "ogg.opus": ("libopus", 48000),
    "mp4.m4a": ("aac", 44100),
    "milliseconds.webm": ("libopus", 48000),
    "milliseconds.mka": ("libmp3lame", 44100),
    "raw.aac": ("aac", 22050),
    "vorbis.ogg": ("vorbis", 44100),
}


def record(path: Path, codec: str, rate: int, samples: Samples) -> Path:
    if codec == "vorbis":  # FFmpeg's encoder is a trial
        soundfile.write(path, samples.T, rate)
        return path
    layout = "mono" if len(samples) == 1 else "stereo"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=size)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", KINDS)
def test_a_span_equals_the_same_part_of_the_whole_recording(name: str, tmp_path: Path) -> None:
    codec, rate = KINDS[name]
    path = record(tmp_path / name, codec, rate, steps(rate, 2))
    whole = np.concatenate([mix_down(piece.samples) for piece in ffmpeg.decode(path)])
    for start in (0.0, 0.51, 1.97, 2.3, 5.0, 7.7123, 10.9):
        sound = reader.read_span(path, start, start + 0.5)
        first = round(start * rate)
        assert (sound.rate, sound.channels, len(sound)) == (rate, 2, round((start + 0.5) * rate) - first)
        near = np.abs(whole[first : first + len(sound)] - sound.samples.mean(axis=0))
        # an AAC decoder that starts elsewhere differs briefly, as it substitutes random noise
        assert near.max() < (0.02 if codec == "aac" else 1e-4), start
    rest = reader.read_span(path, 11.5, 20.0)
    assert len(rest) == len(whole) - round(11.5 * rate)
    with pytest.raises(AudioError, match=r"ends before 13\.0 s"):
        reader.read_span(path, 13.0, 14.0)


def test_gaps_between_time_stamps_become_silence(tmp_path: Path) -> None:
    """The recording has sound from 0 to 1 s, from 3 to 5 s and from 9 to 11 s."""
    path, rate = tmp_path / "gaps.mka", 16000
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        for first, length in ((0, 1), (3, 2), (9, 2)):
            for second in np.arange(first, first + length, 0.25):
                tone = np.sin(2 * np.pi * 440 * np.arange(rate // 4) / rate)[None] * 9000
                frame = av.AudioFrame.from_ndarray(tone.astype(np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts = rate, round(second * rate)
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole = np.concatenate([mix_down(piece.samples) for piece in ffmpeg.decode(path)])
    assert len(whole) == pytest.approx(11 * rate, abs=rate // 100)
    for start, end in ((0.5, 1.5), (1.5, 2.5), (2.0, 4.0), (4.5, 9.5), (6.0, 7.0), (5.5, 8.99), (10.5, 12.0)):
        sound = reader.read_span(path, start, end)
        expected = whole[round(start * rate) : round(end * rate)]
        assert len(sound) == len(expected)
        quiet, loud = (np.abs(samples) < 0.01 for samples in (sound.samples[0], expected))
        assert (quiet == loud).mean() > 0.99, (start, end)


@pytest.mark.parametrize("name", ["constant.mp3", "ogg.opus", "mp4.m4a"])
def test_sound_before_a_span_is_not_decoded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codec, rate = KINDS[name]
    path = record(tmp_path / name, codec, rate, steps(rate))
    decoded = []
    genuine = container.frames_of

    def counted(*about: object) -> object:
        for frame in genuine(*about):  # type: ignore[arg-type]
            decoded.append(frame.samples)
            yield frame

    monkeypatch.setattr(decoding, "frames_of", counted)
    reader.read_span(path, 11.0, 11.5)
    assert sum(decoded) < 3.5 * rate


def test_three_channels_are_averaged_and_non_finite_samples_mended(tmp_path: Path) -> None:
    samples = np.repeat(steps(8000), 3, axis=0)
    soundfile.write(tmp_path / "three.wav", samples.T, 8000)
    write_clip(Clip(tmp_path / "three.wav", 1.0, 2.0, ""), tmp_path / "clip.wav")
    assert reader.probe(tmp_path / "clip.wav").channels == 1
    samples[1, 12_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples.T, 8000, subtype="FLOAT")
    assert np.isfinite(reader.read_span(tmp_path / "nan.wav", 1.0, 2.0).samples).all()
    assert reader.read_span(tmp_path / "nan.wav", 2.0, 3.0).channels == 3


@pytest.mark.parametrize("suffix", CLIP_FORMATS)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2)])
def test_clips_contain_the_span_in_every_format(suffix: str, rate: int, channels: int, tmp_path: Path) -> None:
    source = tmp_path / "source.wav"
    soundfile.write(source, steps(rate, channels).T, rate)
    target = tmp_path / f"clip{suffix}"
    length = write_clip(Clip(source, 4.25, 5.75, "from the middle – é\udcff"), target)
    assert length == pytest.approx(1.5, abs=1e-4)
    info = reader.probe(target)
    assert info.duration == pytest.approx(1.5, abs=0.001)
    assert info.channels == channels
    assert info.sample_rate == (48000 if suffix == ".opus" else rate)
    for second, hertz in ((0.1, 700), (0.85, 800), (1.1, 800)):
        sound = reader.read_span(target, second, second + 0.35)
        assert pitch(sound.samples, sound.rate) == pytest.approx(hertz, abs=4)
    if channels == 2:
        left, right = np.sqrt((reader.read_span(target, 0.1, 1.4).samples ** 2).mean(axis=1))
        assert left / right == pytest.approx(2, rel=0.1)
    assert ffmpeg.read_comment(target) == "audiosearch: from the middle – é?"
    if suffix in (".wav", ".flac"):
        expected = steps(rate, channels)[:, round(4.25 * rate) : round(5.75 * rate)]
        assert np.abs(reader.read_span(target, 0.0, 1.5).samples - expected).max() < 1e-4


def test_only_files_made_by_audiosearch_are_replaced(tmp_path: Path) -> None:
    source = tmp_path / "source.wav"
    soundfile.write(source, steps(8000).T, 8000)
    target = tmp_path / "clip.flac"
    write_clip(Clip(source, 0.0, 1.0, ""), target)
    write_clip(Clip(source, 0.0, 2.0, ""), target)
    assert reader.probe(target).duration == 2.0
    with pytest.raises(OutputError, match="one of the recordings"):
        write_clip(Clip(target, 0.0, 1.0, ""), target)
    link = tmp_path / "link.wav"
    link.symlink_to(source)
    before = source.read_bytes()
    (tmp_path / "notes.mp3").write_text("mine")
    for taken in (source, link, tmp_path / "notes.mp3"):
        with pytest.raises(OutputError, match="was not made by audiosearch"):
            check_target(taken)
        with pytest.raises(OutputError, match="was not made by audiosearch"):
            write_clip(Clip(target, 0.0, 1.0, ""), taken)
    for wrong, reason in (("clip.xyz", "ends in .wav"), ("none/clip.wav", "no folder")):
        with pytest.raises(OutputError, match=reason):
            check_target(tmp_path / wrong)
    assert source.read_bytes() == before
    with pytest.raises(AudioError):
        write_clip(Clip(source, 20.0, 21.0, ""), tmp_path / "late.wav")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.flac", "link.wav", "notes.mp3", "source.wav"]


@pytest.mark.parametrize("suffix", CLIP_FORMATS)
def test_a_supercut_contains_all_clips_in_order(suffix: str, tmp_path: Path) -> None:
    slow, wide = tmp_path / "slow.wav", tmp_path / "wide.flac"
    soundfile.write(slow, steps(8000).T, 8000)
    soundfile.write(wide, steps(32000, 2).T, 32000)
    cuts = [Clip(wide, 6.0, 6.5, ""), Clip(slow, 3.0, 3.5, ""), Clip(wide, 9.0, 9.5, "")]
    target = tmp_path / f"all{suffix}"
    for fade, gap, length in ((0.02, 0.0, 1.46), (0.0, 0.0, 1.5), (0.02, 0.25, 2.0)):
        assert write_supercut(cuts, target, fade=fade, gap=gap) == pytest.approx(length, abs=2e-4)
        info = reader.probe(target)
        assert info.duration == pytest.approx(length, abs=0.001)
        assert (info.channels, info.sample_rate) == (2, 48000 if suffix == ".opus" else 32000)
        stride = 0.5 + (gap or -fade)
        for number, hertz in enumerate((900, 600, 1200)):
            sound = reader.read_span(target, number * stride + 0.05, number * stride + 0.45)
            assert pitch(sound.samples, sound.rate) == pytest.approx(hertz, abs=4)
        if gap:
            silence = reader.read_span(target, 0.55, 0.7).samples
            assert np.abs(silence).max() < 0.01


def test_cross_fades_have_equal_power() -> None:
    rng = np.random.default_rng(4)
    noises = [Sound(1000, rng.standard_normal((2, 3000)).astype(np.float32)) for _ in range(3)]
    whole = np.concatenate(list(crossfade(noises, fade=1000, gap=0)), axis=1)
    assert whole.shape == (2, 7000)
    np.testing.assert_array_equal(whole[:, 1000:2000], noises[0].samples[:, 1000:2000])
    np.testing.assert_array_equal(whole[:, 3000:4000], noises[1].samples[:, 1000:2000])
    power = (whole**2).mean(axis=0)
    assert power[2000:3000].mean() == pytest.approx(1, abs=0.1)  # of unrelated sounds, and of each part of the fade
    assert power[2400:2600].mean() == pytest.approx(1, abs=0.2)
    assert power[:50].mean() < 0.01 > power[-50:].mean()
    ones = [Sound(1000, np.ones((1, 30), np.float32))] * 2
    apart = np.concatenate(list(crossfade(ones, fade=10, gap=5)), axis=1)[0]
    assert len(apart) == 65
    np.testing.assert_array_equal(apart[30:35], np.zeros(5))
    np.testing.assert_allclose(apart[20:30] ** 2 + apart[35:45] ** 2, np.ones(10), rtol=1e-5)  # sin² + cos² = 1
    np.testing.assert_allclose(apart, apart[::-1])


def test_fades_of_short_clips_and_of_no_clips() -> None:
    lengths = (7, 1, 40, 2)
    for fade, gap in itertools.product((0, 3, 100), (0, 9)):
        sounds = [Sound(1000, np.ones((1, length), np.float32)) for length in lengths]
        whole = np.concatenate(list(crossfade(sounds, fade, gap)), axis=1)
        assert whole.shape[1] <= sum(lengths) + 3 * gap
        assert np.isfinite(whole).all()
        if not fade:
            assert whole.shape[1] == sum(lengths) + 3 * gap
