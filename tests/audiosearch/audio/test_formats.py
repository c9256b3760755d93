"""Formats: the one table decides for folders, for reading and for the documentation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from audiosearch.audio import reader
from audiosearch.audio.formats import DEMUXERS, FORMATS, HEAD_BYTES, has_audio_suffix, is_not_audio, may_be_audio
from audiosearch.audio.samples import Samples
from audiosearch.errors import AudioError

SECONDS = 2
PITCH = 440


def tone(rate: int, seconds: float = SECONDS) -> Samples:
    return (0.5 * np.sin(2 * np.pi * PITCH * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


BY_SOUNDFILE = {
    "a.wav": "WAV",
    "a.rf64": "RF64",
    "a.w64": "W64",
    "a.aiff": "AIFF",
    "a.au": "AU",
    "a.caf": "CAF",
    "a.sph": "NIST",
    "a.voc": "VOC",
    "a.ircam": "IRCAM",
    "a.pvf": "PVF",
    "a.avr": "AVR",
    "a.8svx": "SVX",
    "a.flac": "FLAC",
}
BY_FFMPEG = {  # name → muxer, codec, sample rate
    "00001.MTS": ("mpegts", "ac3", 48000),
    "a.m2ts": ("mpegts", "aac", 48000),
    "a.vob": ("vob", "mp2", 48000),
    "a.mka": ("matroska", "aac", 48000),
    "a.webm": ("webm", "libopus", 48000),
    "a.mov": ("mov", "pcm_s16le", 48000),
    "a.3gp": ("3gp", "aac", 48000),
    "a.avi": ("avi", "ac3", 48000),
    "a.flv": ("flv", "aac", 44100),
    "a.wma": ("asf", "wmav2", 44100),
    "a.nut": ("nut", "aac", 48000),
    "a.mxf": ("mxf_opatom", "pcm_s16le", 48000),
    "a.gxf": ("gxf", "pcm_s16le", 48000),
    "a.wtv": ("wtv", "ac3", 48000),
    "a.rm": ("rm", "ac3", 48000),
    "a.ra": ("rm", "real_144", 8000),
    "a.ac3": ("ac3", "ac3", 48000),
    "a.eac3": ("eac3", "eac3", 48000),
    "a.aac": ("adts", "aac", 48000),
    "a.latm": ("latm", "aac", 48000),
    "a.mp2": ("mp2", "mp2", 48000),
    "a.mp3": ("mp3", "libmp3lame", 48000),
    "a.tta": ("tta", "tta", 48000),
    "a.wv": ("wv", "wavpack", 48000),
    "a.sox": ("sox", "pcm_s32le", 48000),
    "a.voc": ("voc", "pcm_u8", 16000),
    "a.caf": ("caf", "alac", 48000),
    "a.g722": ("g722", "g722", 16000),
}


def encode(path: Path, muxer: str, codec: str, rate: int) -> Path:
    """Write the tone; skip the test if FFmpeg lacks an encoder."""
    try:
        with av.open(str(path), "w", format=muxer, options={"strict": "-2"}) as container:
            stream = container.add_stream(codec, rate=rate, layout="mono")
            if codec == "wmav2":
                stream.bit_rate = 64000
            size = stream.codec_context.frame_size or 1024
            resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=size)
            frame = av.AudioFrame.from_ndarray((tone(rate)[None] * 32767).astype(np.int16), "s16", "mono")
            frame.sample_rate = rate
            position = 0
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                piece.pts = position
                position += piece.samples
                container.mux(stream.encode(piece))
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        pytest.skip(f"FFmpeg writes no {path.suffix}: {error}")
    return path


def check(path: Path, *, has_start: bool = True) -> None:
    """Check that a file is found in a folder by its name and by its content, and read whole."""
    head = path.read_bytes()[:HEAD_BYTES]
    assert has_audio_suffix(path)
    assert not is_not_audio(head)
    assert may_be_audio(Path("unnamed"), head) == has_start
    assert reader.is_audio(path)
    reader.require_audio(path)
    assert reader.probe(path).duration == pytest.approx(SECONDS, abs=0.1)
    samples = reader.read(path, 16000)
    assert len(samples) / 16000 == pytest.approx(SECONDS, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[8000:24000]))
    assert abs(int(spectrum.argmax()) - PITCH) <= 4  # one second: bins of 1 Hz; VOC rounds its rate
    assert len(reader.read_span(path, 0.5, 1.5)) > 0
    if has_start:
        bare = path.with_name("unnamed")
        path.rename(bare)
        assert reader.is_audio(bare)


@pytest.mark.parametrize("name", BY_SOUNDFILE)
def test_uncompressed_files_are_found_and_read(name: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / name, tone(16000), 16000, format=BY_SOUNDFILE[name], subtype="PCM_16")
    check(tmp_path / name)


@pytest.mark.parametrize("name", BY_FFMPEG)
def test_files_of_ffmpeg_are_found_and_read(name: str, tmp_path: Path) -> None:
    check(encode(tmp_path / name, *BY_FFMPEG[name]), has_start=name != "a.g722")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="PyAV has no encoder of DTS")
def test_dts_is_found_and_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(48000), 48000)
    command = f"ffmpeg -v error -i {tmp_path}/a.wav -c:a dca -strict -2 {tmp_path}/a.dts"
    if subprocess.run(command.split(), check=False, capture_output=True).returncode:
        pytest.skip("nor has this FFmpeg")
    check(tmp_path / "a.dts")


@pytest.mark.parametrize("offset", [1, 77, 187, 191, 500, 5000])
@pytest.mark.parametrize("name", ["a.ts", "a.m2ts"])
def test_a_transport_stream_may_begin_inside_a_packet(name: str, offset: int, tmp_path: Path) -> None:
    path = encode(tmp_path / name, "mpegts", "ac3", 48000)
    content = path.read_bytes()
    path.write_bytes(content[offset:])
    assert may_be_audio(Path("unnamed"), content[offset:][:HEAD_BYTES])
    assert reader.is_audio(path)
    assert len(reader.read(path, 16000)) > 16000


# SPHERE


def sphere(coding: str, body: bytes, samples: int) -> bytes:
    fields = [
        "NIST_1A",
        "   1024",
        "channel_count -i 1",
        "sample_rate -i 16000",
        f"sample_count -i {samples}",
        "sample_n_bytes -i 2",
        "sample_byte_format -s2 01",
        "sample_sig_bits -i 16",
        f"sample_coding -s{len(coding)} {coding}",
        "end_head",
    ]
    return "\n".join([*fields, ""]).encode().ljust(1024) + body


def shortened(samples: Samples) -> bytes:
    """Samples as version 2 of shorten compresses them, in blocks of 256 with the difference of order 0."""
    bits: list[str] = []

    def put(value: int, width: int) -> None:  # Rice code
        bits.append("0" * (value >> width) + "1" + (format(value & ((1 << width) - 1), f"0{width}b") if width else ""))

    def put_long(value: int) -> None:
        width = value.bit_length()
        put(width, 2)
        put(value, width)

    for field in (5, 1, 256, 0, 0, 0):  # 16 bits, little end first; channels; block; predictors; means; skipped bytes
        put_long(field)
    for start in range(0, len(samples) // 256 * 256, 256):
        put(0, 2)  # DIFF0
        put(12, 3)  # bits of the residual, less one
        for sample in (samples[start : start + 256] * 32767).astype(int).tolist():
            put(2 * sample if sample >= 0 else -2 * sample - 1, 13)
    put(4, 2)  # QUIT
    text = "".join(bits)
    text += "0" * (-len(text) % 32)
    return b"ajkg\2" + int(text, 2).to_bytes(len(text) // 8, "big")


def test_sphere_files_compressed_by_shorten_are_read(tmp_path: Path) -> None:
    samples = tone(16000)
    for name in ("a.sph", "a.wav"):
        (tmp_path / name).write_bytes(sphere("pcm,embedded-shorten-v2.00", shortened(samples), len(samples)))
        assert reader.is_audio(tmp_path / name)
        assert reader.read(tmp_path / name, 16000) == pytest.approx(samples[: len(samples) // 256 * 256], abs=1e-3)


@pytest.mark.parametrize("coding", ["pcm,embedded-shorten-v2.00", "pcm,embedded-wavpack", "pculaw"])
def test_sphere_files_that_cannot_be_decompressed_are_told(coding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.sph"
    path.write_bytes(sphere(coding, bytes(range(256)) * 40, 32000))
    with pytest.raises(AudioError, match=r"a\.sph: ") as caught:
        reader.read(path, 16000)
    assert "shorten" in coding or f"({coding}); convert it" in str(caught.value)


def test_ulaw_in_sphere(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.sph", tone(8000), 8000, format="NIST", subtype="ULAW")
    check(tmp_path / "a.sph")


# Other files


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("code.ts", b"export const kind = 'text';\n" * 50),
        ("all.sln", b"\r\nMicrosoft Visual Studio Solution File\r\n" * 40),
        ("page.txt", b"The free software that may skip this\n" * 40),
        ("style.css", b".snd { color: red }\n" * 60),
        ("utf16.txt", "\ufeffPlain text of Windows".encode("utf-16-le") * 40),
        ("photo.heic", b"\0\0\0\x24ftypheic" + bytes(range(200)) * 5),
        ("photo.webp", b"RIFF\0\x10\0\0WEBPVP8 " + bytes(range(200)) * 5),
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(range(200)) * 5),
        ("pages.zip", b"PK\3\4" + bytes(range(200)) * 5),
        ("object.o", b"\x7fELF" + bytes(range(200)) * 5),
    ],
)
def test_other_files_are_told_by_their_first_bytes(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert not may_be_audio(tmp_path / name, content[:HEAD_BYTES])
    assert not has_audio_suffix(tmp_path / name)
    with pytest.raises(AudioError, match=f"{name}: is not audio of a known format"):
        reader.read(tmp_path / name, 16000)


def test_the_table_names_demuxers_that_exist_and_each_suffix_once() -> None:
    for name in DEMUXERS.split(","):
        assert av.format.ContainerFormat(name, "r").is_input, name
    suffixes = [suffix for form in FORMATS for suffix in f"{form.suffixes} {form.shared}".split()]
    assert sorted(suffixes) == sorted({suffix.lower() for suffix in suffixes})
    assert all(suffix.startswith(".") for suffix in suffixes)


def test_the_documentation_lists_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
    for form in FORMATS:
        suffixes, shared = (" ".join(f"`{suffix}`" for suffix in text.split()) for text in (form.suffixes, form.shared))
        assert f"| {form.name} | {suffixes} | {shared} |" in page
