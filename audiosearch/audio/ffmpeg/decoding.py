"""Decoding of recordings, and of spans of them, by FFmpeg.

Times are those that a player shows. FFmpeg drops the encoder's delay if the file states it (mp3 with a LAME header,
Opus, AAC in mp4); otherwise (bare .aac, .ts, .flv, .avi) sound is about 25 ms late in every player. ``clock.py`` fits
the samples to the time stamps, for whole recordings and for spans.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audiosearch.audio.clock import Clock
from audiosearch.audio.ffmpeg.container import FIRST_PACKETS, frames_of, header_of, open_container
from audiosearch.audio.ffmpeg.duration import declared_duration, has_time_stamps, is_estimate, is_joined
from audiosearch.audio.ffmpeg.frames import damage, samples_of
from audiosearch.audio.ffmpeg.joined_files import FileRange, mp3_header_fits, parts_of
from audiosearch.audio.ffmpeg.tracks import track_notice, track_of
from audiosearch.audio.samples import PIECE_SAMPLES, Piece, PieceBuffer, Samples, Sound
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger(__name__)


def can_decode(path: Path) -> bool:
    """Return True if the file contains audio, usually after its first packets.

    Raises:
        AudioError: the file cannot be read, or contains no audio.
    """
    with open_container(path) as container:
        if any(frame.samples for frame in list(frames_of(path, container, FIRST_PACKETS))):
            return True
    with open_container(path) as container:  # recordings cut inside a packet begin with packets that cannot be decoded
        return any(frame.samples for frame in frames_of(path, container))


def decode(path: Path, track: int | None = None) -> Iterator[Piece]:
    """Yield decoded samples of a track with their channels, in the times of ``clock.py``."""
    parts = parts_of(path)
    if len(parts) > 1 and path.suffix.lower() not in (".ogg", ".opus", ".oga", ".ogx"):  # where this is usual
        logger.warning("%s: consists of %d joined files; all of them are read.", path, len(parts))
    for part in parts:
        yield from _decode_part(path, part, track)


def _decode_part(path: Path, part: FileRange | None, track: int | None) -> Iterator[Piece]:
    header = header_of(path, part)
    if header.is_short:
        logger.warning("%s: is longer than its header says; all of it is read.", path)
    with open_container(path, part, header, track) as container:
        if notice := track_notice(container):
            logger.warning("%s", notice)
        start = (container.start_time or 0) / 1e6
        longest = container.duration / 1e6 + 1 if container.duration else math.inf
        is_joined_mp3 = container.format.name == "mp3" and not mp3_header_fits(path)
        declared = 0.0 if is_joined_mp3 or is_estimate(container) else declared_duration(container)
        unit = float(track_of(container).time_base or 0) if has_time_stamps(container) else 0.0
        clock, buffer = Clock(), PieceBuffer()
        for frame in frames_of(path, container):  # about 50 per second: keep this loop cheap
            rate, samples = frame.sample_rate, samples_of(frame).astype(np.float32, copy=False)
            if unit and frame.pts is not None:
                begin = frame.pts * unit - start
                gap = clock.gap(begin) if begin < longest else 0.0
                for silence in range(round(gap * rate), 0, -PIECE_SAMPLES) if gap else ():
                    yield from buffer.add(rate, np.zeros((len(samples), min(silence, PIECE_SAMPLES)), np.float32))
            yield from buffer.add(rate, clock.fit(samples, rate))
        yield from buffer.flush()
        if declared - clock.elapsed > 1.0:
            logger.warning("%s: ends after %.1f s, but should last %.1f s.", path, clock.elapsed, declared)


PREROLL: Seconds = 1.0
"""Sound decoded before a span, in which decoders converge to the state of continuous decoding."""


@dataclass(slots=True)
class _Run:
    """Part of a span with one rate and number of channels, from sample ``first`` of the recording on."""

    first: int
    sound: Sound
    reached: int = 0


def decode_span(path: Path, start: Seconds, end: Seconds, track: int | None = None) -> list[Sound]:
    """Decode the span from ``start`` to ``end``, in the times of ``decode``, by seeking.

    The result has several parts if sample rate or channels change.

    Raises:
        AudioError: the file cannot be read, or ends before ``start``.
    """
    runs: list[_Run] = []
    for time, rate, samples in _all_timed_frames(path, start - PREROLL, track):
        first, last, begin = round(start * rate), round(end * rate), round(time * rate)
        stop = begin + samples.shape[1]
        if stop > first:
            if not runs or (runs[-1].sound.rate, runs[-1].sound.channels) != (rate, len(samples)):
                if runs:
                    first = max(first, round((runs[-1].first + runs[-1].reached) / runs[-1].sound.rate * rate))
                runs.append(_Run(first, Sound(rate, np.zeros((len(samples), max(last - first, 0)), np.float32))))
            run = runs[-1]
            if begin < last:
                into = max(begin, run.first)
                piece = samples[:, into - begin : last - begin]
                run.sound.samples[:, into - run.first : into - run.first + piece.shape[1]] = piece
            run.reached = min(stop, last) - run.first
        if stop >= last:
            break
    sounds = [Sound(run.sound.rate, run.sound.samples[:, : run.reached]) for run in runs if run.reached > 0]
    if not sounds:
        raise AudioError(f"{path}: ends before {start:.1f} s.")
    return sounds


def _all_timed_frames(path: Path, start: Seconds, track: int | None) -> Iterator[tuple[Seconds, int, Samples]]:
    """``_timed_frames`` of all parts of a file; those of joined files are decoded from the start."""
    parts, offset = parts_of(path), 0.0
    for part in parts:
        end = offset
        with open_container(path, part, track=track) as container:
            for time, rate, samples in _timed_frames(path, container, start if len(parts) == 1 else 0.0, track):
                end = offset + time + samples.shape[1] / rate
                yield offset + time, rate, samples
        offset = end


def _timed_frames(
    path: Path, container: InputContainer, start: Seconds, track: int | None
) -> Iterator[tuple[Seconds, int, Samples]]:
    """Yield time, rate and samples [C, S] of decoded frames, from ``start`` or earlier on."""
    stream = track_of(container)
    unit, origin = float(stream.time_base or 0), (container.start_time or 0) / 1e6
    longest = container.duration / 1e6 + 1 if container.duration else math.inf
    frames = frames_of(path, container)
    jumped, lead, size = False, 0, stream.codec_context.frame_size or 0
    if start > PREROLL and unit and not is_joined(path, container):
        lead = next((frame.samples for frame in frames if frame.samples), 0)
        if stream.codec_context.name in ("opus", "libopus"):  # the frame length is constant, but not in the header
            size = next((frame.samples for frame in frames), 0)
        with contextlib.suppress(*damage()):  # files without seeking are read from their start
            container.seek(int((start + origin) / unit), stream=stream)
            frames, jumped = frames_of(path, container), True
    if lead and not jumped:
        with open_container(path, track=track) as again:
            yield from _timed_frames(path, again, 0.0, track)
        return
    clock = Clock()
    for frame in frames:
        if not frame.samples:
            continue
        rate = frame.sample_rate
        if frame.pts is not None:
            begin = frame.pts * unit - origin
            if jumped:
                clock = Clock(_first_sample(begin * rate, frame.samples, lead, size, unit * rate) / rate)
                jumped = False
            elif has_time_stamps(container) and begin < longest:
                clock.gap(begin)
        yield clock.elapsed, rate, clock.fit(samples_of(frame), rate)


def _first_sample(begin: float, samples: int, first: int, size: int, unit: float) -> int:
    """First sample of a frame whose time stamp is rounded to ``unit`` samples (Matroska: milliseconds).

    Frames end whole frames of ``size`` after the end of the first one::

        0      first             first + size                  begin        begin + samples
        ├────────┼────────────────────┼──  …  ──┼──────────────[─────────────]
    """
    if size and unit > 2:
        end = first + round((begin + samples - first) / size) * size
        if abs(end - samples - begin) <= 2 * unit:
            return end - samples
    return round(begin)
