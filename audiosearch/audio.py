"""Recordings to mono samples at the rate the model hears, in blocks, whatever their format.

soundfile reads what is stored uncompressed or as FLAC; PyAV reads everything else, and goes on where soundfile stops
at damage. (libsndfile ends at the first bad frame, knows half the length of a headerless VBR mp3 and only the first
part of a chained Ogg; FFmpeg does better at all three.) Only this file knows the two libraries.

Time counts as a player shows it. FFmpeg drops the encoder's delay where the file tells it (mp3 with a LAME header,
Opus, AAC in mp4); where it does not (bare .aac, .ts, .flv, .avi) sound comes about 25 ms late in every player.
Sound that begins later than the picture, and gaps between its packets, become silence, so that what follows keeps its
time. The chain, each stage working through small pieces::

    file → pieces at the file's rate, channels averaged → finite? → soxr → blocks
"""

from __future__ import annotations

import contextlib
import logging
import math
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audiosearch.errors import AudioError
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger(__name__)

Samples = NDArray[np.float32]

PIECE = 1 << 16
"""Samples taken at once from a file, in each channel."""

FIRST_PACKETS = 20
"""So many tell whether it is sound at all: in random bytes an mp3 decoder finds now and then a frame."""

LOWEST_RATE, HIGHEST_RATE = 1000, 10_000_000
"""Hz, of files."""

LARGEST_SAMPLE = 2.0**31
"""Floating-point files may hold any scale; beyond this they hold no sound."""

SMALLEST_GAP: Seconds = 0.05
"""Shorter gaps between time stamps are rounding."""

LONGEST_GAP: Seconds = 3600.0
"""Longer ones are wrong time stamps, where the file does not tell its length."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a recording is, before decoding.

    Args:
        duration: to within one codec frame.
        sample_rate: in Hz, of the file.
        channels: of the file.
        format: of the container where sound is stored plainly, else of the codec: wav, flac, mp3, opus, aac, …
    """

    duration: Seconds
    sample_rate: int
    channels: int
    format: str


def probe(path: str | Path) -> AudioInfo:
    """Length and format of a recording; packets are counted where no header tells the length, none is decoded.

    Raises:
        AudioError: it cannot be read, or holds no sound.
    """
    path = Path(path)
    info = _probe_plain(path) if _stored_plainly(_head(path)) else None
    if info is None:
        with _open_coded(path) as container:
            stream = container.streams.audio[0]
            codec = stream.codec_context.codec.canonical_name
            info = AudioInfo(_duration(path, container), stream.sample_rate, stream.channels, codec)
    _check_rate(path, info.sample_rate)
    if info.duration <= 0:
        raise AudioError(f"{path}: holds no samples.")
    return info


def is_audio(path: str | Path) -> bool:
    """Whether a file holds sound (or video with sound), judged by its content; False for what cannot be read."""
    path = Path(path)
    try:
        head = _head(path)
        if _stored_plainly(head):
            return True
        if head.startswith(_OTHER_FILES) or _is_text(head):
            return False
        with _open_coded(path) as container:
            return any(frame.samples for frame in list(_frames(path, container, FIRST_PACKETS)))
    except AudioError:
        return False


def read(path: str | Path, sample_rate: int) -> Samples:
    """The whole recording [S], mono, usually in [-1, 1] (floating-point files keep their scale).

    Raises:
        AudioError: it cannot be read, holds no samples, or samples that are not finite.
    """
    return np.concatenate(list(_resampled(Path(path), sample_rate)))


def read_blocks(path: str | Path, sample_rate: int, block_seconds: Seconds = 30.0) -> Iterator[Samples]:
    """The samples of ``read`` in blocks of ``block_seconds``, the last one shorter; little is held in memory.

    Raises:
        AudioError: as in ``read``, when the damage is reached.
    """
    length = round(block_seconds * sample_rate)
    if length < 1:
        raise ValueError(f"block_seconds must be at least one sample, not {block_seconds}")
    waiting: list[Samples] = []
    held = 0
    for piece in _resampled(Path(path), sample_rate):
        waiting.append(piece)
        held += len(piece)
        if held < length:
            continue
        joined = np.concatenate(waiting)
        whole = held - held % length
        for start in range(0, whole, length):
            yield joined[start : start + length].copy()
        waiting, held = [joined[whole:].copy()], held - whole
    if held:
        yield np.concatenate(waiting)


class _Piece(NamedTuple):
    """Some mono samples at the file's own rate."""

    rate: int
    samples: Samples


def _resampled(path: Path, sample_rate: int) -> Iterator[Samples]:
    """Pieces of the recording at ``sample_rate``; at least one sample in all, or AudioError."""
    import soxr

    given = 0
    rate, stream = sample_rate, None
    for piece in _checked(path, _pieces(path)):
        if piece.rate != rate:  # at the first piece; afterwards only in chained streams
            if stream is not None:
                yield stream.resample_chunk(np.empty(0, np.float32), last=True)
            rate = piece.rate
            _check_rate(path, rate)
            stream = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32") if rate != sample_rate else None
        samples = piece.samples if stream is None else stream.resample_chunk(piece.samples)
        given += len(samples)
        if len(samples):
            yield samples
    if stream is not None:
        samples = stream.resample_chunk(np.empty(0, np.float32), last=True)
        given += len(samples)
        yield samples
    if not given:
        raise AudioError(f"{path}: holds no samples.")


