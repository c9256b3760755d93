"""Crawl → transcribe → add: brings an index up to date with folders, and yields what it did.

Every recording is one commit, and each step leaves an index from which the next run goes on: stopped at any moment and
started again, it ends with the same index as a run that was never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol, runtime_checkable

from audiosearch.errors import AudioError, RefusedError, UnknownRecordingError
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.types import Seconds, Transcript
from indexer.index import Index
from indexer.ingest.crawl import Crawl, Discovery, Looked, Relocation, crawl, same_file
from indexer.ingest.shard import WHOLE, Part
from indexer.ingest.walk import Failed
from indexer.types import Location, Recording


class Transcriber(Protocol):
    """Anything that turns a recording into timed words."""

    @property
    def fingerprint(self) -> str:
        """What tells its transcripts from those of another."""
        ...

    def transcribe(self, path: Path) -> Transcript:
        """Words of a recording; raises AudioError where it cannot be read."""
        ...


@runtime_checkable
class BatchTranscriber(Protocol):
    """A transcriber that is quicker with several recordings at once."""

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        """Words of each recording in turn, or why it cannot be read."""
        ...


@runtime_checkable
class SoundTranscriber(Protocol):
    """A transcriber whose transcripts keep their emissions."""

    @property
    def sounding(self) -> AcousticProfile:
        """Alphabet and calibration of the emissions, for the search by sound."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What the crawl came to, before the work begins.

    Args:
        new: recordings to transcribe, ``seconds`` long in all.
        again: of these, how many are known and were transcribed by another model.
        unchanged: known recordings met where they were, and not transcribed again.
        outdated: known recordings that stay as another model transcribed them; only known where there is work.
        gone: known recordings that are nowhere any more.
        files: files looked at.
    """

    new: int
    seconds: Seconds
    again: int
    unchanged: int
    outdated: int
    gone: int
    files: int


@dataclass(frozen=True, slots=True)
class Relocated:
    """A recording was not transcribed again, since only its place is new: ``added`` came, ``left`` went."""

    recording: Recording
    added: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """A recording is being transcribed now; ``duration`` is what its file says."""

    path: str
    duration: Seconds


@dataclass(frozen=True, slots=True)
class Indexed:
    """A recording can be found from now on."""

    recording: Recording
    words: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A recording is no longer in the index; ``replaced`` if other content is in its place."""

    recording: Recording
    replaced: bool


Record = Looked | Failed | Found | Relocated | Started | Indexed | Forgotten


