"""Folders → what is new, moved, copied, changed or gone since the index was written.

A recording is its content: the hash of its bytes. A file whose path, size and time of change the index knows is not
read again; any other is hashed when it sounds like audio, so that a renamed one is recognized.

Each location of a known recording R ends in one of three sets:

    seen      R was met there now
    dead      nothing is there any more, or something else is
    kept      not looked at, or not to be judged: outside the given paths, unreadable, on a drive that is not mounted

    seen     → R is alive: its locations become seen + kept, whatever happened to the others
    no seen  → R stays as it is, and ``Gone`` names its dead locations for whoever wants to forget them
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Container, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.diagnosis.packages import explain
from audiosearch.errors import AudioError
from audiosearch.types import Seconds
from indexer.ingest.media_type import is_recording, promises_sound, trouble
from indexer.ingest.walk import Failed, walk
from indexer.paths import absolute, is_empty_folder, under, vanished
from indexer.types import Location, Recording

_BLOCK = 1 << 20  # bytes hashed at once


@dataclass(frozen=True, slots=True)
class Looked:
    """One more file was looked at; ``path`` is it."""

    path: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """Content that the index does not hold, to be transcribed.

    Args:
        id: the hash of the content.
        locations: where it lies, by path.
        duration: as the file says; for estimates only.
    """

    id: str
    locations: tuple[Location, ...]
    duration: Seconds


@dataclass(frozen=True, slots=True)
class Relocation:
    """A known recording whose locations are not what the index says."""

    recording: Recording
    locations: tuple[Location, ...]

    @property
    def added(self) -> tuple[str, ...]:
        """Paths at which it was not before."""
        before = {location.path for location in self.recording.locations}
        return tuple(location.path for location in self.locations if location.path not in before)

    @property
    def left(self) -> tuple[str, ...]:
        """Paths at which it is no more."""
        now = {location.path for location in self.locations}
        return tuple(location.path for location in self.recording.locations if location.path not in now)


@dataclass(frozen=True, slots=True)
class Gone:
    """A known recording met nowhere, and its locations under the given paths at which it certainly is no more."""

    recording: Recording
    dead: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Crawl:
    """How the files under some paths differ from an index.

    Args:
        discoveries: content to transcribe, by path.
        relocations: known content at other places, or touched.
        gone: known content met nowhere.
        overwritten: path → hash of the content that is there now, for the paths of ``gone`` which hold other content.
        seen: known content that was met.
        files: files looked at, audio or not.
    """

    discoveries: tuple[Discovery, ...]
    relocations: tuple[Relocation, ...]
    gone: tuple[Gone, ...]
    overwritten: dict[str, str]
    seen: tuple[Recording, ...]
    files: int


def crawl(
    paths: Sequence[str | Path],
    known: Iterable[Recording],
    unready: Callable[[Location], bool] = lambda location: False,
) -> Generator[Looked | Failed, None, Crawl]:
    """Look through files and folders; yields progress and failures, returns how they differ from ``known``.

    Hidden files and folders are passed over unless they are given themselves. Links are followed, each folder once.
    Recordings without media are nowhere to be met, and stay out of it.

    Args:
        unready: which files that ``known`` does not name as they are now are to be left for later.
    """
    recordings = {recording.id: recording for recording in known if recording.has_media}
    claims = {location: recording.id for recording in recordings.values() for location in recording.locations}
    given = [absolute(path) for path in paths]
    met: dict[str, dict[str, Location]] = {}  # content → path → location
    durations: dict[str, Seconds] = {}  # of content that is new
    silent: set[str] = set()  # paths that hold no audio
    files = 0
    for found in walk(given):
        if isinstance(found, Failed):
            yield found
            continue
        files += 1
        yield Looked(found.path)
        identity = claims.get(found)
        try:
            if identity is None:
                if unready(found):
                    continue
                if not is_recording(Path(found.path)):
                    silent.add(found.path)
                    if found.path in given or promises_sound(Path(found.path)):
                        yield Failed(found.path, trouble(Path(found.path)))
                    continue
                identity, found = content_id(found.path)
                if identity not in recordings and identity not in durations:
                    durations[identity] = _duration(found.path)
        except AudioError as error:
            yield Failed(found.path, str(error))
        except OSError as error:
            if broken := explain(error):  # not this file, but what reads them all
                raise broken from error
            yield Failed(found.path, f"{found.path}: cannot be read ({error.strerror}).")
        else:
            met.setdefault(identity, {})[found.path] = found

    roots: list[str] = []
    absent: list[str] = []  # also given, but nothing can be judged from what is missing there
    for root in given:
        lost = sum(under(location.path, [root]) for location in claims)
        if lost and is_empty_folder(root):
            absent.append(root)
            yield Failed(root, f"{root}: is empty, but {lost} recordings were indexed from it; is a drive not mounted?")
        else:
            (roots if Path(root).exists() else absent).append(root)

    def judged(path: str) -> bool:
        return under(path, roots) and not under(path, absent)

    return _compare(recordings, met, durations, silent, judged, files)


def _compare(
    recordings: Mapping[str, Recording],
    met: Mapping[str, Mapping[str, Location]],
    durations: Mapping[str, Seconds],
    silent: Container[str],
    judged: Callable[[str], bool],
    files: int,
) -> Crawl:
    """Sort what was met and what was not into the sets drawn at the top."""
    occupants = {path: identity for identity, places in met.items() for path in places}
    relocations, gone, overwritten = [], [], {}
    for recording in recordings.values():
        seen = met.get(recording.id, {})
        has_moved = any(path not in {location.path for location in recording.locations} for path in seen)
        dead = []
        for location in recording.locations:
            path = location.path
            if path in seen:
                continue
            if path in occupants or path in silent or ((judged(path) or has_moved) and vanished(path)):
                dead.append(location)
                if not seen and path in occupants:
                    overwritten[path] = occupants[path]
        kept = [location for location in recording.locations if location.path not in seen and location not in dead]
        locations = tuple(sorted([*seen.values(), *kept], key=lambda location: location.path))
        if not seen and dead:
            gone.append(Gone(recording, tuple(dead)))
        elif locations != recording.locations:
            relocations.append(Relocation(recording, locations))
    discoveries = [
        Discovery(identity, tuple(location for _, location in sorted(met[identity].items())), duration)
        for identity, duration in durations.items()
    ]
    return Crawl(
        discoveries=tuple(sorted(discoveries, key=lambda discovery: discovery.locations[0].path)),
        relocations=tuple(relocations),
        gone=tuple(gone),
        overwritten=overwritten,
        seen=tuple(recording for recording in recordings.values() if recording.id in met),
        files=files,
    )


def content_id(path: str | Path) -> tuple[str, Location]:
    """Hash of the bytes of a file, and the location that goes with it.

    Raises:
        AudioError: the file changed while it was read.
        OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    block = memoryview(bytearray(_BLOCK))
    with Path(path).open("rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        while count := file.readinto(block):
            digest.update(block[:count])
        after = os.fstat(file.fileno())
    location = Location(os.fspath(path), after.st_size, after.st_mtime_ns)
    if (before.st_size, before.st_mtime_ns) != (location.size, location.modified_ns):
        raise AudioError(f"{path}: changed while it was read; index it again when it is complete.")
    return digest.hexdigest(), location


def same_file(location: Location) -> bool:
    """Whether the file still has the size and time of change that ``location`` says."""
    try:
        found = Path(location.path).stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (location.size, location.modified_ns)


def _duration(path: str) -> Seconds:
    from audiosearch.audio.reader import probe

    return probe(Path(path)).duration
