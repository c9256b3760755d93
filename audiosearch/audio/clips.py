"""Clips of recordings, written as single files or joined into one.

The comment tag of every file names this program; only files with that tag are ever overwritten.

Legend: C channels, S samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiosearch.audio import ffmpeg
from audiosearch.audio.clip_formats import CLIP_FORMATS, FADE
from audiosearch.audio.reader import convert, probe, read_span
from audiosearch.audio.samples import Samples, Sound
from audiosearch.errors import AudioError, OutputError
from audiosearch.files import atomic_write
from audiosearch.types import Seconds

_COMMENT_PREFIX = "audiosearch: "


@dataclass(frozen=True, slots=True)
class Clip:
    """Half-open span of a recording.

    Args:
        description: one line for the file's comment.
        track: as in ``reader.probe``.
    """

    path: Path
    start: Seconds
    end: Seconds
    description: str
    track: int | None = None


def check_target(path: Path) -> None:
    """Check that a file can be written there.

    Raises:
        OutputError: the format cannot be written, the folder does not exist, or another file would be lost.
    """
    if path.suffix.lower() not in CLIP_FORMATS:
        *suffixes, last = CLIP_FORMATS
        raise OutputError(f"{path}: name a file that ends in {', '.join(suffixes)} or {last}.")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first.")
    if path.is_symlink() or (path.exists() and not _is_made_here(path)):
        raise OutputError(f"{path}: exists already and was not made by audiosearch; name another.")


def write_clip(clip: Clip, target: Path, *, mono_rate: int | None = None) -> Seconds:
    """Write a clip to a file, atomically, and return its duration.

    Args:
        mono_rate: sample rate of a file with one channel; default: rate and channels of the recording.

    Raises:
        AudioError: the recording cannot be read.
        OutputError: the file cannot be written.
    """
    _check_sources(target, [clip])
    sound = read_span(clip.path, clip.start, clip.end, track=clip.track)
    rate = ffmpeg.writable_rate(target.suffix.lower(), mono_rate or sound.rate)
    fitted = convert(sound, rate, sound.channels if sound.channels <= 2 and mono_rate is None else 1)
    _write(target, rate, fitted.channels, [fitted.samples], clip.description)
    return len(fitted) / rate


def write_supercut(
    clips: Sequence[Clip],
    target: Path,
    *,
    fade: Seconds = FADE,
    gap: Seconds = 0.0,
    check: Callable[[], None] = lambda: None,
) -> Seconds:
    """Write all clips, one after the other, to one file and return its duration.

    Sample rate and channels are the largest among the recordings. Cross-fades have equal power: one clip falls as a
    cosine while the next rises as a sine. Fades overlap, or are separated by a gap of silence::

        gap = 0   ─────────╲╱─────────        gap > 0   ─────────╲______╱─────────
                         fade                                   fade gap fade

    Args:
        clips: at least one.
        fade: duration of a fade, also at both ends; at most half of a clip.
        gap: duration of the silence between clips.
        check: called before each clip is read; an exception that it raises stops the writing.

    Raises:
        AudioError: a recording cannot be read.
        OutputError: the file cannot be written.
    """
    _check_sources(target, clips)
    sources = dict.fromkeys((clip.path, clip.track) for clip in clips)
    recordings = {source: probe(*source) for source in sources}
    rate = ffmpeg.writable_rate(target.suffix.lower(), max(info.sample_rate for info in recordings.values()))
    channels = 2 if any(info.channels == 2 for info in recordings.values()) else 1
    length = 0

    def sounds() -> Iterator[Sound]:
        for clip in clips:
            check()
            yield convert(read_span(clip.path, clip.start, clip.end, track=clip.track), rate, channels)

    def pieces() -> Iterator[Samples]:
        nonlocal length
        for piece in crossfade(sounds(), round(fade * rate), round(gap * rate)):
            length += piece.shape[1]
            yield piece

    _write(target, rate, channels, pieces(), f"{len(clips)} cuts")
    return length / rate


def crossfade(sounds: Iterable[Sound], fade: int, gap: int) -> Iterator[Samples]:
    """Join sounds of one rate with fades of ``fade`` samples and ``gap`` samples of silence; yield pieces [C, S]."""
    tail: Samples | None = None  # end of the previous sound, faded out
    for sound in sounds:
        samples, width = sound.samples.copy(), min(fade, len(sound) // 2)
        # sampled at the middle of each sample, so that rise and fall are symmetric
        rise = np.sin((np.arange(width, dtype=np.float32) + 0.5) / max(width, 1) * np.pi / 2)
        samples[:, :width] *= rise
        if tail is not None and gap:
            yield tail
            yield np.zeros((sound.channels, gap), np.float32)
        elif tail is not None:
            overlap = min(tail.shape[1], len(sound) - width)
            yield tail[:, : tail.shape[1] - overlap]
            samples[:, :overlap] += tail[:, tail.shape[1] - overlap :]
        samples[:, len(sound) - width :] *= rise[::-1]
        yield samples[:, : len(sound) - width]
        tail = samples[:, len(sound) - width :]
    if tail is not None:
        yield tail


def _check_sources(target: Path, clips: Iterable[Clip]) -> None:
    """Raise OutputError if ``target`` is one of the recordings."""
    if target.exists() and any(target.samefile(clip.path) for clip in clips if clip.path.exists()):
        raise OutputError(f"{target}: is one of the recordings that are cut; name another.")


def _write(target: Path, rate: int, channels: int, sound: Iterable[Samples], description: str) -> None:
    """Write pieces of sound to a file, atomically."""
    check_target(target)
    try:
        with atomic_write(target) as temporary:
            ffmpeg.write(
                temporary, rate, channels, sound, _COMMENT_PREFIX + description.encode(errors="replace").decode()
            )
    except (OSError, ValueError) as error:  # PyAV raises both
        raise OutputError(f"{target}: cannot be written ({getattr(error, 'strerror', None) or error}).") from error


def _is_made_here(path: Path) -> bool:
    with suppress(AudioError):
        return ffmpeg.read_comment(path).startswith(_COMMENT_PREFIX)
    return False