def ingest(
    index: Index,
    transcriber: Transcriber,
    paths: Sequence[str | Path],
    *,
    prune: bool = False,
    again: bool = False,
    part: Part = WHOLE,
    unready: Callable[[Location], bool] = lambda location: False,
) -> Iterator[Record]:
    """Bring ``index`` up to date with ``paths``.

    Args:
        index: left open.
        transcriber: asked only where there is something to transcribe, or with ``again``.
        paths: files and folders.
        prune: forget recordings under ``paths`` that are no more; not those of a folder that is missing or empty.
        again: transcribe anew what another model transcribed.
        part: leave recordings that are of another part as they are, for others to take at the same time. Content that
            took the place of one of this part's, and is not in the index yet, replaces it in a later run.
        unready: which files that the index does not know as they are now are left for a later run.
    """
    everything = yield from crawl(paths, index.recordings(), unready)
    found = part.of(everything)
    model = transcriber.fingerprint if found.discoveries or again else None
    outdated = [recording for recording in found.seen if model not in (None, recording.model)]
    work = [*found.discoveries, *(_rework(outdated, found.relocations) if again else ())]
    work.sort(key=lambda discovery: discovery.locations[0].path)
    moved = {change.recording.id for change in found.relocations if change.added or change.left}
    yield Found(
        new=len(work),
        seconds=sum(discovery.duration for discovery in work),
        again=len(outdated) if again else 0,
        unchanged=len({recording.id for recording in found.seen} - moved - {discovery.id for discovery in work}),
        outdated=0 if again else len(outdated),
        gone=sum(gone.dead == gone.recording.locations for gone in found.gone),
        files=found.files,
    )
    leftover = _Leftover(index, found)
    for relocation in found.relocations:
        try:
            index.relocate(relocation.recording.id, relocation.locations)
        except UnknownRecordingError:  # another run forgot it where it was before
            waiting = {discovery.id for discovery in work}
            if relocation.recording.id not in waiting and any(map(same_file, relocation.locations)):
                work.append(Discovery(relocation.recording.id, relocation.locations, relocation.recording.duration))
            continue
        if relocation.added or relocation.left:
            yield Relocated(relocation.recording, relocation.added, relocation.left)
    for recording in everything.seen:
        yield from leftover.displaced_by(recording.id)
    results = _transcripts(transcriber, work)
    told = False
    for discovery in work:
        yield Started(discovery.locations[0].path, discovery.duration)
        transcript = next(results)
        if isinstance(transcript, AudioError):
            yield Failed(discovery.locations[0].path, str(transcript))
            continue
        recording = Recording(
            id=discovery.id,
            locations=discovery.locations,
            duration=transcript.duration,
            model=transcriber.fingerprint,
            added=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        if transcript.emissions and not told and isinstance(transcriber, SoundTranscriber):
            index.keep_sounding(transcriber.fingerprint, transcriber.sounding.to_json())
            told = True
        try:
            index.add(recording, transcript.words, transcript.emissions)
        except RefusedError as error:
            yield Failed(recording.path, str(error))
            continue
        yield Indexed(recording, len(transcript.words))
        yield from leftover.displaced_by(discovery.id)
    if prune:
        yield from leftover.prune()


def _rework(outdated: Sequence[Recording], relocations: Sequence[Relocation]) -> Iterator[Discovery]:
    """Known recordings as if they were new, at the places where they are now."""
    moved: Mapping[str, Relocation] = {relocation.recording.id: relocation for relocation in relocations}
    for recording in outdated:
        locations = moved[recording.id].locations if recording.id in moved else recording.locations
        yield Discovery(recording.id, locations, recording.duration)


def _transcripts(transcriber: Transcriber, work: Sequence[Discovery]) -> Iterator[Transcript | AudioError]:
    """For each piece of work its words, surely those of the content that was hashed, or why there are none."""
    chosen = [next(filter(same_file, discovery.locations), discovery.locations[0]) for discovery in work]
    paths = [Path(location.path) for location in chosen]
    if isinstance(transcriber, BatchTranscriber):
        heard = transcriber.transcribe_all(paths)
    else:
        heard = _one_by_one(transcriber, paths)
    for location, transcript in zip(chosen, heard, strict=True):
        if not isinstance(transcript, AudioError) and not same_file(location):
            yield AudioError(f"{location.path}: changed while it was read; index it again when it is complete.")
        else:
            yield transcript


def _one_by_one(transcriber: Transcriber, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
    for path in paths:
        try:
            yield transcriber.transcribe(path)
        except AudioError as error:
            yield error


class _Leftover:
    """Recordings that were met nowhere; each loses its dead locations, and is forgotten with the last.

    What the index says of them now counts: another run may have met them elsewhere, or forgotten them.
    """

    def __init__(self, index: Index, found: Crawl) -> None:
        self._index = index
        self._dead = {gone.recording.id: set(gone.dead) for gone in found.gone}
        self._displaced: dict[str, list[tuple[str, Location]]] = {}  # content → (recording, place that it took)
        for gone in found.gone:
            for location in gone.dead:
                if location.path in found.overwritten:
                    occupant = found.overwritten[location.path]
                    self._displaced.setdefault(occupant, []).append((gone.recording.id, location))

    def displaced_by(self, occupant: str) -> Iterator[Forgotten]:
        """Drop the locations that content ``occupant`` took, now that it is in the index."""
        for recording_id, location in self._displaced.get(occupant, []):
            yield from self._drop(recording_id, {location}, replaced=True)

    def prune(self) -> Iterator[Forgotten]:
        """Drop all dead locations."""
        for recording_id, dead in self._dead.items():
            yield from self._drop(recording_id, dead, replaced=False)

    def _drop(self, recording_id: str, dead: set[Location], *, replaced: bool) -> Iterator[Forgotten]:
        recording = self._index.recording(recording_id)
        if recording is None:
            return
        locations = tuple(location for location in recording.locations if location not in dead)
        if not locations:
            self._index.remove(recording_id)
            yield Forgotten(recording, replaced)
        elif locations != recording.locations:
            with suppress(UnknownRecordingError):
                self._index.relocate(recording_id, locations)
