"""Decoding and encoding by FFmpeg through PyAV, which only this file imports.

Times are those that a player shows. FFmpeg drops the encoder's delay if the file states it (mp3 with a LAME header,
Opus, AAC in mp4); otherwise (bare .aac, .ts, .flv, .avi) sound is about 25 ms late in every player. ``clock.py`` fits
the samples to the time stamps, for whole recordings and for spans.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiosearch.audio.clip_formats import CLIP_FORMATS
from audiosearch.audio.clock import MIN_GAP, MIN_RESTART, Clock
from audiosearch.audio.file_parts import FilePart, amended_header, ogg_parts
from audiosearch.audio.samples import PIECE_SAMPLES, AudioInfo, Piece, PieceBuffer, Samples, Sound
from audiosearch.audio.signatures import OGG, lacks_index, mp3_header_fits
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

logger = logging.getLogger(__name__)

FIRST_PACKETS = 20
"""Packets that decide whether a file is audio; in random bytes an mp3 decoder occasionally finds a frame."""

DECODERS = {  # common name of the format: name of FFmpeg's decoder
    **{name: name for name in ("aac", "ac3", "alac")},
    "amr": "amrnb",
    "dts": "dca",
    **{name: name for name in ("eac3", "flac", "mp3", "opus")},
    "pcm": "pcm_s16le",
    "vorbis": "vorbis",
    "wma": "wmav2",
}
"""Codecs of most recordings."""


def ffmpeg_version() -> str:
    """Version of FFmpeg in the PyAV package."""
    import av

    library = ".".join(map(str, av.library_versions["libavcodec"]))
    return getattr(av, "ffmpeg_version_info", "") or f"with libavcodec {library}"


def missing_decoders() -> list[str]:
    """Formats of DECODERS that FFmpeg lacks."""
    import av

    missing = []
    for name, decoder in DECODERS.items():
        try:
            av.Codec(decoder, "r")
        except (av.error.FFmpegError, ValueError):
            missing.append(name)
    return missing


def probe(path: Path) -> AudioInfo:
    """Read duration and format; if the container does not state its duration, packets are counted.

    Raises:
        AudioError: the file cannot be read, or contains no audio.
    """
    duration = 0.0
    parts = list(_parts(path))
    for part in parts:
        with _open(path, part) as container:
            joined = _is_joined(path, container)
            duration += _duration(container, joined=joined)
    with _open(path) as container:
        stream = _track(container)
        codec = stream.codec_context.codec.canonical_name
        is_plain = len(container.streams.audio) == len(parts) == 1 and not joined
        return AudioInfo(duration, stream.sample_rate, stream.channels, codec, is_plain)


def can_decode(path: Path) -> bool:
    """Return True if the file contains audio, usually after its first packets.

    Raises:
        AudioError: the file cannot be read, or contains no audio.
    """
    with _open(path) as container:
        if any(frame.samples for frame in list(_frames(path, container, FIRST_PACKETS))):
            return True
    with _open(path) as container:  # recordings cut inside a packet begin with packets that cannot be decoded
        return any(frame.samples for frame in _frames(path, container))


def decode(path: Path) -> Iterator[Piece]:
    """Yield decoded samples with their channels, in the times of ``clock.py``."""
    for part in _parts(path):
        yield from _decode_part(path, part)


def _decode_part(path: Path, part: FileRange | None) -> Iterator[Piece]:
    with _open(path, part) as container:
        if len(container.streams.audio) > 1 and container.name in _tracks:
            logger.warning("%s", _tracks[container.name][2])
        start = (container.start_time or 0) / 1e6
        longest = container.duration / 1e6 + 1 if container.duration else math.inf
        declared = 0.0 if _is_estimate(container) else _declared_duration(container)
        unit = float(_track(container).time_base or 0) if _has_time_stamps(container) else 0.0
        clock, buffer = Clock(), PieceBuffer()
        for frame in _frames(path, container):  # about 50 per second: keep this loop cheap
            rate, samples = frame.sample_rate, _channels(frame).astype(np.float32, copy=False)
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


def decode_span(path: Path, start: Seconds, end: Seconds) -> list[Sound]:
    """Decode the span from ``start`` to ``end``, in the times of ``decode``, by seeking.

    The result has several parts if sample rate or channels change.

    Raises:
        AudioError: the file cannot be read, or ends before ``start``.
    """
    runs: list[_Run] = []
    for time, rate, samples in _all_timed_frames(path, start - PREROLL):
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


def _all_timed_frames(path: Path, start: Seconds) -> Iterator[tuple[Seconds, int, Samples]]:
    """``_timed_frames`` of all parts of a file; those of joined files are decoded from the start."""
    parts, offset = _parts(path), 0.0
    for part in parts:
        end = offset
        with _open(path, part) as container:
            for time, rate, samples in _timed_frames(path, container, start if len(parts) == 1 else 0.0):
                end = offset + time + samples.shape[1] / rate
                yield offset + time, rate, samples
        offset = end


def _timed_frames(path: Path, container: InputContainer, start: Seconds) -> Iterator[tuple[Seconds, int, Samples]]:
    """Yield time, rate and samples [C, S] of decoded frames, from ``start`` or earlier on."""
    stream = _track(container)
    unit, origin = float(stream.time_base or 0), (container.start_time or 0) / 1e6
    longest = container.duration / 1e6 + 1 if container.duration else math.inf
    frames = _frames(path, container)
    jumped, lead, size = False, 0, stream.codec_context.frame_size or 0
    if start > PREROLL and unit and not _is_joined(path, container):
        lead = next((frame.samples for frame in frames if frame.samples), 0)
        if stream.codec_context.name in ("opus", "libopus"):  # the frame length is constant, but not in the header
            size = next((frame.samples for frame in frames), 0)
        with contextlib.suppress(*_damage()):  # files without seeking are read from their start
            container.seek(int((start + origin) / unit), stream=stream)
            frames, jumped = _frames(path, container), True
    if lead and not jumped:
        with _open(path) as again:
            yield from _timed_frames(path, again, 0.0)
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
            elif _has_time_stamps(container) and begin < longest:
                clock.gap(begin)
        yield clock.elapsed, rate, clock.fit(_channels(frame), rate)


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


_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,ircam,loas,matroska,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,"
    "mxf,nistsphere,nut,ogg,oma,rm,sox,tak,truehd,tta,voc,w64,wav,webm,wtv,wv,xwma"
)
"""Formats that contain the sound; no playlists, by which FFmpeg would open other files."""

_WITHOUT_DURATION = frozenset(("aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "truehd"))
"""Formats that do not state their duration; FFmpeg estimates it."""


FileRange = tuple[int, int]
"""Start and end of a part of a file, in bytes."""


def _parts(path: Path) -> list[FileRange | None]:
    """Parts to decode one after the other; None: the whole file."""
    with path.open("rb") as file:
        if file.read(4) != OGG:
            return [None]
    parts = ogg_parts(path)
    return [*parts] if len(parts) > 1 else [None]


def _open(path: Path, part: FileRange | None = None) -> InputContainer:
    """Open a file or a part of it by PyAV; AudioError unless it has an audio stream with a decoder."""
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
    if not part and amended_header(path):
        options["ignore_length"] = "1"
    try:
        source: Any = FilePart(path, *part) if part else f"file:{path.absolute()}"
        container: InputContainer = av.open(source, "r", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if lacks_index(path):
            raise AudioError(
                f"{path}: is an unfinished recording or download: the index at its end is missing, without which "
                "nothing can be played; finish the download, or repair the file with a program such as untrunc."
            ) from error
        raise AudioError(f"{path}: is not audio of a known format, or its beginning is damaged.") from error
    tracks = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not tracks:
        problem = "contains audio of an unknown codec" if container.streams.audio else "contains no audio"
        container.close()
        raise AudioError(f"{path}: {problem}.")
    if len(container.streams.audio) > 1 and part is None:
        _choose_track(path, container.name, tracks)
    return container


SILENCE = 10**-3.5
"""Root mean square of a track below which it counts as silent, of full scale 1."""

_SAMPLED: Seconds = 8.0
"""Sound of each of three places of a recording, from which its tracks are judged."""

_tracks: dict[str, tuple[tuple[int, int], int, str]] = {}
"""Of files with several audio tracks, by name: size and time of change, index of the stream to read, and a notice."""


def _track(container: InputContainer) -> Any:
    """The audio stream of a container that is read: the only one, or the one chosen."""
    streams = container.streams.audio
    if len(streams) > 1 and container.name in _tracks:
        chosen = _tracks[container.name][1]
        return next((stream for stream in streams if stream.index == chosen), streams[0])
    return next((stream for stream in streams if stream.codec_context is not None), streams[0])


def _choose_track(path: Path, name: str, tracks: list[Any]) -> None:
    """Choose the default track, or where it is silent the first that is not; comments and descriptions come last."""
    status = path.stat()
    version = (status.st_size, status.st_mtime_ns)
    if name in _tracks and _tracks[name][0] == version:
        return
    from av.stream import Disposition

    extra = Disposition.comment | Disposition.visual_impaired | Disposition.karaoke
    order = sorted(tracks, key=lambda t: (bool(t.disposition & extra), not t.disposition & Disposition.default))
    levels = _levels(name)
    audible = [track for track in order if levels.get(track.index, 0.0) > SILENCE]
    chosen = (audible or order)[0]
    left_out = ", ".join(_track_name(n, t) for n, t in enumerate(tracks, 1) if t is not chosen)
    used = _track_name(tracks.index(chosen) + 1, chosen)
    notice = f"{path}: has {len(tracks)} audio tracks; {used} is read, left out: {left_out}."
    _tracks[name] = version, chosen.index, notice


def _track_name(number: int, track: Any) -> str:
    about = ", ".join(filter(None, (track.language, track.metadata.get("title"))))
    return f"track {number} ({about})" if about else f"track {number}"


def _levels(name: str) -> dict[int, float]:
    """Root mean square of each audio stream, by its index, at the start, in the middle and near the end."""
    import av

    squares: dict[int, list[float]] = {}
    for place in (0.0, 0.45, 0.85):
        with contextlib.suppress(*_damage(), OSError), av.open(name, "r", metadata_errors="replace") as container:
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
                    samples = _channels(frame).astype(np.float32, copy=False)
                    squares.setdefault(index, []).append(float(np.square(samples).mean()) if samples.size else 0.0)
                if ends and max(ends.values()) > _SAMPLED:
                    break
    return {index: math.sqrt(sum(values) / len(values)) for index, values in squares.items()}


def _duration(container: InputContainer, *, joined: bool) -> Seconds:
    """Duration of the sound; packets are counted if the container does not state it."""
    declared = _declared_duration(container)
    if declared and not _is_estimate(container) and not joined:
        return _without_preskip(container, declared)
    first: Seconds | None = None
    last = total = 0.0
    for packet in _packets(container):
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


def _packets(container: InputContainer) -> Iterator[Any]:
    """Yield packets of the audio track, up to damage that FFmpeg cannot skip."""
    with contextlib.suppress(*_damage()):
        yield from container.demux(_track(container))


def _damage() -> tuple[type[Exception], ...]:
    """Exceptions of PyAV for damaged packets (IndexError: a packet of a stream that is not in the header)."""
    import av

    return av.error.FFmpegError, ValueError, IndexError


def _without_preskip(container: InputContainer, duration: Seconds) -> Seconds:
    """Subtract the pre-skip of Opus in Ogg, which is decoded but not played."""
    stream = _track(container)
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


def _has_time_stamps(container: InputContainer) -> bool:
    """True unless FFmpeg counts the time stamps from packets, wrongly after a change of the sample rate."""
    return container.format.name not in _WITHOUT_DURATION


def _is_joined(path: Path, container: InputContainer) -> bool:
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
    with _open(path) as container:
        is_adts = container.format.name == "aac"
        for packet in _packets(container):
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


def _is_estimate(container: InputContainer) -> bool:
    """True if FFmpeg estimates the duration from the file size."""
    if container.format.name == "mp3" and _track(container).start_time:
        return False  # a header states the encoder's delay, and with it the length
    return container.format.name in _WITHOUT_DURATION


def _declared_duration(container: InputContainer) -> Seconds:
    """Time from the start of the container to the end of its sound; 0 if not stated."""
    stream = _track(container)
    if stream.duration and stream.time_base:
        lead = 0.0
        if stream.start_time is not None and container.start_time is not None:
            lead = float(stream.start_time * stream.time_base) - container.start_time / 1e6
        return float(stream.duration * stream.time_base) + (lead if lead > MIN_GAP else 0.0)
    return container.duration / 1e6 if container.duration else 0.0


def _frames(path: Path, container: InputContainer, packets: int | None = None) -> Iterator[Any]:
    """Yield decoded frames of the audio track; bad packets are skipped and counted in a warning.

    Args:
        packets: maximum number to decode; None: all.

    Raises:
        AudioError: most of the first packets are bad, and the file is not usable.
    """
    import av

    good = bad = 0
    source = container.demux(_track(container))
    while packets is None or good + bad < packets:
        try:
            packet = next(source, None)
            if packet is None:
                break
            yield from packet.decode()
            good += 1
        except av.error.EOFError:
            break
        except _damage():
            bad += 1
        if bad > good and good + bad == FIRST_PACKETS:
            break
    if bad > good and good + bad <= FIRST_PACKETS:
        raise AudioError(f"{path}: is damaged or not audio; most of it cannot be decoded.")
    if bad and packets is None:
        logger.warning("%s: is damaged; packets of sound that cannot be decoded: %d.", path, bad)


def _channels(frame: Any) -> Samples:
    """Samples of a decoded frame [C, S], full scale at 1."""
    samples = frame.to_ndarray()  # planar: [C, S], packed: [1, S·C]
    if samples.shape[1] != frame.samples:
        samples = samples.reshape(frame.samples, -1).T
    if samples.dtype.kind == "u":  # 8 bits
        samples = (samples.astype(np.float32) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / float(2 ** (8 * samples.dtype.itemsize - 1))
    plain: Samples = samples
    return plain


# Writing


def writable_rate(suffix: str, rate: int) -> int:
    """Lowest rate of a format that is at least ``rate``, or else its highest rate."""
    rates = CLIP_FORMATS[suffix].rates or (rate,)
    return min((allowed for allowed in rates if allowed >= rate), default=rates[-1])


def write(path: Path, rate: int, channels: int, sound: Iterable[Samples], comment: str) -> None:
    """Encode pieces of samples [C, S] to a file.

    Args:
        path: its suffix selects one of CLIP_FORMATS.
        rate: from ``writable_rate``.
        channels: C, 1 or 2.
        comment: comment tag, for ``read_comment``.
    """
    import av

    form, layout = CLIP_FORMATS[path.suffix.lower()], "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format=form.container) as container:
        container.metadata["comment"] = comment
        stream = container.add_stream(form.codec, rate=rate, layout=layout)
        if form.bits:
            stream.bit_rate = min(form.bits, 4 * rate) * channels
        resampler = av.AudioResampler(
            stream.format, layout, rate, frame_size=stream.codec_context.frame_size or PIECE_SAMPLES
        )
        position = 0

        def encode(frames: list[AudioFrame]) -> None:
            nonlocal position
            for frame in frames:
                frame.pts, frame.time_base = position, Fraction(1, rate)
                position += frame.samples
                container.mux(stream.encode(frame))

        for piece in sound:
            if piece.shape[1]:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", layout)
                frame.sample_rate = rate
                encode(resampler.resample(frame))
        encode(resampler.resample(None))
        container.mux(stream.encode(None))


def read_comment(path: Path) -> str:
    """Comment tag of a file, or ""; AudioError if the file contains no audio."""
    with _open(path) as container:
        tags = {**container.metadata, **_track(container).metadata}
        return next((value for name, value in tags.items() if name.lower() == "comment"), "")
