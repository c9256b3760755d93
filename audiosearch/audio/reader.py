"""Recordings to mono samples at the rate the model hears, in blocks, whatever their format.

soundfile reads what is stored uncompressed or as FLAC; PyAV (``coded.py``) reads everything else, and goes on where
soundfile stops at damage. (libsndfile ends at the first bad frame, finds a part of a headerless VBR mp3 and only the
first part of a chained Ogg; FFmpeg does better at all three.) Each stage works through small pieces::

    file → pieces at the file's rate, channels averaged → finite? → soxr → blocks
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audiosearch.audio import ffmpeg as coded
from audiosearch.audio.samples import PIECE, AudioInfo, Piece, Samples, Sound, mean
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

__all__ = ["AudioInfo", "Sound", "converted", "is_audio", "probe", "read", "read_blocks", "read_span"]

logger = logging.getLogger(__name__)

LOWEST_RATE, HIGHEST_RATE = 1000, 10_000_000
"""Hz, of files."""

LARGEST_SAMPLE = 2.0**31
"""Floating-point files may hold any scale; beyond this they hold no sound."""


def probe(path: str | Path) -> AudioInfo:
    """Length and format of a recording; packets are counted where no header tells the length, none is decoded.

    Raises:
        AudioError: it cannot be read, or holds no sound.
    """
    path = Path(path)
    info = _probe_plain(path) if _stored_plainly(_head(path)) else None
    if info is None:
        info = coded.probe(path)
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
        return coded.can_decode(path)
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


def read_span(path: str | Path, start: Seconds, end: Seconds) -> Sound:
    """The sound from ``start`` to ``end`` with its channels, exact to the sample; less where the recording ends before.

    What lies before is passed over without being decoded.

    Raises:
        AudioError: it cannot be read, ends before ``start``, or samples are not finite.
    """
    path = Path(path)
    if not 0 <= start < end:
        raise ValueError(f"a span begins at 0 or later and ends after it begins, not {start} to {end}")
    sound = _span_plain(path, start, end) if _stored_plainly(_head(path)) else None
    if sound is None:
        sound = coded.span(path, start, end)
    _check_rate(path, sound.rate)
    largest = np.abs(sound.samples).max(initial=0.0)
    if not largest <= LARGEST_SAMPLE:  # or it is not a number
        raise AudioError(
            f"{path}: between {start:.3f} and {end:.3f} s there is a sample of {largest:g}, which is no sound."
        )
    return sound


def converted(sound: Sound, rate: int, channels: int) -> Sound:
    """The same sound at another rate, with one channel or two; more than two are averaged."""
    samples = sound.samples
    if sound.channels != channels and (channels == 1 or sound.channels > 2):
        samples = mean(samples)[None]
    if len(samples) < channels:
        samples = np.repeat(samples, channels, axis=0)
    if sound.rate != rate:
        import soxr

        samples = np.ascontiguousarray(soxr.resample(np.ascontiguousarray(samples.T), sound.rate, rate).T)
    return Sound(rate, samples)


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


def _checked(path: Path, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces; AudioError at the first sample that is no plausible number."""
    elapsed: Seconds = 0.0
    for rate, samples in pieces:
        # written so that NaN, which is neither, fails too
        if not (samples.min() >= -LARGEST_SAMPLE and samples.max() <= LARGEST_SAMPLE):
            bad = int(np.argmin(np.abs(samples) <= LARGEST_SAMPLE))
            when = elapsed + bad / rate
            raise AudioError(f"{path}: the sample at {when:.3f} s is {samples[bad]:g}, which is no sound.")
        elapsed += len(samples) / rate
        yield Piece(rate, samples)


def _check_rate(path: Path, rate: int) -> None:
    """AudioError for a rate that only a damaged header has, and that would stretch sound without end."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"{path}: has {rate} samples a second, which is no sound.")


def _pieces(path: Path) -> Iterator[Piece]:
    """All that can be decoded, by soundfile as far as it gets, then by PyAV; no piece is empty."""
    done, rate = 0, 1
    if _stored_plainly(_head(path)):
        import soundfile

        try:
            with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                rate, expected = sound.samplerate, sound.frames
                while len(samples := sound.read(PIECE, dtype="float32", always_2d=True)):
                    done += len(samples)
                    yield Piece(rate, mean(samples.T))
            if done and done >= expected:
                return
        except (soundfile.SoundFileError, OSError) as error:
            logger.debug("%s: soundfile stops after %d samples (%s)", path, done, error)
    skip = done
    try:
        for piece in coded.pieces(path):
            if skip < len(piece.samples):
                yield Piece(piece.rate, piece.samples[skip:])
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


def _span_plain(path: Path, start: Seconds, end: Seconds) -> Sound | None:
    """What soundfile reads of a span; None where it stops before the end that the header tells."""
    import soundfile

    try:
        with path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            rate, frames = sound.samplerate, sound.frames
            first, last = round(start * rate), min(round(end * rate), frames)
            if first >= last:
                return None
            sound.seek(first)
            samples = sound.read(last - first, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError):
        return None
    return Sound(rate, np.ascontiguousarray(samples.T)) if len(samples) == last - first else None
