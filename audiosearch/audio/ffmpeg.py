"""Compressed recordings, and the sound of videos, through PyAV; only this file knows it.

Time counts as a player shows it. FFmpeg drops the encoder's delay where the file tells it (mp3 with a LAME header,
Opus, AAC in mp4); where it does not (bare .aac, .ts, .flv, .avi) sound comes about 25 ms late in every player.
Sound that begins later than the picture, and gaps between its packets, become silence, so that what follows keeps its
time.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiosearch.audio.samples import PIECE, AudioInfo, Joiner, Piece, Samples, Sound, mean
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

logger = logging.getLogger(__name__)

FIRST_PACKETS = 20
"""So many tell whether it is sound at all: in random bytes an mp3 decoder finds now and then a frame."""

SMALLEST_GAP: Seconds = 0.05
"""Shorter gaps between time stamps are rounding."""

LONGEST_GAP: Seconds = 3600.0
"""Longer ones are wrong time stamps, where the file does not tell its length."""


DECODERS = {  # as people call the format: as FFmpeg calls the decoder
    **{name: name for name in ("aac", "ac3", "alac")},
    "amr": "amrnb",
    "dts": "dca",
    **{name: name for name in ("eac3", "flac", "mp3", "opus")},
    "pcm": "pcm_s16le",
    "vorbis": "vorbis",
    "wma": "wmav2",
}
"""What most recordings are coded in."""


def ffmpeg_version() -> str:
    """Version of the FFmpeg that PyAV brings."""
    import av

    library = ".".join(map(str, av.library_versions["libavcodec"]))
    return getattr(av, "ffmpeg_version_info", "") or f"with libavcodec {library}"


def missing_decoders() -> list[str]:
    """Formats of DECODERS that FFmpeg was built without."""
    import av

    missing = []
    for name, decoder in DECODERS.items():
        try:
            av.Codec(decoder, "r")
        except (av.error.FFmpegError, ValueError):
            missing.append(name)
    return missing


def probe(path: Path) -> AudioInfo:
    """Length and format; packets are counted, not decoded, where the container does not tell its length.

    Raises:
        AudioError: it cannot be read, or holds no sound.
    """
    with _open(path) as container:
        stream = container.streams.audio[0]
        codec = stream.codec_context.codec.canonical_name
        return AudioInfo(_duration(path, container), stream.sample_rate, stream.channels, codec)


def can_decode(path: Path) -> bool:
    """Whether the first packets give sound.

    Raises:
        AudioError: it cannot be read, or holds no sound.
    """
    with _open(path) as container:
        return any(frame.samples for frame in list(_frames(path, container, FIRST_PACKETS)))


def pieces(path: Path) -> Iterator[Piece]:
    """Decoded sound, with silence where time stamps leave a gap."""
    with _open(path) as container:
        start = (container.start_time or 0) / 1e6
        longest = container.duration / 1e6 + 1 if container.duration else math.inf
        declared = 0.0 if _is_estimate(container) else _declared_duration(container)
        unit = float(container.streams.audio[0].time_base or 0)
        elapsed: Seconds = 0.0
        joiner = Joiner()
        for frame in _frames(path, container):  # 50 a second: what is done here for each must be little
            rate, samples = frame.sample_rate, _mono(frame)
            if frame.pts is not None:
                begin = frame.pts * unit - start
                gap = begin - elapsed
                if SMALLEST_GAP < gap < LONGEST_GAP and begin < longest:
                    elapsed += gap
                    for silence in range(round(gap * rate), 0, -PIECE):
                        yield from joiner.add(rate, np.zeros(min(silence, PIECE), np.float32))
            elapsed += len(samples) / rate
            yield from joiner.add(rate, samples)
        yield from joiner.rest()
        if declared - elapsed > 1.0:
            logger.warning("%s: ends after %.1f s, but should last %.1f s.", path, elapsed, declared)


LEAD: Seconds = 1.0
"""So much is decoded before a span, for decoders to come to the state in which they would be there."""


def span(path: Path, start: Seconds, end: Seconds) -> Sound:
    """The sound from ``start`` to ``end``, by the time that ``pieces`` counts, without decoding all that lies before.

    Raises:
        AudioError: it cannot be read, or ends before ``start``.
    """
    samples, rate, first, last, reached = np.empty((0, 0), np.float32), 0, 0, 0, 0
    with _open(path) as container:
        for begin, frame in _placed(path, container, start - LEAD):
            if not rate:
                rate = frame.sample_rate
                first, last = round(start * rate), round(end * rate)
                samples = np.zeros((len(_channels(frame)), last - first), np.float32)
            stop = begin + frame.samples
            if first < stop and begin < last and frame.sample_rate == rate:
                decoded = _channels(frame)[:, max(first - begin, 0) : last - begin]
                reached = min(stop, last) - first
                samples[:, reached - decoded.shape[1] : reached] = decoded
            if begin >= last:  # after silence
                reached = last - first
            if stop >= last:
                break
    if not reached:
        raise AudioError(f"{path}: ends before {start:.1f} s.")
    return Sound(rate, samples[:, :reached])


def _placed(path: Path, container: InputContainer, start: Seconds) -> Iterator[tuple[int, Any]]:
    """Decoded frames, each after the sample at which it begins; the first begin at ``start`` or before it."""
    stream = container.streams.audio[0]
    unit, origin = float(stream.time_base or 0), (container.start_time or 0) / 1e6
    frames = _frames(path, container)
    jumped, lead, size = False, 0, stream.codec_context.frame_size or 0
    if start > LEAD and unit and not (container.format.name == "ogg" and _is_chained(path)):
        lead = next((frame.samples for frame in frames if frame.samples), 0)
        if stream.codec_context.name in ("opus", "libopus"):  # a file has frames of one length, which only they tell
            size = next((frame.samples for frame in frames), 0)
        with contextlib.suppress(*_damage()):  # what cannot be sought in is read from its beginning
            container.seek(int((start + origin) / unit), stream=stream)
            frames, jumped = _frames(path, container), True
    position = 0
    if lead and not jumped:
        with _open(path) as again:
            yield from _placed(path, again, 0.0)
        return
    for frame in frames:
        if not frame.samples:
            continue
        if frame.pts is not None:
            begin = (frame.pts * unit - origin) * frame.sample_rate
            if jumped:
                position = _snapped(begin, frame.samples, lead, size, unit * frame.sample_rate)
                jumped = False
            elif SMALLEST_GAP * frame.sample_rate < begin - position < LONGEST_GAP * frame.sample_rate:
                position = round(begin)
        yield position, frame
        position += frame.samples


def _snapped(begin: float, samples: int, first: int, size: int, unit: float) -> int:
    """The sample at which a frame begins whose time stamp is rounded to ``unit`` samples (Matroska: milliseconds).

    Frames end where the first one ended, or whole frames of ``size`` later::

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
"""Formats that hold the sound themselves; no play lists, which would make FFmpeg open other files."""

