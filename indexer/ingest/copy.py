"""A library from one store to another, with nothing transcribed again; yields what it did.

Every recording is one step, so that a copy that was stopped goes on where it was. What the other store has already, as
the first one has it, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from audiosearch.errors import RefusedError
from indexer.index import Index
from indexer.types import Recording


@dataclass(frozen=True, slots=True)
class Planned:
    """What there is to do: recordings of the first store, and how many of them the other has as they are."""

    recordings: int
    same: int


@dataclass(frozen=True, slots=True)
class Copied:
    """A recording is in the other store too."""

    recording: Recording
    words: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A recording that the other store does not take."""

    recording: Recording
    sentence: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """A recording that only the other store had was forgotten there."""

    recording: Recording


Step = Planned | Copied | Refused | Pruned


def copy(source: Index, target: Index, *, prune: bool = False) -> Iterator[Step]:
    """Make ``target`` hold what ``source`` holds.

    Args:
        prune: forget in ``target`` what ``source`` does not hold; else it stays.
    """
    there = {recording.id: recording for recording in target.recordings()}
    # Which of two equally good hits comes first may depend on which recording was added last.
    recordings = sorted(source.recordings(), key=lambda recording: (recording.added, recording.path, recording.id))
    missing = [recording for recording in recordings if there.get(recording.id) != recording]
    yield Planned(len(recordings), len(recordings) - len(missing))
    for model, sounding in source.soundings().items():
        target.keep_sounding(model, sounding)
    for recording in missing:
        known = there.get(recording.id)
        if known is not None and replace(known, locations=recording.locations) == recording:
            target.relocate(recording.id, recording.locations)
            yield Copied(recording, 0)
            continue
        words = source.words(recording.id)
        try:
            target.add(recording, words, source.emissions(recording.id))
        except RefusedError as error:
            yield Refused(recording, str(error))
        else:
            yield Copied(recording, len(words))
    if prune:
        for recording_id in there.keys() - {recording.id for recording in recordings}:
            target.remove(recording_id)
            yield Pruned(there[recording_id])
