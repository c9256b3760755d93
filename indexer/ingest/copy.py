"""Copying an index to another store, without transcribing again.

Each recording is one step: an interrupted copy continues where it stopped. Identical recordings of the target are
skipped. Corrections are copied with the recognized words; the target keeps its own ones, and of two that overlap the
newer is in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from audiosearch.errors import RefusedError, UnknownRecordingError
from indexer.corrections import CorrectedWords
from indexer.index import Index
from indexer.types import Recording


@dataclass(frozen=True, slots=True)
class Planned:
    """Number of recordings of the source, and how many of them are identical in the target."""

    recordings: int
    same: int


@dataclass(frozen=True, slots=True)
class Copied:
    """A recording was copied."""

    recording: Recording
    words: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A recording was not copied; ``sentence`` is the reason."""

    recording: Recording
    sentence: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """A recording of the target alone was removed."""

    recording: Recording


Step = Planned | Copied | Refused | Pruned


def copy(source: Index, target: Index, *, prune: bool = False) -> Iterator[Step]:
    """Copy all recordings of ``source`` to ``target``.

    Args:
        prune: remove recordings from ``target`` that are not in ``source``.
    """
    copies = {recording.id: recording for recording in target.recordings()}
    # Hits of equal confidence are sorted by the order in which their recordings were added.
    recordings = sorted(source.recordings(), key=lambda recording: (recording.added, recording.path, recording.id))
    missing = [recording for recording in recordings if _differs(recording, copies.get(recording.id))]
    yield Planned(len(recordings), len(recordings) - len(missing))
    for model, profile in source.acoustic_profiles().items():
        target.keep_acoustic_profile(model, profile)
    for recording in missing:
        existing = copies.get(recording.id)
        if existing is not None and _same_words(existing, recording):
            with suppress(UnknownRecordingError):  # removed from the target meanwhile
                if existing.locations != recording.locations:
                    target.relocate(recording.id, recording.locations)
                if _has_other_corrections(recording, existing):
                    _merge(target, recording.id, source.corrected_words(recording.id))
                yield Copied(recording, 0)
                continue
        try:
            corrected, emissions = source.corrected_words(recording.id), source.emissions(recording.id)
        except UnknownRecordingError:
            yield Refused(recording, f"{recording.path}: was removed from the source meanwhile.")
            continue
        try:
            target.add(recording, corrected.recognized, emissions)
            if corrected.corrections:
                _merge(target, recording.id, corrected)
        except RefusedError as error:
            yield Refused(recording, str(error))
        else:
            yield Copied(recording, len(corrected.words))
    if prune:
        for recording_id in copies.keys() - {recording.id for recording in recordings}:
            target.remove(recording_id)
            yield Pruned(copies[recording_id])


def _differs(recording: Recording, existing: Recording | None) -> bool:
    """Return whether a recording has to be copied over one of the target."""
    if existing is None or not _same_words(recording, existing) or recording.locations != existing.locations:
        return True
    return _has_other_corrections(recording, existing)


def _same_words(one: Recording, other: Recording) -> bool:
    """Return whether two recordings differ at most in their locations and corrections."""
    return replace(one, locations=other.locations, corrected=other.corrected) == other


def _has_other_corrections(recording: Recording, existing: Recording) -> bool:
    return recording.corrected not in (None, existing.corrected)


def _merge(target: Index, recording_id: str, corrected: CorrectedWords) -> None:
    target.revise(recording_id, lambda words: words.merged(corrected))
