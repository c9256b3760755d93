"""Files without usable sound that were reported, so that later runs pass over them until they change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from audiosearch.files import atomic_write
from audiosearch.settings import cache_folder, is_url
from indexer.types import Location


class UnreadableFiles:
    """The files that runs for one index found unreadable, kept in the cache folder.

    A file counts as changed with its size, or the time of its content, name, owner or permissions; all do with another
    version of audiosearch or of its decoders.

    Args:
        store: path or URL of the index.
        selection: label of the sound that is recognized, since a file may lack one track or channel only.
    """

    def __init__(self, store: str, selection: str = "") -> None:
        name = store if is_url(store) else str(Path(store).expanduser().resolve())
        name += f" {selection}" if selection else ""
        self._path = cache_folder() / "unreadable" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
        self._program = " ".join(map(_version, ("audiosearch", "av", "soundfile")))
        self._states = self._stored()
        self.skipped = 0

    def _stored(self) -> dict[str, list[int]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return dict(content["files"]) if content["program"] == self._program else {}
        except (OSError, ValueError, KeyError, TypeError):  # absent, or damaged
            return {}

    def skip(self, location: Location) -> bool:
        """True for a file that was unreadable and has not changed; it is counted."""
        is_known = location.path in self._states and self._states[location.path] == _state(location)
        self.skipped += is_known
        return is_known

    def add(self, locations: Iterable[Location]) -> None:
        """Add files, unless they have changed since they were located."""
        for location in locations:
            if state := _state(location):
                self._states[location.path] = state

    def save(self) -> None:
        """Write the files that still exist; a cache that cannot be written is none."""
        states = {**self._stored(), **self._states}  # another run may have added some
        files = {path: state for path, state in states.items() if Path(path).exists()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._path) as temporary:
                temporary.write_text(json.dumps({"program": self._program, "files": files}), encoding="utf-8")
        except OSError:
            pass


def _state(location: Location) -> list[int] | None:
    """Size and times of a file; None if they are no longer those of its location."""
    try:
        status = Path(location.path).stat()
    except OSError:
        return None
    if (status.st_size, status.st_mtime_ns) != (location.size, location.modified_ns):
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
