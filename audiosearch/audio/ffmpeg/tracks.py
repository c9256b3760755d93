"""The audio track that is read of a file with several."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiosearch.audio.ffmpeg.frames import damage, samples_of
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from av.container import InputContainer

SILENCE = 10**-3.5
"""Root mean square of a track below which it counts as silent, of full scale 1."""

_SAMPLED: Seconds = 8.0
"""Sound of each of three places of a recording, from which its tracks are judged."""

_defaults: dict[str, tuple[tuple[int, int], int, str]] = {}
"""Of files with several audio tracks, by name: size and time of change, index of the stream to read, and a notice."""

_CHOSEN, _NOTICE = "audiosearch: track", "audiosearch: notice"
"""Tags of an open container with the index of the stream to read and the notice; PyAV's objects take no attributes."""


def track_of(container: InputContainer) -> Any:
    """The audio stream of a container that is read: the only one, or the one chosen."""
    streams = container.streams.audio
    if chosen := container.metadata.get(_CHOSEN):
        return next((stream for stream in streams if stream.index == int(chosen)), streams[0])
    return next((stream for stream in streams if stream.codec_context is not None), streams[0])


def track_notice(container: InputContainer) -> str:
    """The sentence about the tracks that are left out; "" if there is one track, or one was wanted."""
    return container.metadata.get(_NOTICE, "")


def choose_track(path: Path, container: InputContainer, tracks: list[Any], wanted: int | None) -> None:
    """Choose the audio track that is read.

    Args:
        tracks: those with a decoder.
        wanted: number among all audio tracks, from 1 on; None: the default.

    Raises:
        AudioError: there is no such track, or its codec is unknown.
    """
    every = container.streams.audio
    if wanted is None:
        if len(every) > 1:
            _, index, notice = _default(path, container.name, tracks)
            container.metadata.update({_CHOSEN: str(index), _NOTICE: notice})
        return
    if not 1 <= wanted <= len(every):
        names = ", ".join(_track_name(number, track) for number, track in enumerate(every, 1))
        have = "one audio track" if len(every) == 1 else f"{len(every)} audio tracks ({names})"
        raise AudioError(f"{path}: has {have}, and no track {wanted}.")
    if every[wanted - 1].codec_context is None:
        raise AudioError(f"{path}: {_track_name(wanted, every[wanted - 1])} is audio of an unknown codec.")
    container.metadata[_CHOSEN] = str(every[wanted - 1].index)


def _default(path: Path, name: str, tracks: list[Any]) -> tuple[tuple[int, int], int, str]:
    """The default track, or where it is silent the first that is not; comments and descriptions come last."""
    status = path.stat()
    version = (status.st_size, status.st_mtime_ns)
    if name in _defaults and _defaults[name][0] == version:
        return _defaults[name]
    from av.stream import Disposition

    extra = Disposition.comment | Disposition.visual_impaired | Disposition.karaoke
    order = sorted(tracks, key=lambda t: (bool(t.disposition & extra), not t.disposition & Disposition.default))
    levels = _levels(name)
    audible = [track for track in order if levels.get(track.index, 0.0) > SILENCE]
    chosen = (audible or order)[0]
    left_out = ", ".join(_track_name(n, t) for n, t in enumerate(tracks, 1) if t is not chosen)
    used = _track_name(tracks.index(chosen) + 1, chosen)
    notice = f"{path}: has {len(tracks)} audio tracks; {used} is read, left out: {left_out}."
    _defaults[name] = version, chosen.index, notice
    return _defaults[name]


def _track_name(number: int, track: Any) -> str:
    about = ", ".join(filter(None, (track.language, track.metadata.get("title"))))
    return f"track {number} ({about})" if about else f"track {number}"


def _levels(name: str) -> dict[int, float]:
    """Root mean square of each audio stream, by its index, at the start, in the middle and near the end."""
    import av

    squares: dict[int, list[float]] = {}
    for place in (0.0, 0.45, 0.85):
        with contextlib.suppress(*damage(), OSError), av.open(name, "r", metadata_errors="replace") as container:
            begin = place * (container.duration or 0)
            if place and not begin:
                break
            if begin:
                container.seek(int(begin + (container.start_time or 0)))
            ends: dict[int, float] = {}
            for packet in container.demux(container.streams.audio):
                for frame in packet.decode() if packet.stream.codec_context is not None else ():
                    index = packet.stream.index
                    ends[index] = ends.get(index, 0.0) + float(frame.samples / frame.sample_rate)
                    samples = samples_of(frame).astype(np.float32, copy=False)
                    squares.setdefault(index, []).append(float(np.square(samples).mean()) if samples.size else 0.0)
                if ends and max(ends.values()) > _SAMPLED:
                    break
    return {index: math.sqrt(sum(values) / len(values)) for index, values in squares.items()}
