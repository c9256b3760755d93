"""Hits → the stretches of files that hold them, and names for what is cut out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import AudioError, OutputError
from audiosearch.types import Seconds
from indexer.ingest.crawl import same_file
from indexer.types import Hit, Recording

if TYPE_CHECKING:
    from audiosearch.audio.clips import Clip

MAX_NAME = 120
"""Bytes of a file's name without number and suffix; file systems take 255, some encrypted ones 143."""


@dataclass(frozen=True, slots=True)
class Written:
    """A hit is a file now."""

    path: Path
    hit: Hit


@dataclass(frozen=True, slots=True)
class Missed:
    """A hit that could not be cut out, and why."""

    hit: Hit
    sentence: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Hits are one file now."""

    path: Path
    hits: int
    duration: Seconds


def media(recording: Recording) -> Path:
    """A file of the recording that is as it was indexed.

    Raises:
        AudioError: there is none.
    """
    if not recording.has_media:
        raise AudioError(f"{recording.path}: was imported without its recording; import it again with --media.")
    for location in recording.locations:
        if same_file(location):
            return Path(location.path)
    raise AudioError(f"{recording.path}: is not there, or has changed since it was indexed; index it again.")


def padded(hit: Hit, padding: Seconds) -> tuple[Seconds, Seconds]:
    """Where the hit begins and ends with ``padding`` before and after it, as far as the recording has it."""
    start = max(0.0, hit.start - padding)
    return start, max(min(hit.end + padding, hit.recording.duration), hit.end, start + 0.001)


def write_clips(hits: Sequence[Hit], folder: Path, suffix: str, padding: Seconds) -> Iterator[Written | Missed]:
    """Each hit as a file in ``folder``, which is made; names sort in the order of hits.

    Raises:
        OutputError: a name is taken by a file that was not made here; nothing is written then.
    """
    from audiosearch.audio.clips import check_target

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be a folder for clips ({error.strerror}).") from error
    targets = [folder / f"{name}{suffix}" for name in names(hits)]
    for target in targets:
        check_target(target)
    for hit, target in zip(hits, targets, strict=True):
        try:
            cut_out(hit, target, padding)
        except AudioError as error:
            yield Missed(hit, str(error))
        else:
            yield Written(target, hit)


def write_supercut(
    hits: Sequence[Hit], target: Path, padding: Seconds, fade: Seconds, gap: Seconds
) -> Iterator[Joined | Missed]:
    """All hits one after the other in one file.

    Raises:
        OutputError: the file cannot be written, or was not made here.
        AudioError: a recording turns out to be damaged.
    """
    from audiosearch.audio import clips
    from audiosearch.audio.reader import probe

    clips.check_target(target)
    cuts: list[Clip] = []
    for hit in hits:
        try:
            cut = _cut(hit, padding)
            if all(cut.path != other.path for other in cuts):
                probe(cut.path)
        except AudioError as error:
            yield Missed(hit, str(error))
        else:
            cuts.append(cut)
    if cuts:
        yield Joined(target, len(cuts), clips.write_supercut(cuts, target, fade=fade, gap=gap))


def names(hits: Sequence[Hit]) -> list[str]:
    """A name for each hit: number, recording, time and words, of letters that every file system takes."""
    digits = max(3, len(str(len(hits))))
    made = []
    for number, hit in enumerate(hits, start=1):
        minutes, seconds = divmod(int(hit.start * 10), 600)
        time = f"{minutes // 60}h{minutes % 60:02}m{seconds // 10:02}.{seconds % 10}s"
        stem, words = _plain(Path(hit.recording.path).stem, 60), _plain(hit.text, MAX_NAME - 80)
        made.append("_".join(part for part in (f"{number:0{digits}}", stem, time, words) if part))
    return made


def _plain(text: str, most: int) -> str:
    """Letters and digits of any script with hyphens between them, at most so many bytes."""
    text = "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text)))
    return text.encode()[:most].decode(errors="ignore").strip("-")


def cut_out(hit: Hit, target: Path, padding: Seconds) -> None:
    """One hit as a file.

    Raises:
        AudioError: its recording cannot be read.
        OutputError: the file cannot be written.
    """
    from audiosearch.audio.clips import write_clip

    write_clip(_cut(hit, padding), target)


def _cut(hit: Hit, padding: Seconds) -> Clip:
    from audiosearch.audio.clips import Clip

    start, end = padded(hit, padding)
    path = media(hit.recording)
    return Clip(path, start, end, f"{hit.recording.path} from {start:.3f} to {end:.3f} s: {hit.text}")
