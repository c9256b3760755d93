"""Clips of hits: spans of their recordings, single or joined, and names of the files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import AudioError, OutputError
from audiosearch.files import lock_folder
from audiosearch.types import Seconds
from indexer.ingest.crawl import same_file
from indexer.types import Hit, Recording

if TYPE_CHECKING:
    from audiosearch.audio.clips import Clip

MAX_NAME_BYTES = 120
"""Bytes of a file name without number and suffix; file systems allow 255, some encrypted ones 143."""


@dataclass(frozen=True, slots=True)
class WrittenClip:
    """A hit written to a file."""

    path: Path
    hit: Hit


@dataclass(frozen=True, slots=True)
class FailedClip:
    """A hit without a clip; the sentence states the reason."""

    hit: Hit
    sentence: str


@dataclass(frozen=True, slots=True)
class WrittenSupercut:
    """Hits joined into one file."""

    path: Path
    hits: int
    duration: Seconds


def media_path(recording: Recording) -> Path:
    """Path of the first location whose file is unchanged since it was indexed.

    Raises:
        AudioError: there is none.
    """
    if not recording.has_media:
        raise AudioError(f"{recording.path}: was imported without its recording; import it again with --media.")
    for location in recording.locations:
        if same_file(location):
            return Path(location.path)
    raise AudioError(f"{recording.path}: does not exist or has changed since it was indexed; index it again.")


def padded_span(hit: Hit, padding: Seconds) -> tuple[Seconds, Seconds]:
    """Start and end of a hit with ``padding`` before and after it, within the recording."""
    start = max(0.0, hit.start - padding)
    return start, max(min(hit.end + padding, hit.recording.duration), hit.end, start + 0.001)


def write_clips(hits: Sequence[Hit], folder: Path, suffix: str, padding: Seconds) -> Iterator[WrittenClip | FailedClip]:
    """Write each hit to a file in ``folder``, created if needed; file names sort in the order of the hits.

    Raises:
        OutputError: a file that was not made by this program would be overwritten; nothing is written then.
        InUseError: another process writes to the folder.
    """
    from audiosearch.audio.clips import check_target

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created as a folder for clips ({error.strerror}).") from error
    targets = [folder / f"{name}{suffix}" for name in clip_names(hits)]
    for target in targets:
        check_target(target)
    with lock_folder(folder):
        for hit, target in zip(hits, targets, strict=True):
            try:
                export_clip(hit, target, padding)
            except (AudioError, OutputError) as error:
                yield FailedClip(hit, str(error))
            else:
                yield WrittenClip(target, hit)


def write_supercut(
    hits: Sequence[Hit], target: Path, padding: Seconds, fade: Seconds, gap: Seconds
) -> Iterator[WrittenSupercut | FailedClip]:
    """Join all hits in one file.

    Raises:
        OutputError: the file cannot be written, or was not made by this program.
        AudioError: a recording is damaged.
    """
    from audiosearch.audio import clips
    from audiosearch.audio.reader import probe

    clips.check_target(target)
    spans: list[Clip] = []
    for hit in hits:
        try:
            span = _clip(hit, padding)
            if all((span.path, span.track) != (previous.path, previous.track) for previous in spans):
                probe(span.path, span.track)
        except AudioError as error:
            yield FailedClip(hit, str(error))
        else:
            spans.append(span)
    if spans:
        yield WrittenSupercut(target, len(spans), clips.write_supercut(spans, target, fade=fade, gap=gap))


def clip_names(hits: Sequence[Hit]) -> list[str]:
    """Return a file name for each hit: number, recording, time and words, in characters that all file systems allow."""
    digits = max(3, len(str(len(hits))))
    return [f"{number:0{digits}}_{clip_name(hit)}" for number, hit in enumerate(hits, start=1)]


def clip_name(hit: Hit) -> str:
    """Return recording, time and words of a hit as a file name, as in ``clip_names``."""
    minutes, seconds = divmod(int(hit.start * 10), 600)
    time = f"{minutes // 60}h{minutes % 60:02}m{seconds // 10:02}.{seconds % 10}s"
    stem, words = _slug(Path(hit.recording.path).stem, 60), _slug(hit.text, MAX_NAME_BYTES - 80)
    return "_".join(part for part in (stem, time, words) if part)


def _slug(text: str, max_bytes: int) -> str:
    """Letters and digits of any script, joined by hyphens, at most ``max_bytes``."""
    text = "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text)))
    return text.encode()[:max_bytes].decode(errors="ignore").strip("-")


def export_clip(hit: Hit, target: Path, padding: Seconds) -> None:
    """Write one hit to a file.

    Raises:
        AudioError: its recording cannot be read.
        OutputError: the file cannot be written.
    """
    from audiosearch.audio.clips import write_clip

    write_clip(_clip(hit, padding), target)


def _clip(hit: Hit, padding: Seconds) -> Clip:
    from audiosearch.audio.clips import Clip

    start, end = padded_span(hit, padding)
    path = media_path(hit.recording)
    return Clip(
        path, start, end, f"{hit.recording.path} from {start:.3f} to {end:.3f} s: {hit.text}", hit.recording.track
    )
