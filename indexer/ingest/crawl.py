"""Crawling: compare folders with an index for new, moved, copied, changed and missing recordings.

A recording is identified by its content, the hash of its bytes. Files whose path, size and modification time are in
the index are not read again; other audio files are hashed, which identifies renamed ones.

Each location of an indexed recording R ends in one of three sets:

    seen      R is there now
    dead      the path is empty, or has other content
    kept      undecided: outside the given paths, unreadable, or on a drive that is not mounted

    seen     → R exists: its locations become seen + kept, whatever happened to the others
    no seen  → R stays unchanged, and ``Missing`` lists its dead locations for pruning
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
from indexer.ingest.walk import Failed, explain_failure, is_recording, walk
from indexer.paths import absolute, is_empty_folder, under, vanished
from indexer.types import Location, Recording

_BLOCK = 1 << 20  # bytes per read


@dataclass(frozen=True, slots=True)
class Examined:
    """A file was examined."""

    path: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """Content to transcribe, not in the index.

    Args:
        id: hash of the content.
        locations: sorted by path.
        duration: according to the file header; for estimates only.
    """

    id: str
    locations: tuple[Location, ...]
    duration: Seconds


@dataclass(frozen=True, slots=True)
class Relocation:
    """An indexed recording with other locations than in the index."""

    recording: Recording
    locations: tuple[Location, ...]

    @property
    def added(self) -> tuple[str, ...]:
        """New paths."""
        before = {location.path for location in self.recording.locations}
        return tuple(location.path for location in self.locations if location.path not in before)

    @property
    def left(self) -> tuple[str, ...]:
        """Former paths."""
        now = {location.path for location in self.locations}
        return tuple(location.path for location in self.recording.locations if location.path not in now)


@dataclass(frozen=True, slots=True)
class Missing:
    """An indexed recording found nowhere, and its dead locations under the given paths."""

    recording: Recording
    dead: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Crawl:
    """The differences between the files under some paths and an index.

    Args:
        discoveries: content to transcribe, sorted by path.
        relocations: indexed content at other locations, or with another modification time.
        missing: indexed content found nowhere.
        overwritten: path → hash of its current content, for paths of ``missing`` that hold other content.
        seen: indexed content that was found.
        files: number of files examined, audio or not.
    """

    discoveries: tuple[Discovery, ...]
    relocations: tuple[Relocation, ...]
    missing: tuple[Missing, ...]
    overwritten: dict[str, str]
    seen: tuple[Recording, ...]
    files: int


def crawl(
    paths: Sequence[str | Path],
    known: Iterable[Recording],
    is_unstable: Callable[[Location], bool] = lambda location: False,
    exclude: Sequence[str] = (),
) -> Generator[Examined | Failed, None, Crawl]:
    """Compare files and folders with the recordings ``known``; yields progress and failures.

    Hidden files and folders are skipped unless given themselves. Links are followed, each folder is entered once.
    Recordings without media have no files and are ignored.

    Args:
        is_unstable: predicate of new or changed files to skip for now.
        exclude: globs of files and folders to leave out.
    """
    recordings = {recording.id: recording for recording in known if recording.has_media}
    claims = {location: recording.id for recording in recordings.values() for location in recording.locations}
    given = [absolute(path) for path in paths]
    present: dict[str, dict[str, Location]] = {}  # content → path → location
    durations: dict[str, Seconds] = {}  # of new content
    silent: set[str] = set()  # paths of files without audio
    files = 0
    for location in walk(given, exclude):
        if isinstance(location, Failed):
            yield location
            continue
        files += 1
        yield Examined(location.path)
        identity = claims.get(location)
        try:
            if identity is None:
                if is_unstable(location):
                    continue
                path, is_given = Path(location.path), location.path in given
                if not is_recording(path, is_given=is_given):
                    silent.add(location.path)
                    if reason := explain_failure(path, is_given=is_given):
                        yield Failed(location.path, reason, (location,))
                    continue
                identity, location = content_id(location.path)
                if identity not in recordings and identity not in durations:
                    durations[identity] = _duration(location.path)
        except AudioError as error:
            yield Failed(location.path, str(error), (location,))
        except OSError as error:
            if broken := explain(error):  # the decoder is broken, not this file
                raise broken from error
            yield Failed(location.path, f"{location.path}: cannot be read ({error.strerror}).", (location,))
        else:
            present.setdefault(identity, {})[location.path] = location

    roots: list[str] = []
    absent: list[
        str
    ] = []  # given paths that are missing or empty, perhaps not mounted: files missing there count as kept
    for root in given:
        count = sum(under(location.path, [root]) for location in claims)
        if count and is_empty_folder(root):
            absent.append(root)
            yield Failed(root, f"{root}: is empty, but {count} recordings were indexed from it; is a drive unmounted?")
        else:
            (roots if Path(root).exists() else absent).append(root)

    def is_judged(path: str) -> bool:
        return under(path, roots) and not under(path, absent)

    return _compare(recordings, present, durations, silent, is_judged, files)


def _compare(
    recordings: Mapping[str, Recording],
    present: Mapping[str, Mapping[str, Location]],
    durations: Mapping[str, Seconds],
    silent: Container[str],
    is_judged: Callable[[str], bool],
    files: int,
) -> Crawl:
    """Sort locations into the sets of the module docstring."""
    occupants = {path: identity for identity, locations in present.items() for path in locations}
    relocations, missing, overwritten = [], [], {}
    for recording in recordings.values():
        seen = present.get(recording.id, {})
        has_moved = any(path not in {location.path for location in recording.locations} for path in seen)
        dead = []
        for location in recording.locations:
            path = location.path
            if path in seen:
                continue
            if path in occupants or path in silent or ((is_judged(path) or has_moved) and vanished(path)):
                dead.append(location)
                if not seen and path in occupants:
                    overwritten[path] = occupants[path]
        kept = [location for location in recording.locations if location.path not in seen and location not in dead]
        locations = tuple(sorted([*seen.values(), *kept], key=lambda location: location.path))
        if not seen and dead:
            missing.append(Missing(recording, tuple(dead)))
        elif locations != recording.locations:
            relocations.append(Relocation(recording, locations))
    discoveries = [
        Discovery(identity, tuple(location for _, location in sorted(present[identity].items())), duration)
        for identity, duration in durations.items()
    ]
    return Crawl(
        discoveries=tuple(sorted(discoveries, key=lambda discovery: discovery.locations[0].path)),
        relocations=tuple(relocations),
        missing=tuple(missing),
        overwritten=overwritten,
        seen=tuple(recording for recording in recordings.values() if recording.id in present),
        files=files,
    )


def content_id(path: str | Path) -> tuple[str, Location]:
    """Hash of the content of a file, and its location.

    Raises:
        AudioError: the file changed during reading.
        OSError: the file cannot be read.
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
    """True if the file still has the size and modification time of ``location``."""
    try:
        status = Path(location.path).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (location.size, location.modified_ns)


def _duration(path: str) -> Seconds:
    from audiosearch.audio.reader import probe

    return probe(Path(path)).duration
