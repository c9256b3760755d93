"""Peaks of recordings for waveforms, kept in the user's cache folder, which may be deleted at any time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from pathlib import Path

from audiosearch.audio.waveform import Peaks, compute_peaks
from audiosearch.files import folder_size

MAX_PEAKS = 64
"""Maximum number of recordings whose peaks are in memory."""

_MAGIC = b"audiosearch peaks 1\n"


class PeakCache:
    """Peaks of recordings, measured on first request, one recording at a time."""

    def __init__(self, folder: Path) -> None:
        """Store peaks in ``folder``/peaks."""
        self._folder = folder / "peaks"
        self._lock = threading.Lock()
        self._measuring = threading.Lock()
        self._peaks: OrderedDict[str, Peaks] = OrderedDict()

    def get(self, identity: str) -> Peaks | None:
        """The peaks of a recording; None if they are not measured yet."""
        with self._lock:
            if identity in self._peaks:
                self._peaks.move_to_end(identity)
                return self._peaks[identity]
        with contextlib.suppress(OSError):
            packed = self._path(identity).read_bytes()
            half, odd = divmod(len(packed) - len(_MAGIC), 2)
            if packed.startswith(_MAGIC) and not odd:
                return self._keep(identity, Peaks(packed[len(_MAGIC) : len(_MAGIC) + half], packed[-half or 1 :]))
        return None

    def get_or_measure(self, identity: str, path: str, track: int | None = None) -> Peaks:
        """The peaks of a recording, measured from its file if necessary.

        Raises:
            AudioError: the file cannot be read.
        """
        with self._measuring:
            if peaks := self.get(identity):
                return peaks
            peaks = self._keep(identity, compute_peaks(path, track))
        with contextlib.suppress(OSError):  # an unwritable cache costs only time
            self._path(identity).parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path(identity).with_suffix(f".{os.getpid()}")
            temporary.write_bytes(_MAGIC + peaks.highest + peaks.effective)
            temporary.replace(self._path(identity))
        return peaks

    def size(self) -> int:
        """Bytes of the stored peaks."""
        return folder_size(self._folder)

    def _keep(self, identity: str, peaks: Peaks) -> Peaks:
        with self._lock:
            self._peaks[identity] = peaks
            while len(self._peaks) > MAX_PEAKS:
                self._peaks.popitem(last=False)
        return peaks

    def _path(self, identity: str) -> Path:
        return self._folder / identity[:2] / identity
