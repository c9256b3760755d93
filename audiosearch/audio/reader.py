"""Recordings of any format as mono samples at the model's sample rate, in blocks.

soundfile reads uncompressed files and FLAC; PyAV (``ffmpeg/``) reads everything else, and continues if soundfile
stops at damage. (libsndfile stops at the first bad frame, reads only a part of a VBR mp3 without a header and only the
first stream of a chained Ogg; FFmpeg reads all of them.) Each stage works on small pieces::

    file → pieces at the file's rate, one signal or several (channels/) → mended → soxr → blocks

Legend: C channels, K voices, S samples.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiosearch.audio import ffmpeg
from audiosearch.audio.channels.crosstalk import without_crosstalk
from audiosearch.audio.channels.mixing import mixed
from audiosearch.audio.file_parts import open_samples
from audiosearch.audio.formats import HEAD_BYTES, is_not_audio, is_uncompressed
from audiosearch.audio.samples import PIECE_SAMPLES, AudioInfo, Piece, Samples, Sound, mix_down
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

__all__ = [
    "AudioInfo",
    "Sound",
    "convert",
    "is_audio",
    "probe",
    "read",
    "read_blocks",
    "read_span",
    "read_voices",
    "require_audio",
]

logger = logging.getLogger(__name__)

MIN_RATE, MAX_RATE = 1000, 10_000_000
"""Plausible sample rates of files, in Hz."""

MAX_SAMPLE = 2.0**31
"""Largest plausible magnitude; floating-point files may have any scale below it."""


def probe(path: str | Path, track: int | None = None) -> AudioInfo:
    """Read duration and format of a recording without decoding it.

    If no header states the duration, packets are counted.

    Args:
        track: number of the audio track, from 1 on; None: the default track, or the first that is not silent.

    Raises:
        AudioError: the file cannot be read, or contains no audio, or no such track.
    """
    path = Path(path)
    info = _probe_uncompressed(path) if _is_plain(path, track) else None
    if info is None:
        info = ffmpeg.probe(path, track)
    _check_rate(path, info.sample_rate)
    if info.duration <= 0:
        raise AudioError(f"{path}: contains no samples.")
    return info


def is_audio(path: str | Path) -> bool:
    """Return True if the content of a file is audio, or video with audio; False if it cannot be read."""
    try:
        require_audio(path)
    except AudioError:
        return False
    return True


def require_audio(path: str | Path) -> None:
    """Raise AudioError with the reason if the content of a file is not audio that can be decoded."""
    path = Path(path)
    if not is_uncompressed(_head(path)) and not ffmpeg.can_decode(path):
        raise AudioError(f"{path}: holds no sound that can be decoded.")


def read(path: str | Path, sample_rate: int) -> Samples:
    """Read a whole recording [S], mono, usually in [-1, 1] (floating-point files keep their scale).

    Raises:
        AudioError: the file cannot be read, or has no samples, or most are not finite.
    """
    return np.concatenate(list(_resampled(Path(path), sample_rate)))


def read_blocks(
    path: str | Path, sample_rate: int, block_seconds: Seconds = 30.0, *, track: int | None = None
) -> Iterator[Samples]:
    """Yield the samples of ``read`` in blocks of ``block_seconds``, the last one shorter, in bounded memory.

    Args:
        track: as in ``probe``.

    Raises:
        AudioError: as in ``read``; raised when the damage is reached.
    """
    return _blocks(_resampled(Path(path), sample_rate, track=track), round(block_seconds * sample_rate))


def read_voices(
    path: str | Path,
    sample_rate: int,
    channels: Sequence[int],
    block_seconds: Seconds = 30.0,
    *,
    track: int | None = None,
) -> Iterator[Samples]:
    """Yield blocks [K, S] of channels, counted from 0, without cross-talk; see ``read_blocks``."""
    pieces = _checked(Path(path), without_crosstalk(_pieces(Path(path), track), channels))
    return _blocks(_resampled(Path(path), sample_rate, pieces), round(block_seconds * sample_rate))


def _blocks(pieces: Iterable[Samples], length: int) -> Iterator[Samples]:
    """Samples [S] or [K, S] in blocks of a length."""
    if length < 1:
        raise ValueError(f"blocks have at least one sample, not {length}")
    pending: list[Samples] = []
    count = 0
    for piece in pieces:
        pending.append(piece)
        count += piece.shape[-1]
        if count < length:
            continue
        joined = np.concatenate(pending, axis=-1)
        whole = count - count % length
        for start in range(0, whole, length):
            yield joined[..., start : start + length].copy()
        pending, count = [joined[..., whole:].copy()], count - whole
    if count:
        yield np.concatenate(pending, axis=-1)


def read_span(path: str | Path, start: Seconds, end: Seconds, *, track: int | None = None) -> Sound:
    """Read the span from ``start`` to ``end`` with its channels, exact to the sample.

    Sound before the span is not decoded. At the end of the recording the span is shorter.

    Args:
        track: as in ``probe``.

    Raises:
        AudioError: the file cannot be read or ends before ``start``.
    """
    path = Path(path)
    if not 0 <= start < end:
        raise ValueError(f"a span begins at 0 or later and ends after it begins, not {start} to {end}")
    sound = _span_uncompressed(path, start, end) if _is_plain(path, track) else None
    if sound is None:
        parts = ffmpeg.decode_span(path, start, end, track)
        sound = parts[0] if len(parts) == 1 else _joined(parts)
    _check_rate(path, sound.rate)
    if not np.abs(sound.samples).max(initial=0.0) <= MAX_SAMPLE:  # written for NaN to fail too
        sound = Sound(sound.rate, np.stack([_mended(channel)[0] for channel in sound.samples]))
    return sound


def convert(sound: Sound, rate: int, channels: int) -> Sound:
    """Convert a sound to another sample rate and to one or two channels; more than two are averaged."""
    samples = sound.samples
    if sound.channels != channels and (channels == 1 or sound.channels > 2):
        samples = mix_down(samples)[None]
    if len(samples) < channels:
        samples = np.repeat(samples, channels, axis=0)
    if sound.rate != rate:
        import soxr

        samples = np.ascontiguousarray(soxr.resample(np.ascontiguousarray(samples.T), sound.rate, rate).T)
    return Sound(rate, samples)


def _joined(parts: list[Sound]) -> Sound:
    """Parts with several rates and channels as one sound, at the highest rate."""
    rate = max(part.rate for part in parts)
    channels = 1 if all(part.channels == 1 for part in parts) else 2
    return Sound(rate, np.concatenate([convert(part, rate, channels).samples for part in parts], axis=1))


def _resampled(
    path: Path, sample_rate: int, pieces: Iterable[Piece] | None = None, track: int | None = None
) -> Iterator[Samples]:
    """Yield pieces of the recording at ``sample_rate``; AudioError if there is no sample at all.

    Args:
        pieces: [S] or [K, S] of the recording; default: one signal of all channels.
    """
    import soxr

    count = 0
    rate, stream, tail = sample_rate, None, np.empty(0, np.float32)
    for piece in _checked(path, mixed(path, _pieces(path, track))) if pieces is None else pieces:
        if piece.rate != rate:  # the first piece, or the next stream of a chained file
            if stream is not None:
                yield stream.resample_chunk(tail.T, last=True).T
            rate, tail = piece.rate, piece.samples[..., :0]
            _check_rate(path, rate)
            voices = 1 if piece.samples.ndim == 1 else len(piece.samples)
            stream = soxr.ResampleStream(rate, sample_rate, voices, dtype="float32") if rate != sample_rate else None
        samples = piece.samples if stream is None else stream.resample_chunk(np.ascontiguousarray(piece.samples.T)).T
        count += samples.shape[-1]
        if samples.shape[-1]:
            yield samples
    if stream is not None:
        samples = stream.resample_chunk(np.ascontiguousarray(tail.T), last=True).T
        count += samples.shape[-1]
        yield samples
    if not count:
        raise AudioError(f"{path}: contains no samples.")


def _checked(path: Path, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield the pieces with implausible and non-finite samples mended, counted in a warning at the end.

    Raises:
        AudioError: most samples of a piece are bad.
    """
    elapsed: Seconds = 0.0
    count, first = 0, 0.0
    for rate, samples in pieces:
        # written for NaN to fail too
        if not (samples.min() >= -MAX_SAMPLE and samples.max() <= MAX_SAMPLE):
            mended = [_mended(channel) for channel in np.atleast_2d(samples)]
            samples = np.stack([channel for channel, _ in mended]).reshape(samples.shape)
            bad = np.sort(np.concatenate([wrong for _, wrong in mended]))
            if len(bad) > samples.size / 2:
                raise AudioError(f"{path}: most samples after {elapsed:.3f} s are no numbers, or not audio.")
            first = first if count else elapsed + bad[0] / rate
            count += len(bad)
        elapsed += samples.shape[-1] / rate
        yield Piece(rate, samples)
    if count:
        logger.warning("%s: samples that are no audio (not finite, or huge) and were mended: %d, the first at %.3f s.",
                       path, count, first)  # fmt: skip


