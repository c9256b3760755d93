"""Headers of uncompressed files are never believed against the size of the file."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiosearch.audio import reader
from audiosearch.audio.samples import Samples

RATE = 16000
SECONDS = 6


def speech(seconds: float = SECONDS, seed: int = 1) -> Samples:
    """Noise whose loudness differs from second to second."""
    noise = np.random.default_rng(seed).normal(0, 0.1, round(RATE * seconds))
    return (noise * (1 + np.arange(len(noise)) // RATE % 3)).clip(-1, 1).astype(np.float32)


def write(path: Path, form: str, samples: Samples, **options: str) -> bytearray:
    soundfile.write(path, samples, RATE, format=form, subtype="PCM_16", **options)
    return bytearray(path.read_bytes())


def check(path: Path, samples: Samples, log: pytest.LogCaptureFixture, told: str = "") -> None:
    """Check whole reading, spans and the length; ``told`` is said once, and nothing else."""
    log.clear()
    whole = reader.read(path, RATE)
    assert len(whole) == len(samples)
    assert np.allclose(whole, samples, atol=1e-4)
    assert [record.message.count(told) for record in log.records] == ([1] if told else [])
    assert reader.probe(path).duration == pytest.approx(len(samples) / RATE, abs=0.01)
    middle, end = len(samples) // 2, len(samples)
    for first, last in ((0, 4000), (middle - 2000, middle + 2000), (end - 4000, end)):
        span = reader.read_span(path, first / RATE, last / RATE)
        assert np.allclose(span.samples[0], samples[first:last], atol=1e-4)


SIZES = {  # format → word before the size of the samples, offset of the size, its type
    "WAV": (b"data", 4, "<I"),
    "WAVEX": (b"data", 4, "<I"),
    "RF64": (b"ds64", 16, "<Q"),
    "W64": (b"data\xf3\xac\xd3\x11", 16, "<Q"),
    "AIFF": (b"SSND", 4, ">I"),
    "AU": (b".snd", 8, ">I"),
    "CAF": (b"data", 4, ">q"),
}


def with_size(content: bytearray, form: str, size: int) -> bytearray:
    word, offset, kind = SIZES[form]
    struct.pack_into(kind, content, content.index(word) + offset, size)
    return content


@pytest.mark.parametrize("form", SIZES)
@pytest.mark.parametrize("stated", [0.25, 0.6])
def test_samples_past_the_stated_length_are_read(
    form: str, stated: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = speech()
    path = tmp_path / "a.bin"
    path.write_bytes(with_size(write(path, form, samples), form, round(stated * 2 * len(samples)) // 8 * 8 + 24))
    check(path, samples, caplog, "is longer than its header says")


@pytest.mark.parametrize(
    ("form", "size"),
    [
        ("WAV", 0xFFFF_FFFF),
        ("WAV", 0x7FFF_F000),
        ("AU", 0xFFFF_FFFF),
        ("CAF", -1),
        ("RF64", 2**64 - 1),
        ("W64", 2**64 - 1),
    ],
)
def test_a_length_that_was_not_known_is_that_of_the_file(
    form: str, size: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, samples = tmp_path / "stream", speech()
    path.write_bytes(with_size(write(path, form, samples), form, size))
    check(path, samples, caplog)


@pytest.mark.parametrize("form", ["WAV", "W64", "AIFF", "AU", "CAF", "NIST"])
def test_a_file_that_was_cut_is_told(form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, samples = tmp_path / "cut", speech()
    content = write(path, form, samples)
    path.write_bytes(content[: -2 * 2 * RATE])
    check(path, samples[: -2 * RATE], caplog, "ends after 4.0 s, but should last 6.0 s.")


def test_a_sphere_file_longer_than_its_header_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, samples = tmp_path / "a.sph", speech()
    content = write(path, "NIST", samples)
    path.write_bytes(content.replace(b"sample_count -i 96000", b"sample_count -i 32000"))
    check(path, samples, caplog, "is longer than its header says")


def voc(*blocks: Samples, end: bytes = b"\0") -> bytes:
    content = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x0114, 0x111F)
    for number, block in enumerate(blocks):
        data = (block * 32767).round().astype("<i2").tobytes()
        about = struct.pack("<IBBHI", RATE, 16, 1, 4, 0) if not number else b""
        content += bytes([9 if about else 2]) + (len(about) + len(data)).to_bytes(3, "little") + about + data
    return content + end


def test_all_blocks_of_voc_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, samples = tmp_path / "a.voc", speech()
    for end in (b"\0", b"", bytes(100)):
        path.write_bytes(voc(samples[:40000], samples[40000:50000], samples[50000:], end=end))
        check(path, samples, caplog)


def test_a_voc_file_whose_block_is_longer_than_stated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, samples = tmp_path / "a.voc", speech()
    content = bytearray(voc(samples, end=b""))
    for size in (0, 12 + 64000):
        content[27:30] = size.to_bytes(3, "little")
        path.write_bytes(content)
        check(path, samples, caplog, "is longer than its header says" if size else "")


@pytest.mark.parametrize("form", [*SIZES, "NIST", "FLAC"])
def test_joined_files_are_read_one_after_the_other(form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    samples, path = speech(), tmp_path / "joined"
    first, second, third = samples[:30000], samples[30000:60000], samples[60000:]
    content = b"".join(bytes(write(tmp_path / "part", form, part)) for part in (first, second, third))
    path.write_bytes(content)
    check(path, samples, caplog, "consists of 3 joined files; all of them are read.")


def test_joined_files_may_have_other_rates_and_streaming_headers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = with_size(write(tmp_path / "a.wav", "WAV", speech()), "WAV", 0xFFFF_FFFF)
    soundfile.write(tmp_path / "b.wav", np.zeros((96000, 2)), 48000)
    (tmp_path / "joined.wav").write_bytes(bytes(first) + (tmp_path / "b.wav").read_bytes())
    samples = reader.read(tmp_path / "joined.wav", RATE)
    assert len(samples) == (SECONDS + 2) * RATE
    assert np.allclose(samples[: SECONDS * RATE], speech(), atol=1e-4)
    assert reader.probe(tmp_path / "joined.wav").duration == pytest.approx(SECONDS + 2)
    assert [record.message.count("consists of 2 joined files") for record in caplog.records] == [1]


LARGE = (1 << 32) + 32_000_000


def large(path: Path, form: str, stated: int) -> Samples:
    """Write a sparse file of LARGE bytes of samples, the last second noise, with a header of ``stated`` bytes."""
    content = write(path, form, np.zeros(0, np.float32))
    if form == "WAV":
        struct.pack_into("<I", content, 4, stated % (1 << 32))
    path.write_bytes(with_size(content, form, stated % (1 << 32) if form == "WAV" else stated))
    end = speech(1.0)
    with path.open("r+b") as file:
        file.truncate(len(content) + LARGE)
        file.seek(-2 * len(end), 2)
        file.write((end * 32767).round().astype(">i2" if form == "CAF" else "<i2").tobytes())
    return end


@pytest.mark.parametrize(
    ("form", "stated"),
    [
        ("WAV", 32_000_000),
        ("WAV", 0),
        ("WAV", 0xFFFF_FFFF),
        ("RF64", 0),
        ("RF64", 32_000_000),
        ("W64", 24),
        ("CAF", -1),
    ],
)
def test_files_above_four_gigabytes_are_read_to_their_end(form: str, stated: int, tmp_path: Path) -> None:
    path = tmp_path / "large"
    end = large(path, form, stated)
    duration = reader.probe(path).duration
    assert duration == pytest.approx(LARGE / 2 / RATE, abs=0.001)
    assert np.allclose(reader.read_span(path, duration - 1, duration).samples[0], end, atol=1e-4)


@pytest.mark.slow
def test_a_file_above_four_gigabytes_is_read_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    end = large(tmp_path / "large.wav", "WAV", 32_000_000)
    caplog.set_level(logging.WARNING)
    count = 0
    for block in reader.read_blocks(tmp_path / "large.wav", RATE):
        count += len(block)
        last = block
    assert count == LARGE // 2
    assert last[-1000:] == pytest.approx(end[-1000:], abs=1e-4)
    assert caplog.text.count("is longer than its header says") == 1
