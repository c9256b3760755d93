from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audiosearch.data.events import Decoding, LeftOut
from audiosearch.data.pcm_cache import PcmCache, Reader, Source, build_cache, is_cache
from audiosearch.errors import AudioError, ManifestError

Sources = Callable[[int], list[Source]]


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Recordings of different lengths; the first sample of each is its number."""

    def make(count: int) -> list[Source]:
        made = []
        for number in range(count):
            path = tmp_path / f"{number}.raw"
            if not path.exists():
                path.write_text(str(number))
            made.append(Source(path, f"text {number}", "ann", f"id{number}"))
        return made

    return make


class Decoder:
    """Reader of those files that counts calls."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, path: Path, sample_rate: int) -> NDArray[np.float32]:
        number = int(path.read_text())
        if number < 0:
            raise AudioError(f"{path}: cannot be read.")
        self.read.append(path.name)
        return np.full(100 + number, number / 32767, dtype=np.float32)


def built(folder: Path, sources: list[Source], read: Reader) -> PcmCache:
    list(build_cache(folder, 16000, "some", sources, read))
    return PcmCache(folder, 16000)


def check(cache: PcmCache, sources: list[Source]) -> None:
    assert [clip.id for clip in cache.clips] == [source.id for source in sources]
    for position, source in enumerate(sources):
        number = int(source.audio.read_text())
        assert cache.clips[position].text == source.text
        assert cache.read(position).tolist() == [number] * (100 + number)


def test_a_cache_is_built_once_and_extended(tmp_path: Path, sources: Sources) -> None:
    decoder, folder = Decoder(), tmp_path / "cache"
    check(built(folder, sources(3), decoder), sources(3))
    check(built(folder, sources(5), decoder), sources(5))
    check(built(folder, sources(2)[::-1], decoder), sources(2)[::-1])
    assert sorted(decoder.read) == [f"{number}.raw" for number in range(5)]
    assert is_cache(folder)
    assert not is_cache(tmp_path)
    assert PcmCache(folder, 16000).read(1, 10, 5).tolist() == [0] * 5
    assert len(PcmCache(folder, 16000).read(1, 98, 50)) == 2


def test_a_changed_file_is_decoded_again(tmp_path: Path, sources: Sources) -> None:
    decoder, folder = Decoder(), tmp_path / "cache"
    built(folder, sources(2), decoder)
    (tmp_path / "1.raw").write_text("41")
    check(built(folder, sources(2), decoder), sources(2))
    os.utime(tmp_path / "0.raw", (1, 1))
    check(built(folder, sources(2), decoder), sources(2))
    assert decoder.read.count("0.raw") == 2


def test_unreadable_and_missing_files_are_reported(tmp_path: Path, sources: Sources) -> None:
    listed = sources(4)
    (tmp_path / "1.raw").write_text("-1")
    (tmp_path / "2.raw").unlink()
    records = list(build_cache(tmp_path / "cache", 16000, "some", listed, Decoder()))
    left_out = [record for record in records if isinstance(record, LeftOut)]
    assert len(left_out) == 1
    assert (left_out[0].count, left_out[0].total) == (2, 4)
    assert "2.raw: there is no such file" in left_out[0].examples[0]
    check(PcmCache(tmp_path / "cache", 16000), [listed[0], listed[3]])
    assert Decoding("some", 3, 3) in records


@pytest.mark.parametrize("cut", [1, 2, 37, 250])
def test_a_killed_build_resumes(cut: int, tmp_path: Path, sources: Sources) -> None:
    folder, decoder = tmp_path / "cache", Decoder()
    built(folder, sources(3), decoder)
    samples, index = folder / "samples-16000.pcm", folder / "index-16000.jsonl"
    os.truncate(index, index.stat().st_size - cut % 40)
    if cut > 30:
        os.truncate(samples, samples.stat().st_size - cut)
    (folder / "clips-16000.jsonl").unlink()
    check(built(folder, sources(4), decoder), sources(4))


def test_samples_that_are_not_finite_are_refused(tmp_path: Path, sources: Sources) -> None:
    def read(path: Path, sample_rate: int) -> NDArray[np.float32]:
        return np.array([0.1, np.nan], dtype=np.float32)

    records = list(build_cache(tmp_path / "cache", 16000, "some", sources(1), read))
    assert any(isinstance(record, LeftOut) and "not numbers" in record.examples[0] for record in records)


def test_a_cache_can_be_moved(tmp_path: Path, sources: Sources) -> None:
    built(tmp_path / "cache", sources(3), Decoder())
    (tmp_path / "cache").rename(tmp_path / "carried")
    listed = sources(3)
    cache = PcmCache(tmp_path / "carried", 16000)
    check(cache, listed)


def test_damaged_caches_and_other_sample_rates_are_refused(tmp_path: Path, sources: Sources) -> None:
    folder = tmp_path / "cache"
    built(folder, sources(3), Decoder())
    with pytest.raises(ManifestError, match="no cached audio at 8000 Hz"):
        PcmCache(folder, 8000)
    os.truncate(folder / "samples-16000.pcm", 100)
    with pytest.raises(ManifestError, match="shorter than its index"):
        PcmCache(folder, 16000)
    (folder / "clips-16000.jsonl").write_text("nonsense\n")
    with pytest.raises(ManifestError, match="is damaged"):
        PcmCache(folder, 16000)
