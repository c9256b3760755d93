"""Indexing folders: crawl, transcribe and add, yielding a report of each step.

Each recording is one commit, and every step leaves a valid index. A run that is stopped at any moment and started again
ends with the same index as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from audiosearch.errors import AudioError, RefusedError, UnknownRecordingError
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.types import Seconds, Transcript
from indexer.index import Index
from indexer.ingest.crawl import Crawl, Discovery, Examined, Relocation, crawl, same_file
from indexer.ingest.shard import ALL, Shard
from indexer.ingest.walk import Failed
from indexer.types import Location, Recording


class Transcriber(Protocol):
    """A speech recognizer: recordings to transcripts."""

    @property
    def fingerprint(self) -> str:
        """Identifier of the model and its settings."""
        ...

    @property
    def acoustic_profile(self) -> AcousticProfile:
        """Alphabet and calibration of the emissions; read only if transcripts have emissions."""
        ...

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        """The transcript of each recording in turn, or the reason why it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """The result of the crawl, before transcription begins.

    Args:
        new: number of recordings to transcribe.
        seconds: their total duration.
        again: number of these that another model has transcribed.
        unchanged: number of indexed recordings found in place that are not transcribed again.
        outdated: number of indexed recordings that keep the transcript of another model; 0 if nothing is transcribed.
        missing: number of indexed recordings without any file left.
        files: number of files examined.
    """

    new: int
    seconds: Seconds
    again: int
    unchanged: int
    outdated: int
    missing: int
    files: int


@dataclass(frozen=True, slots=True)
class Relocated:
    """A recording was moved, copied, or lost a copy: new paths in ``added``, former ones in ``left``."""

    recording: Recording
    added: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """The transcription of a recording began; ``duration`` is that of its file header."""

    path: str
    duration: Seconds


@dataclass(frozen=True, slots=True)
class Indexed:
    """A recording was added to the index.

    Args:
        corrected: number of corrections by hand that were carried over to its words.
        aside: number of those that fit no word.
    """

    recording: Recording
    words: int
    corrected: int = 0
    aside: int = 0


@dataclass(frozen=True, slots=True)
class Removed:
    """A recording was removed from the index; ``replaced`` if other content took its path.

    Args:
        corrections: number of corrections by hand that it had; those of a replaced one are with the new one.
    """

    recording: Recording
    replaced: bool
    corrections: int = 0


Record = Examined | Failed | CrawlSummary | Relocated | Started | Indexed | Removed


