"""Recordings as WAV files for browsers that cannot play the originals, kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from pathlib import Path

import anyio

from audiosearch.audio import wav_stream
from audiosearch.errors import AudioError
from audiosearch.files import folder_size
from audiosearch.types import Seconds

logger = logging.getLogger(__name__)

MAX_BYTES = 4 << 30
"""Maximum size of the cache; the least recently used files are deleted first."""


class Transcoding:
    """A WAV file being written, readable up to the current end."""

    def __init__(self, path: str, temporary: Path, target: Path, duration: Seconds, track: int | None) -> None:
        """Start decoding ``path`` in a thread, into ``temporary``, which is renamed to ``target`` when complete."""
        self.size = wav_stream.file_size(duration)
        self.readers = 0
        self._written = 0
        self._stopped = self._failed = False
        self._temporary, self._target = temporary, target
        temporary.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._thread = threading.Thread(target=self._decode, args=(Path(path), duration, track), daemon=True)
        self._thread.start()

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes from ``offset`` on, waiting until they are written."""
        while self._written <= offset and self._thread.is_alive():
            await anyio.sleep(0.02)
        return os.pread(self._descriptor, min(length, max(self._written - offset, 0)), offset)

    def failed(self) -> bool:
        """True if decoding failed."""
        return self._failed

    def over(self) -> bool:
        """True if the thread has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop decoding; an incomplete file is deleted."""
        self._stopped = True
        self._thread.join()
        os.close(self._descriptor)

    def _decode(self, path: Path, duration: Seconds, track: int | None) -> None:
        try:
            try:
                for piece in wav_stream.encode(path, duration, track):
                    os.pwrite(self._descriptor, piece, self._written)
                    self._written += len(piece)
                    if self._stopped:
                        break
            except AudioError as error:
                logger.warning("%s", error)
                os.ftruncate(self._descriptor, self.size)  # the rest is silence
                self._written = self.size
            if self._written == self.size:
                self._temporary.replace(self._target)
        except OSError as error:
            self._failed = True
            logger.warning("%s: cannot be decoded into the cache (%s).", path, error.strerror)
        finally:
            with contextlib.suppress(OSError):
                self._temporary.unlink(missing_ok=True)


class TranscodeCache:
    """Recordings that browsers do not play, as WAV files."""

    def __init__(self, folder: Path) -> None:
        """Store files in ``folder``/decoded."""
        self._folder = folder / "decoded"
        self._lock = threading.Lock()
        self._running: dict[str, Transcoding] = {}

    def get(self, identity: str) -> Path | None:
        """The complete file of a recording; None if there is none."""
        path = self._path(identity)
        with contextlib.suppress(OSError):
            os.utime(path)  # mark as recently used
            return path
        return None

    def begin(self, identity: str, path: str, duration: Seconds, track: int | None = None) -> Transcoding:
        """The running transcoding of a recording, to be released by ``end``."""
        with self._lock:
            self._close_unread()
            running = self._running.get(identity)
            if running is None or (running.failed() and not running.readers):
                self._sweep(wav_stream.file_size(duration))
                target = self._path(identity)
                running = Transcoding(path, target.with_suffix(f".{os.getpid()}"), target, duration, track)
                self._running[identity] = running
            running.readers += 1
            return running

    def end(self, running: Transcoding) -> None:
        """Release a transcoding of ``begin``."""
        with self._lock:
            running.readers -= 1
            self._close_unread()

    def _close_unread(self) -> None:
        for identity, transcoding in list(self._running.items()):
            if transcoding.over() and not transcoding.readers:
                self._running.pop(identity).stop()

    def size(self) -> int:
        """Bytes of the decoded files."""
        return folder_size(self._folder)

    def close(self) -> None:
        """Stop all transcodings."""
        with self._lock:
            for running in self._running.values():
                running.stop()
            self._running.clear()

    def _sweep(self, needed: int) -> None:
        """Delete the least recently used files until ``needed`` bytes are free."""
        with contextlib.suppress(OSError):
            files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._folder.iterdir())
            room = MAX_BYTES - needed - sum(size for _, size, _ in files)
            for _, size, path in files:
                if room >= 0:
                    break
                path.unlink(missing_ok=True)
                room += size

    def _path(self, identity: str) -> Path:
        return self._folder / f"{identity}.wav"