_UNTOLD = frozenset(("aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "truehd"))
"""Formats that do not tell their length; FFmpeg estimates it."""


def _open(path: Path) -> InputContainer:
    """The file, opened by PyAV, with at least one stream of sound that has a decoder."""
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
    try:
        container = av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{path}: is not audio of a known format, or its beginning is damaged.") from error
    if not container.streams.audio or container.streams.audio[0].codec_context is None:
        problem = "holds sound of an unknown codec" if container.streams.audio else "holds no sound"
        container.close()
        raise AudioError(f"{path}: {problem}.")
    return container


def _duration(path: Path, container: InputContainer) -> Seconds:
    """Length of the sound; packets are counted, not decoded, where the container does not tell it."""
    declared = _declared_duration(container)
    if declared and not _is_estimate(container) and not (container.format.name == "ogg" and _is_chained(path)):
        return _without_preskip(container, declared)
    first: Seconds | None = None
    last = total = 0.0
    for packet in _packets(container):
        if packet.size == 0 or packet.time_base is None:
            continue
        length = float((packet.duration or 0) * packet.time_base)
        total += length
        if packet.pts is not None:
            begin = float(packet.pts * packet.time_base)
            first = begin if first is None else first
            last = max(last, begin + length - first)
    counted = max(last, total)
    if abs(declared - counted) < 0.1:  # a header knows it to the sample, packets only to their length
        counted = declared
    return _without_preskip(container, counted)


def _packets(container: InputContainer) -> Iterator[Any]:
    """Packets of the first stream of sound, up to damage that FFmpeg cannot get over."""
    with contextlib.suppress(*_damage()):
        yield from container.demux(container.streams.audio[0])


def _damage() -> tuple[type[Exception], ...]:
    """What PyAV raises for damaged packets (IndexError: for one of a stream that the header has not)."""
    import av

    return av.error.FFmpegError, ValueError, IndexError


def _without_preskip(container: InputContainer, duration: Seconds) -> Seconds:
    """Opus in Ogg counts some samples that are decoded and not heard."""
    stream = container.streams.audio[0]
    if container.format.name == "ogg" and stream.codec_context.name == "opus":
        return duration - stream.codec_context.delay / stream.sample_rate
    return duration


def _is_chained(path: Path) -> bool:
    """Whether an Ogg file holds several streams one after the other, which FFmpeg's header does not tell."""
    with path.open("rb") as file:
        head = file.read(18)  # a page begins with OggS; the stream's number is in bytes 14 to 17
        file.seek(max(0, path.stat().st_size - (1 << 16)))  # a page has at most 65,307 bytes
        tail = file.read()
    last = tail.rfind(b"OggS")
    return tail[last + 14 : last + 18] != head[14:18]


def _is_estimate(container: InputContainer) -> bool:
    """Whether FFmpeg guesses the length from the size of the file."""
    if container.format.name == "mp3" and container.streams.audio[0].start_time:
        return False  # there is a header that tells the encoder's delay, and with it the length
    return container.format.name in _UNTOLD


def _declared_duration(container: InputContainer) -> Seconds:
    """Seconds from the beginning of the container to the end of its sound; 0 where it does not say."""
    stream = container.streams.audio[0]
    if stream.duration and stream.time_base:
        lead = 0.0
        if stream.start_time is not None and container.start_time is not None:
            lead = float(stream.start_time * stream.time_base) - container.start_time / 1e6
        return float(stream.duration * stream.time_base) + (lead if lead > SMALLEST_GAP else 0.0)
    return container.duration / 1e6 if container.duration else 0.0


def _frames(path: Path, container: InputContainer, packets: int | None = None) -> Iterator[Any]:
    """Decoded frames of the first stream of sound; bad packets are passed over and counted in a warning.

    Args:
        packets: to look at; all unless given.

    Raises:
        AudioError: most of the first packets are bad: the file is something else, or of no use.
    """
    import av

    good = bad = 0
    source = container.demux(container.streams.audio[0])
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
        raise AudioError(f"{path}: is damaged, or no sound; most of it cannot be decoded.")
    if bad and packets is None:
        logger.warning("%s: is damaged; packets of sound that cannot be decoded: %d.", path, bad)


def _mono(frame: Any) -> Samples:
    """Mean of the channels of a decoded frame, full scale at 1."""
    return mean(_channels(frame))


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


class _Kind(NamedTuple):
    """How sound is written: FFmpeg's container and codec, rates that it takes (none: any), bits a second a channel."""

    container: str
    codec: str
    rates: tuple[int, ...] = ()
    bits: int = 0


_KINDS = {
    ".wav": _Kind("wav", "pcm_s16le"),
    ".flac": _Kind("flac", "flac"),
    ".mp3": _Kind("mp3", "libmp3lame", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), 80_000),
    ".opus": _Kind("opus", "libopus", (48000,), 64_000),
    ".m4a": _Kind("ipod", "aac", (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000), 80_000),
}

SUFFIXES = tuple(_KINDS)
"""Of the files that can be written."""


def writable_rate(suffix: str, rate: int) -> int:
    """The least rate that such a file takes and that keeps all of ``rate``, or else the greatest."""
    rates = _KINDS[suffix].rates or (rate,)
    return min((one for one in rates if one >= rate), default=rates[-1])


def write(path: Path, rate: int, channels: int, sound: Iterable[Samples], comment: str) -> None:
    """Write pieces of samples [C, S] to a file of one of ``SUFFIXES``; ``comment`` can be read in it later.

    Args:
        rate: one that ``writable_rate`` gives.
        channels: C, 1 or 2.
    """
    import av

    kind, layout = _KINDS[path.suffix.lower()], "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format=kind.container) as container:
        container.metadata["comment"] = comment
        stream = container.add_stream(kind.codec, rate=rate, layout=layout)
        if kind.bits:
            stream.bit_rate = min(kind.bits, 4 * rate) * channels
        shaper = av.AudioResampler(stream.format, layout, rate, frame_size=stream.codec_context.frame_size or PIECE)
        position = 0

        def encode(shaped: list[AudioFrame]) -> None:
            nonlocal position
            for frame in shaped:
                frame.pts, frame.time_base = position, Fraction(1, rate)
                position += frame.samples
                container.mux(stream.encode(frame))

        for piece in sound:
            if piece.shape[1]:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", layout)
                frame.sample_rate = rate
                encode(shaper.resample(frame))
        encode(shaper.resample(None))
        container.mux(stream.encode(None))


def comment_of(path: Path) -> str:
    """The comment that a file carries, or ""; AudioError where it is no file with sound."""
    with _open(path) as container:
        tags = {**container.metadata, **container.streams.audio[0].metadata}
        return next((value for name, value in tags.items() if name.lower() == "comment"), "")