def _mended(samples: Samples) -> tuple[Samples, NDArray[np.intp]]:
    """Samples [S] with bad ones interpolated, and the indices of these."""
    good = np.abs(samples) <= MAX_SAMPLE
    bad = np.flatnonzero(~good)
    whole = samples.copy()
    whole[bad] = np.interp(bad, np.flatnonzero(good), samples[good]) if good.any() else 0
    return whole, bad


def _check_rate(path: Path, rate: int) -> None:
    """Raise AudioError for a rate that only a damaged header has, since resampling from it would need huge memory."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(f"{path}: has {rate} samples per second, which is not audio.")


def _pieces(path: Path, track: int | None = None) -> Iterator[Piece]:
    """Yield all decodable samples, by soundfile up to its first error, then by PyAV; no piece is empty."""
    done, rate = 0, 1
    if _is_plain(path, track):
        import soundfile

        try:
            with open_samples(path) as (file, header), soundfile.SoundFile(file, closefd=False) as sound:
                rate, expected = sound.samplerate, sound.frames
                if header.is_short:
                    logger.warning("%s: is longer than its header says; all of it is read.", path)
                while len(samples := sound.read(PIECE_SAMPLES, dtype="float32", always_2d=True)):
                    done += len(samples)
                    yield Piece(rate, np.ascontiguousarray(samples.T))
            if done and done >= expected:
                if done / rate * (header.excess - 1) > 1:
                    logger.warning(
                        "%s: ends after %.1f s, but should last %.1f s.", path, done / rate, done / rate * header.excess
                    )
                return
        except (soundfile.SoundFileError, OSError) as error:
            logger.debug("%s: soundfile stops after %d samples (%s)", path, done, error)
    skip = done
    try:
        for piece in ffmpeg.decode(path, track):
            length = piece.samples.shape[1]
            if skip < length:
                yield Piece(piece.rate, piece.samples[:, skip:])
            skip = max(0, skip - length)
    except AudioError:
        if not done:
            raise
        logger.warning("%s: is damaged; what comes after %.1f s cannot be read.", path, done / rate)


# Files


def _head(path: Path) -> bytes:
    """Read the first bytes of a regular file; pipes and devices, which may block, are refused."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            if not head:
                raise AudioError(f"{path}: is empty.")
            if is_not_audio(head):
                raise AudioError(f"{path}: is not audio of a known format, or its beginning is damaged.")
            return head
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:  # a null character in the name
        raise AudioError(f"{str(path)!r}: is not the name of a file.") from error
    raise AudioError(f"{path}: is {'a folder' if stat.S_ISDIR(kind) else 'not a regular file'}; give an audio file.")


