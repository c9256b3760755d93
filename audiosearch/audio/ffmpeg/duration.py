"""Durations of files, of which many state none or a wrong one, and signs of joined files."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiosearch.audio.clock import MIN_GAP, MIN_RESTART
from audiosearch.audio.ffmpeg.container import open_container, packets_of
from audiosearch.audio.ffmpeg.joined_files import mp3_header_fits, parts_of
from audiosearch.audio.ffmpeg.tracks import track_of
from audiosearch.audio.samples import AudioInfo
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from av.container import InputContainer


_WITHOUT_DURATION = frozenset(("aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "truehd"))
"""Formats that do not state their duration; FFmpeg estimates it."""


def probe(path: Path, track: int | None = None) -> AudioInfo:
    """Read duration and format of a track; if the container does not state its duration, packets are counted.

    Raises:
        AudioError: the file cannot be read, or contains no audio.
    """
    duration = 0.0
    parts = parts_of(path)
    for part in parts:
        with open_container(path, part, track=track) as container:
            joined = is_joined(path, container)
            duration += _duration(container, joined=joined)
    with open_container(path, parts[0], track=track) as container:
        stream = track_of(container)
        codec = stream.codec_context.codec.canonical_name
        is_plain = len(container.streams.audio) == len(parts) == 1 and not joined
        return AudioInfo(duration, stream.sample_rate, stream.channels, codec, is_plain)


def _duration(container: InputContainer, *, joined: bool) -> Seconds:
    """Duration of the sound; packets are counted if the container does not state it."""
    declared = declared_duration(container)
    if declared and not is_estimate(container) and not joined:
        return _without_preskip(container, declared)
    first: Seconds | None = None
    last = total = 0.0
    for packet in packets_of(container):
        if packet.size == 0 or packet.time_base is None:
            continue
        length = float((packet.duration or 0) * packet.time_base)
        if joined and (rate := _adts_rate(packet)):  # FFmpeg counts in the rate of the first part
            length = 1024 / rate
        total += length
        if packet.pts is not None:
            begin = float(packet.pts * packet.time_base)
            first = begin if first is None else first
            last = max(last, begin + length - first)
    counted = total if joined else max(last, total)
    if abs(declared - counted) < 0.1:  # a header is exact to the sample, packets to their length
        counted = declared
    return _without_preskip(container, counted)


def _without_preskip(container: InputContainer, duration: Seconds) -> Seconds:
    """Subtract the pre-skip of Opus in Ogg, which is decoded but not played."""
    stream = track_of(container)
    if container.format.name == "ogg" and stream.codec_context.name == "opus":
        return duration - float(stream.codec_context.delay / stream.sample_rate)
    return duration


_ADTS_RATES = (
    96000,
    88200,
    64000,
    48000,
    44100,
    32000,
    24000,
    22050,
    16000,
    12000,
    11025,
    8000,
    7350,
    8000,
    8000,
    8000,
)
"""Sample rates by their number in ADTS headers; the last three are reserved."""


def _adts_rate(packet: Any) -> int:
    """Sample rate in the header of an ADTS packet; 0 for any other packet."""
    if packet.size < 8:
        return 0
    head = memoryview(packet)[:3]
    return _ADTS_RATES[head[2] >> 2 & 15] if head[0] == 0xFF and head[1] & 0xF6 == 0xF0 else 0


def has_time_stamps(container: InputContainer) -> bool:
    """True unless FFmpeg counts the time stamps from packets, wrongly after a change of the sample rate."""
    return container.format.name not in _WITHOUT_DURATION


def is_joined(path: Path, container: InputContainer) -> bool:
    """True if a file consists of several with their own time stamps or sample rates, in which seeking fails."""
    name = container.format.name
    if name == "mp3":
        return not mp3_header_fits(path)
    if name in ("aac", "mpegts", "mpeg"):
        status = path.stat()
        return _has_restart(path, status.st_size, status.st_mtime_ns)
    return False


@lru_cache(maxsize=1000)
def _has_restart(path: Path, _size: int, _modified_ns: int) -> bool:
    """True if time stamps fall back, or ADTS headers change."""
    last, header = -math.inf, None
    with open_container(path) as container:
        is_adts = container.format.name == "aac"
        for packet in packets_of(container):
            if is_adts and packet.size > 3:
                head = memoryview(packet)[2:4]
                current = (head[0] >> 2 & 15, head[0] & 1, head[1] >> 6)
                if header not in (None, current):
                    return True
                header = current
            if packet.pts is not None and packet.time_base is not None:
                begin = float(packet.pts * packet.time_base)
                if begin < last - MIN_RESTART:
                    return True
                last = max(last, begin)
    return False


def is_estimate(container: InputContainer) -> bool:
    """True if FFmpeg estimates the duration from the file size."""
    if container.format.name == "mp3" and track_of(container).start_time:
        return False  # a header states the encoder's delay, and with it the length
    return container.format.name in _WITHOUT_DURATION


def declared_duration(container: InputContainer) -> Seconds:
    """Time from the start of the container to the end of its sound; 0 if not stated."""
    stream = track_of(container)
    if stream.duration and stream.time_base:
        lead = 0.0
        if stream.start_time is not None and container.start_time is not None:
            lead = float(stream.start_time * stream.time_base) - container.start_time / 1e6
        return float(stream.duration * stream.time_base) + (lead if lead > MIN_GAP else 0.0)
    return container.duration / 1e6 if container.duration else 0.0
