"""Cache of decoded audio: one memory-mapped file of 16-bit samples.

A cache is self-contained: it includes the transcripts, so it can be copied to a machine without the recordings (or the
libraries that read them) and be used in place of a manifest::

    samples-16000.pcm     all recordings end to end, 16-bit little-endian; the number is the sample rate
    index-16000.jsonl     one line per decoded file: key (path, size, modification time), start, samples
    clips-16000.jsonl     the utterances of the set, in order: id, text, speaker, start, samples

The first two files are append-only, and samples are written before their line, so an interrupted build can resume.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiosearch.data.events import Decoding, LeftOut
from audiosearch.errors import AudioError, ManifestError
from audiosearch.files import atomic_write

Reader = Callable[[Path, int], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """A recording to decode, with its transcript."""

    audio: Path
    text: str
    speaker: str | None
    id: str


@dataclass(frozen=True, slots=True)
class Clip:
    """An utterance in the cache: ``samples`` samples from sample ``start``."""

    id: str
    text: str
    speaker: str | None
    start: int
    samples: int


class PcmCache:
    """Utterances of one cache folder.

    Raises:
        ManifestError: the folder is not a cache of this sample rate, or is damaged.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.folder = folder
        clips = _clips_path(folder, sample_rate)
        samples = _samples_path(folder, sample_rate)
        try:
            with clips.open(encoding="utf-8") as lines:
                self.clips = tuple(Clip(**json.loads(line)) for line in lines)
            total = samples.stat().st_size // 2
        except FileNotFoundError as error:
            raise ManifestError(f"{folder}: contains no cached audio at {sample_rate} Hz; make it again.") from error
        except (ValueError, TypeError) as error:
            raise ManifestError(f"{clips}: is damaged; delete the folder and make it again.") from error
        if any(clip.start < 0 or clip.samples < 0 or clip.start + clip.samples > total for clip in self.clips):
            raise ManifestError(f"{samples}: is shorter than its index says; delete the folder and make it again.")
        self._samples: NDArray[np.int16] = (
            np.memmap(samples, dtype="<i2", mode="r") if total else np.empty(0, dtype=np.int16)
        )

    def __len__(self) -> int:
        return len(self.clips)

    def read(self, number: int, start: int = 0, length: int | None = None) -> NDArray[np.int16]:
        """Samples of an utterance, or a span of them, without copying."""
        clip = self.clips[number]
        end = clip.samples if length is None else min(start + length, clip.samples)
        return self._samples[clip.start + start : clip.start + end]


def is_cache(path: Path) -> bool:
    """True if ``path`` is a folder made by :func:`build_cache`."""
    return path.is_dir() and any(path.glob("clips-*.jsonl"))


def build_cache(
    folder: Path, sample_rate: int, name: str, sources: Sequence[Source], read: Reader | None = None
) -> Iterator[Decoding | LeftOut]:
    """Decode the recordings that the cache lacks, write the list of utterances, and yield progress.

    Files that cannot be read are left out and reported.

    Args:
        read: reads a recording; None: :func:`audiosearch.audio.reader.read`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be building the same cache
        known = _read_index(folder, sample_rate)
        keys: list[str | None] = []
        failures: list[str] = []
        for source in sources:
            keys.append(_key(source.audio))
            if keys[-1] is None:
                failures.append(f"{source.audio}: there is no such file")
        missing = {key: source for key, source in zip(keys, sources, strict=True) if key and key not in known}
        if missing:
            yield Decoding(name, 0, len(missing))
            yield from _decode(folder, sample_rate, name, missing, known, failures, read)
        clips = [
            Clip(source.id, source.text, source.speaker, *known[key])
            for key, source in zip(keys, sources, strict=True)
            if key in known
        ]
        _write_clips(_clips_path(folder, sample_rate), clips)
    if failures:
        yield LeftOut(name, "the audio cannot be read", len(failures), len(sources), tuple(failures[:3]))


def _decode(
    folder: Path,
    sample_rate: int,
    name: str,
    missing: dict[str, Source],
    known: dict[str | None, tuple[int, int]],
    failures: list[str],
    read: Reader | None,
) -> Iterator[Decoding]:
    if read is None:
        from audiosearch.audio.reader import read as read_audio  # not on machines that only have the cache

        read = read_audio
    threads = os.cpu_count() or 1  # the audio libraries release the interpreter's lock
    with (
        _samples_path(folder, sample_rate).open("ab") as samples,
        _index_path(folder, sample_rate).open("a", encoding="utf-8") as index,
        ThreadPoolExecutor(threads) as pool,
    ):
        position = samples.tell()
        if position % 2:  # a stopped build may have left half a sample
            position += samples.write(b"\0")
        running: deque[tuple[str, Source, Future[NDArray[np.int16]]]] = deque()
        waiting = iter(missing.items())
        done = 0
        while True:
            while len(running) < 4 * threads and (item := next(waiting, None)) is not None:
                key, source = item
                running.append((key, source, pool.submit(_read_pcm, read, source.audio, sample_rate)))
            if not running:
                break
            key, source, future = running.popleft()
            try:
                pcm = future.result()
            except AudioError as error:
                failures.append(str(error))
            else:
                samples.write(pcm.tobytes())
                samples.flush()
                known[key] = (position // 2, len(pcm))
                position += 2 * len(pcm)
                index.write(json.dumps({"key": key, "start": known[key][0], "samples": len(pcm)}) + "\n")
                index.flush()
            done += 1
            if done % 50 == 0 or done == len(missing):
                yield Decoding(name, done, len(missing))


def _read_pcm(read: Reader, path: Path, sample_rate: int) -> NDArray[np.int16]:
    samples = read(path, sample_rate)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: contains samples that are not numbers.")
    pcm: NDArray[np.int16] = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    return pcm


def _read_index(folder: Path, sample_rate: int) -> dict[str | None, tuple[int, int]]:
    """Start and number of samples of each decoded file, by key; a truncated line is skipped and terminated."""
    path = _index_path(folder, sample_rate)
    known: dict[str | None, tuple[int, int]] = {}
    if not path.exists():
        return known
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        with path.open("ab") as index:
            index.write(b"\n")
    samples = _samples_path(folder, sample_rate)
    total = samples.stat().st_size // 2 if samples.exists() else 0
    for line in content.splitlines():
        try:
            row: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if row["start"] + row["samples"] <= total:
            known[row["key"]] = (row["start"], row["samples"])
    return known


def _write_clips(path: Path, clips: Sequence[Clip]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for clip in clips:
            file.write(json.dumps(asdict(clip)) + "\n")


def _key(path: Path) -> str | None:
    """Key of a file's content, without reading it; None if the file does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return hashlib.sha1(os.fsencode(f"{path}\0{status.st_size}\0{status.st_mtime_ns}")).hexdigest()


def _samples_path(folder: Path, sample_rate: int) -> Path:
    return folder / f"samples-{sample_rate}.pcm"


def _index_path(folder: Path, sample_rate: int) -> Path:
    return folder / f"index-{sample_rate}.jsonl"


def _clips_path(folder: Path, sample_rate: int) -> Path:
    return folder / f"clips-{sample_rate}.jsonl"