def _is_plain(path: Path, track: int | None = None) -> bool:
    """True for one file of uncompressed samples or FLAC, not several joined, which soundfile reads.

    Raises:
        AudioError: such a file has no track of this number, since it has one.
    """
    is_plain = is_uncompressed(_head(path)) and ffmpeg.parts_of(path) == [None]
    if is_plain and track not in (None, 1):
        raise AudioError(f"{path}: has one audio track, and no track {track}.")
    return is_plain


def _probe_uncompressed(path: Path) -> AudioInfo | None:
    """Read properties by soundfile; None if it cannot read the file or the header does not state the length."""
    import soundfile

    try:
        with open_samples(path) as (file, header), soundfile.SoundFile(file, closefd=False) as sound:
            if not 0 < sound.frames < 1 << 48:
                return None
            duration = sound.frames / sound.samplerate
            return AudioInfo(duration, sound.samplerate, sound.channels, sound.format.lower(), not header.is_short)
    except (soundfile.SoundFileError, OSError):
        return None


def _span_uncompressed(path: Path, start: Seconds, end: Seconds) -> Sound | None:
    """Read a span by soundfile; None if the file ends before the length in its header."""
    import soundfile

    try:
        with open_samples(path) as (file, _), soundfile.SoundFile(file, closefd=False) as sound:
            rate, frames = sound.samplerate, sound.frames
            first, last = round(start * rate), min(round(end * rate), frames)
            if first >= last:
                return None
            sound.seek(first)
            samples = sound.read(last - first, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError):
        return None
    return Sound(rate, np.ascontiguousarray(samples.T)) if len(samples) == last - first else None