def _checked(path: Path, pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same pieces; AudioError at the first sample that is no plausible number."""
    elapsed: Seconds = 0.0
    for rate, samples in pieces:
        # written so that NaN, which is neither, fails too
        if not (samples.min() >= -LARGEST_SAMPLE and samples.max() <= LARGEST_SAMPLE):
            bad = int(np.argmin(np.abs(samples) <= LARGEST_SAMPLE))
            when = elapsed + bad / rate
            raise AudioError(f"{path}: the sample at {when:.3f} s is {samples[bad]:g}, which is no sound.")
        elapsed += len(samples) / rate
        yield _Piece(rate, samples)


def _check_rate(path: Path, rate: int) -> None:
    """AudioError for a rate that only a damaged header has, and that would stretch sound without end."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"{path}: has {rate} samples a second, which is no sound.")


def _pieces(path: Path) -> Iterator[_Piece]:
    """All that can be decoded, by soundfile as far as it gets, then by PyAV; no piece is empty."""
    done, rate = 0, 1
    if _stored_plainly(_head(path)):
        import soundfile

        try:
            with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                rate, expected = sound.samplerate, sound.frames
                while len(samples := sound.read(PIECE, dtype="float32", always_2d=True)):
                    done += len(samples)
                    yield _Piece(rate, _mean(samples.T))
            if done and done >= expected:
                return
        except (soundfile.SoundFileError, OSError) as error:
            logger.debug("%s: soundfile stops after %d samples (%s)", path, done, error)
    skip = done
    try:
        for piece in _coded_pieces(path):
            if skip < len(piece.samples):
                yield _Piece(piece.rate, piece.samples[skip:])
            skip = max(0, skip - len(piece.samples))
    except AudioError:
        if not done:
            raise
        logger.warning("%s: is damaged; what comes after %.1f s cannot be read.", path, done / rate)


# What lies in the file


def _head(path: Path) -> bytes:
    """The first bytes of a regular file; never waits for a pipe or a device."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            with path.open("rb") as file:
                head = file.read(1024)
            if head:
                return head
            raise AudioError(f"{path}: is empty.")
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:  # a null character in the name
        raise AudioError(f"{str(path)!r}: is not the name of a file.") from error
    raise AudioError(f"{path}: is {'a folder' if stat.S_ISDIR(kind) else 'not a regular file'}; give an audio file.")


def _stored_plainly(head: bytes) -> bool:
    """Whether soundfile is the one to read it."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC", b"8SVX", b"16SV")
    return head.startswith((b"fLaC", b".snd", b"caff", b"riff\x2e\x91\xcf\x11", b"NIST_1A", b"Creative Voice File"))


_OTHER_FILES = (
    b"%PDF",
    b"PK\x03\x04",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x7fELF",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"BZh",
    b"\xfd7zXZ",
    b"SQLite format",
)


def _is_text(head: bytes) -> bool:
    try:
        text = head[:-4].decode() if len(head) > 4 else head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            return False
        text = head[: error.start].decode()
    return all(character >= " " or character in "\t\n\r\f\x1b" for character in text)


def _probe_plain(path: Path) -> AudioInfo | None:
    """What soundfile says; None where it cannot read the file or the header does not tell the length."""
    import soundfile

    try:
        with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            if not 0 < sound.frames < 1 << 48:
                return None
            return AudioInfo(sound.frames / sound.samplerate, sound.samplerate, sound.channels, sound.format.lower())
    except (soundfile.SoundFileError, OSError):
        return None


# What PyAV reads

_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,ircam,loas,matroska,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,"
    "mxf,nistsphere,nut,ogg,oma,rm,sox,tak,truehd,tta,voc,w64,wav,webm,wtv,wv,xwma"
)
"""Formats that hold the sound themselves; no play lists, which would make FFmpeg open other files."""

_UNTOLD = frozenset(("aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "truehd"))
"""Formats that do not tell their length; FFmpeg estimates it."""


def _open_coded(path: Path) -> InputContainer:
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


def _coded_pieces(path: Path) -> Iterator[_Piece]:
    """Decoded sound, with silence where time stamps leave a gap."""
    with _open_coded(path) as container:
        start = (container.start_time or 0) / 1e6
        longest = container.duration / 1e6 + 1 if container.duration else math.inf
        declared = 0.0 if _is_estimate(container) else _declared_duration(container)
        unit = float(container.streams.audio[0].time_base or 0)
        elapsed: Seconds = 0.0
        joiner = _Joiner()
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


class _Joiner:
    """Joins the short frames of a codec into pieces worth a call of the resampler."""

    def __init__(self) -> None:
        self.rate = 0
        self.waiting: list[Samples] = []
        self.held = 0

    def add(self, rate: int, samples: Samples) -> Iterator[_Piece]:
        """The pieces that become whole with ``samples``."""
        if rate != self.rate:
            yield from self.rest()
            self.rate = rate
        self.waiting.append(samples)
        self.held += len(samples)
        if self.held >= PIECE // 4:
            yield from self.rest()

    def rest(self) -> Iterator[_Piece]:
        """What is held."""
        if self.held:
            yield _Piece(self.rate, np.concatenate(self.waiting))
        self.waiting, self.held = [], 0


def _mono(frame: Any) -> Samples:
    """Mean of the channels of a decoded frame, full scale at 1."""
    samples = frame.to_ndarray()  # planar: [channels, S], packed: [1, S·channels]
    if samples.shape[1] != frame.samples:
        samples = samples.reshape(frame.samples, -1).T
    if samples.dtype.kind == "u":  # 8 bits
        samples = (samples.astype(np.float32) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / float(2 ** (8 * samples.dtype.itemsize - 1))
    return _mean(samples)


def _mean(samples: NDArray[Any]) -> Samples:
    """[channels, S] → [S]"""
    if len(samples) == 1:
        alone: Samples = samples[0].astype(np.float32, copy=False)
        return alone
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is reported later
        mean: Samples = samples.mean(axis=0, dtype=np.float32)
    return mean