def ingest(
    index: Index,
    transcriber: Transcriber,
    paths: Sequence[str | Path],
    *,
    prune: bool = False,
    again: bool = False,
    shard: Shard = ALL,
    is_unstable: Callable[[Location], bool] = lambda location: False,
    exclude: Sequence[str] = (),
) -> Iterator[Record]:
    """Bring ``index`` up to date with ``paths``.

    Args:
        index: stays open.
        transcriber: used only if there is something to transcribe, or with ``again``.
        paths: files and folders.
        prune: remove recordings under ``paths`` whose files no longer exist, except those of a missing or empty folder.
        again: transcribe again the recordings that another model transcribed.
        shard: leave the recordings of other shards to other runs. Content of another shard at the path of a recording
            of this one, and not yet in the index, replaces it in a later run.
        is_unstable: predicate of new or changed files that are left to a later run.
        exclude: globs of files and folders to leave out.
    """
    known = index.recordings()
    crawled, selected, work = yield from survey(
        known,
        transcriber,
        paths,
        again=again,
        needs_model=True,
        shard=shard,
        is_unstable=is_unstable,
        exclude=exclude,
    )
    missing_recordings = _MissingRecordings(index, selected)
    for relocation in selected.relocations:
        try:
            index.relocate(relocation.recording.id, relocation.locations)
        except UnknownRecordingError:  # another run removed it because of its former location
            waiting = {discovery.id for discovery in work}
            if relocation.recording.id not in waiting and any(map(same_file, relocation.locations)):
                work.append(Discovery(relocation.recording.id, relocation.locations, relocation.recording.duration))
            continue
        if relocation.added or relocation.left:
            yield Relocated(relocation.recording, relocation.added, relocation.left)
    for recording in crawled.seen:
        yield from missing_recordings.displace(recording.id)
    known_ids = {recording.id for recording in known}
    transcripts = _transcripts(transcriber, work)
    has_profile = False
    for discovery in work:
        yield Started(discovery.locations[0].path, discovery.duration)
        transcript = next(transcripts)
        if isinstance(transcript, AudioError):
            yield Failed(discovery.locations[0].path, str(transcript), discovery.locations)
            continue
        recording = Recording(
            id=discovery.id,
            locations=discovery.locations,
            duration=transcript.duration,
            model=transcriber.fingerprint,
            added=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        if transcript.emissions and not has_profile:
            index.keep_acoustic_profile(transcriber.fingerprint, transcriber.acoustic_profile)
            has_profile = True
        try:
            index.add(recording, transcript.words, transcript.emissions)
        except RefusedError as error:
            yield Failed(recording.path, str(error))
            continue
        carried = _corrections(index, recording) if recording.id in known_ids else (0, 0)
        yield Indexed(recording, len(transcript.words), *carried)
        yield from missing_recordings.displace(discovery.id)
    if prune:
        yield from missing_recordings.prune()


def _corrections(index: Index, recording: Recording) -> tuple[int, int]:
    """Number of corrections of a recording in place, and of those set aside."""
    stored = index.recording(recording.id)
    if stored is None or stored.corrected is None:
        return 0, 0
    corrected = index.corrected_words(recording.id)
    return len(corrected.placed), len(corrected.aside)


def survey(
    known: Iterable[Recording],
    transcriber: Transcriber,
    paths: Sequence[str | Path],
    *,
    again: bool,
    needs_model: bool = False,
    shard: Shard = ALL,
    is_unstable: Callable[[Location], bool] = lambda location: False,
    exclude: Sequence[str] = (),
) -> Generator[Record, None, tuple[Crawl, Crawl, list[Discovery]]]:
    """Crawl, and yield its records and summary; return the crawl, the shard's part of it, and the work.

    Args:
        needs_model: the transcriber is used if there is something new; else only with ``again``.
    """
    crawled = yield from crawl(paths, known, is_unstable, exclude)
    selected = shard.select(crawled)
    model = transcriber.fingerprint if again or (needs_model and selected.discoveries) else None
    outdated = [recording for recording in selected.seen if model not in (None, recording.model)]
    work = [*selected.discoveries, *(_as_discoveries(outdated, selected.relocations) if again else ())]
    work.sort(key=lambda discovery: discovery.locations[0].path)
    moved = {change.recording.id for change in selected.relocations if change.added or change.left}
    yield CrawlSummary(
        new=len(work),
        seconds=sum(discovery.duration for discovery in work),
        again=len(outdated) if again else 0,
        unchanged=len({recording.id for recording in selected.seen} - moved - {discovery.id for discovery in work}),
        outdated=0 if again else len(outdated),
        missing=sum(missing.dead == missing.recording.locations for missing in selected.missing),
        files=selected.files,
    )
    return crawled, selected, work


def _as_discoveries(outdated: Sequence[Recording], relocations: Sequence[Relocation]) -> Iterator[Discovery]:
    """Indexed recordings as if they were new, at their current locations."""
    moved: Mapping[str, Relocation] = {relocation.recording.id: relocation for relocation in relocations}
    for recording in outdated:
        locations = moved[recording.id].locations if recording.id in moved else recording.locations
        yield Discovery(recording.id, locations, recording.duration)


def _transcripts(transcriber: Transcriber, work: Sequence[Discovery]) -> Iterator[Transcript | AudioError]:
    """The transcript of each discovery, if its file is still the hashed one, or the reason why there is none."""
    locations = [next(filter(same_file, discovery.locations), discovery.locations[0]) for discovery in work]
    transcripts = transcriber.transcribe_all([Path(location.path) for location in locations])
    for location, transcript in zip(locations, transcripts, strict=True):
        if not isinstance(transcript, AudioError) and not same_file(location):
            yield AudioError(f"{location.path}: changed while it was read; index it again when it is complete.")
        else:
            yield transcript


class _MissingRecordings:
    """Recordings found nowhere: each loses its dead locations, and with the last of them it is removed.

    The index is read again for each, as another run may have found or removed it in the meantime.
    """

    def __init__(self, index: Index, crawled: Crawl) -> None:
        self._index = index
        self._dead = {missing.recording.id: set(missing.dead) for missing in crawled.missing}
        self._displaced: dict[str, list[tuple[str, Location]]] = {}  # new content → (recording, its former location)
        for missing in crawled.missing:
            for location in missing.dead:
                if location.path in crawled.overwritten:
                    occupant = crawled.overwritten[location.path]
                    self._displaced.setdefault(occupant, []).append((missing.recording.id, location))

    def displace(self, occupant: str) -> Iterator[Removed]:
        """Drop the locations now taken by ``occupant``, which is in the index."""
        for recording_id, location in self._displaced.get(occupant, []):
            yield from self._drop(recording_id, {location}, occupant)

    def prune(self) -> Iterator[Removed]:
        """Drop all dead locations."""
        for recording_id, dead in self._dead.items():
            yield from self._drop(recording_id, dead, None)

    def _drop(self, recording_id: str, dead: set[Location], occupant: str | None) -> Iterator[Removed]:
        recording = self._index.recording(recording_id)
        if recording is None:
            return
        locations = tuple(location for location in recording.locations if location not in dead)
        if not locations:
            corrections = 0
            if recording.corrected is not None:
                corrected = self._index.corrected_words(recording_id)
                corrections = len(corrected.corrections)
                if occupant is not None:  # the same sound with other tags, perhaps
                    self._index.revise(occupant, lambda words: words.adopted(corrected))
            self._index.remove(recording_id)
            yield Removed(recording, occupant is not None, corrections)
        elif locations != recording.locations:
            with suppress(UnknownRecordingError):
                self._index.relocate(recording_id, locations)
