"""What is made of recordings for the page, kept in the user's cache folder: it may be deleted at any time."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path

import anyio

from audiosearch.audio import wav_stream as wave
from audiosearch.audio.waveform import Peaks, measure
from audiosearch.errors import AudioError
from audiosearch.types import Seconds

logger = logging.getLogger(__name__)

KEPT_PEAKS = 64
"""Recordings whose peaks stay in memory."""

MOST_DECODED = 4 << 30
"""Bytes of decoded recordings in the cache; those that were asked for longest ago go first."""

_MAGIC = b"audiosearch peaks 1\n"


def cache_folder() -> Path:
    """Where programs of this user keep what they can make again."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("audiosearch", appauthor=False))


class PeakCache:
    """Peaks of recordings, measured one after the other when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        """Keep them in ``folder``/peaks."""
        self._folder = folder / "peaks"
        self._lock = threading.Lock()
        self._measuring = threading.Lock()
        self._kept: OrderedDict[str, Peaks] = OrderedDict()

    def known(self, identity: str) -> Peaks | None:
        """The peaks of a recording, if they have been measured."""
        with self._lock:
            if identity in self._kept:
                self._kept.move_to_end(identity)
                return self._kept[identity]
        with contextlib.suppress(OSError):
            packed = self._path(identity).read_bytes()
            half, odd = divmod(len(packed) - len(_MAGIC), 2)
            if packed.startswith(_MAGIC) and not odd:
                return self._keep(identity, Peaks(packed[len(_MAGIC) : len(_MAGIC) + half], packed[-half or 1 :]))
        return None

    def measured(self, identity: str, path: str) -> Peaks:
        """The peaks of a recording, measured in that file if need be.

        Raises:
            AudioError: it cannot be read.
        """
        with self._measuring:
            if peaks := self.known(identity):
                return peaks
            peaks = self._keep(identity, measure(path))
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            self._path(identity).parent.mkdir(parents=True, exist_ok=True)
            made = self._path(identity).with_suffix(f".{os.getpid()}")
            made.write_bytes(_MAGIC + peaks.highest + peaks.effective)
            made.replace(self._path(identity))
        return peaks

    def _keep(self, identity: str, peaks: Peaks) -> Peaks:
        with self._lock:
            self._kept[identity] = peaks
            while len(self._kept) > KEPT_PEAKS:
                self._kept.popitem(last=False)
        return peaks

    def _path(self, identity: str) -> Path:
        return self._folder / identity[:2] / identity


class Decoding:
    """A recording that becomes a WAV file; what is written already can be read."""

    def __init__(self, path: str, made: Path, kept: Path, duration: Seconds) -> None:
        """Begin to decode ``path`` in a thread: into ``made``, which gets the name ``kept`` when it is whole."""
        self.size = wave.size(duration)
        self.readers = 0
        self._written = 0
        self._stopped = self._failed = False
        self._made, self._kept = made, kept
        made.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._thread = threading.Thread(target=self._decode, args=(Path(path), duration), daemon=True)
        self._thread.start()

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes from there on, when they are there."""
        while self._written <= offset and self._thread.is_alive():
            await anyio.sleep(0.02)
        return os.pread(self._descriptor, min(length, max(self._written - offset, 0)), offset)

    def failed(self) -> bool:
        """Whether it is of no use any more."""
        return self._failed

    def over(self) -> bool:
        """Whether nothing more will be written."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End; what is not whole is deleted."""
        self._stopped = True
        self._thread.join()
        os.close(self._descriptor)

    def _decode(self, path: Path, duration: Seconds) -> None:
        try:
            try:
                for piece in wave.write(path, duration):
                    os.pwrite(self._descriptor, piece, self._written)
                    self._written += len(piece)
                    if self._stopped:
                        break
            except AudioError as error:
                logger.warning("%s", error)
                os.ftruncate(self._descriptor, self.size)  # the rest is silence
                self._written = self.size
            if self._written == self.size:
                self._made.replace(self._kept)
        except OSError as error:
            self._failed = True
            logger.warning("%s: cannot be decoded into the cache (%s).", path, error.strerror)
        finally:
            with contextlib.suppress(OSError):
                self._made.unlink(missing_ok=True)


class DecodedCache:
    """Recordings that browsers do not play, as WAV files."""

    def __init__(self, folder: Path) -> None:
        """Keep them in ``folder``/decoded."""
        self._folder = folder / "decoded"
        self._lock = threading.Lock()
        self._running: dict[str, Decoding] = {}

    def known(self, identity: str) -> Path | None:
        """The file of a recording, if it is whole."""
        path = self._path(identity)
        with contextlib.suppress(OSError):
            os.utime(path)  # so that it goes last
            return path
        return None

    def begin(self, identity: str, path: str, duration: Seconds) -> Decoding:
        """The recording as it is being decoded; to be given back by ``end``."""
        with self._lock:
            self._close_unread()
            running = self._running.get(identity)
            if running is None or (running.failed() and not running.readers):
                self._sweep(wave.size(duration))
                kept = self._path(identity)
                running = Decoding(path, kept.with_suffix(f".{os.getpid()}"), kept, duration)
                self._running[identity] = running
            running.readers += 1
            return running

    def end(self, running: Decoding) -> None:
        """Take back what ``begin`` gave."""
        with self._lock:
            running.readers -= 1
            self._close_unread()

    def _close_unread(self) -> None:
        for identity, one in list(self._running.items()):
            if one.over() and not one.readers:
                self._running.pop(identity).stop()

    def close(self) -> None:
        """Stop all decoding."""
        with self._lock:
            for running in self._running.values():
                running.stop()
            self._running.clear()

    def _sweep(self, needed: int) -> None:
        """Delete files until there is room."""
        with contextlib.suppress(OSError):
            files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._folder.iterdir())
            room = MOST_DECODED - needed - sum(size for _, size, _ in files)
            for _, size, path in files:
                if room >= 0:
                    break
                path.unlink(missing_ok=True)
                room += size

    def _path(self, identity: str) -> Path:
        return self._folder / f"{identity}.wav"
