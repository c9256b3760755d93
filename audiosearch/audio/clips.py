"""Stretches of recordings as files of their own, each alone or all joined.

Every file says in its comment that it was made here; only such a file is ever replaced.

Legend: C channels, S samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiosearch.audio import ffmpeg as coded
from audiosearch.audio.reader import converted, probe, read_span
from audiosearch.audio.samples import Samples, Sound
from audiosearch.errors import AudioError, OutputError
from audiosearch.files import atomic_write
from audiosearch.types import Seconds

SUFFIXES = coded.SUFFIXES
"""Kinds of files that can be written."""

FADE: Seconds = 0.02

_MARK = "audiosearch: "


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a recording, half-open in time; ``about`` says in a line what it is."""

    path: Path
    start: Seconds
    end: Seconds
    about: str


def check_target(path: Path) -> None:
    """OutputError where a file would be lost, cannot be there, or is of a kind that is not written."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: name a file that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first.")
    if path.is_symlink() or (path.exists() and not _is_ours(path)):
        raise OutputError(f"{path}: is there already and was not made by audiosearch; name another.")


def write_clip(cut: Cut, target: Path, *, mono_rate: int | None = None) -> Seconds:
    """The cut as a file; its length. What was there before is replaced when it is complete.

    Args:
        mono_rate: sample rate of a file with one channel; rate and channels of the recording unless given.

    Raises:
        AudioError: the recording cannot be read.
        OutputError: the file cannot be written.
    """
    _check_sources(target, [cut])
    sound = read_span(cut.path, cut.start, cut.end)
    rate = coded.writable_rate(target.suffix.lower(), mono_rate or sound.rate)
    fitted = converted(sound, rate, sound.channels if sound.channels <= 2 and mono_rate is None else 1)
    _write(target, rate, fitted.channels, [fitted.samples], cut.about)
    return len(fitted) / rate


def write_supercut(cuts: Sequence[Cut], target: Path, *, fade: Seconds = FADE, gap: Seconds = 0.0) -> Seconds:
    """All cuts one after the other in one file; its length.

    Rate and channels are the greatest among the recordings'. Fades have equal power: the one that ends goes down as a
    cosine while the one that begins rises as a sine. Without a gap they overlap; with a gap there is silence between::

        gap = 0   ─────────╲╱─────────        gap > 0   ─────────╲______╱─────────
                         fade                                   fade gap fade

    Args:
        cuts: at least one.
        fade: length of a fade, also at both ends; at most half of a cut.

    Raises:
        AudioError: a recording cannot be read.
        OutputError: the file cannot be written.
    """
    _check_sources(target, cuts)
    known = {path: probe(path) for path in dict.fromkeys(cut.path for cut in cuts)}
    rate = coded.writable_rate(target.suffix.lower(), max(info.sample_rate for info in known.values()))
    channels = 2 if any(info.channels == 2 for info in known.values()) else 1
    length = 0

    def counted() -> Iterator[Samples]:
        nonlocal length
        sounds = (converted(read_span(cut.path, cut.start, cut.end), rate, channels) for cut in cuts)
        for piece in joined(sounds, round(fade * rate), round(gap * rate)):
            length += piece.shape[1]
            yield piece

    _write(target, rate, channels, counted(), f"{len(cuts)} cuts")
    return length / rate


def joined(sounds: Iterable[Sound], fade: int, gap: int) -> Iterator[Samples]:
    """Pieces [C, S] of sounds of one rate, joined with fades of ``fade`` samples and ``gap`` samples of silence."""
    tail: Samples | None = None  # the end of the sound before, faded out
    for sound in sounds:
        samples, width = sound.samples.copy(), min(fade, len(sound) // 2)
        # at the middles of the samples, so that what rises mirrors what falls
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


def _check_sources(target: Path, cuts: Iterable[Cut]) -> None:
    """OutputError where a file that is read would be replaced."""
    if target.exists() and any(target.samefile(cut.path) for cut in cuts if cut.path.exists()):
        raise OutputError(f"{target}: is one of the recordings that are cut; name another.")


def _write(target: Path, rate: int, channels: int, sound: Iterable[Samples], about: str) -> None:
    """The whole file or none."""
    check_target(target)
    try:
        with atomic_write(target) as temporary:
            coded.write(temporary, rate, channels, sound, _MARK + about.encode(errors="replace").decode())
    except (OSError, ValueError) as error:  # PyAV's errors are of both kinds
        raise OutputError(f"{target}: cannot be written ({getattr(error, 'strerror', None) or error}).") from error


def _is_ours(path: Path) -> bool:
    with suppress(AudioError):
        return coded.comment_of(path).startswith(_MARK)
    return False
