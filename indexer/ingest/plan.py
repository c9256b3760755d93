"""Dry runs: the steps that ``ingest`` would take, without a change to the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.types import Seconds
from indexer.ingest.crawl import Crawl
from indexer.ingest.ingest import Record, Relocated, Removed, Transcriber, survey
from indexer.ingest.shard import ALL, Shard
from indexer.types import Location, Recording


@dataclass(frozen=True, slots=True)
class Planned:
    """A recording to transcribe; ``again`` if another model has transcribed it."""

    path: str
    duration: Seconds
    again: bool


def plan(
    known: Iterable[Recording],
    transcriber: Transcriber,
    paths: Sequence[str | Path],
    *,
    prune: bool = False,
    again: bool = False,
    shard: Shard = ALL,
    is_unstable: Callable[[Location], bool] = lambda location: False,
    exclude: Sequence[str] = (),
) -> Iterator[Record | Planned]:
    """Records of the steps of ``ingest`` with the same arguments.

    Args:
        known: recordings of the index.
        transcriber: used only with ``again``.
    """
    known = list(known)
    _, selected, work = yield from survey(
        known, transcriber, paths, again=again, shard=shard, is_unstable=is_unstable, exclude=exclude
    )
    indexed = {recording.id for recording in known}
    for relocation in selected.relocations:
        if relocation.added or relocation.left:
            yield Relocated(relocation.recording, relocation.added, relocation.left)
    for discovery in work:
        yield Planned(discovery.locations[0].path, discovery.duration, discovery.id in indexed)
    yield from _removals(selected, prune=prune)


def _removals(selected: Crawl, *, prune: bool) -> Iterator[Removed]:
    """Recordings that lose the last of their locations to other content, or because the file is gone."""
    for missing in selected.missing:
        replaced = [location for location in missing.dead if location.path in selected.overwritten]
        for dead, is_replaced in ((replaced, True), (missing.dead, False)):
            if (is_replaced or prune) and set(missing.recording.locations) <= set(dead):
                yield Removed(missing.recording, is_replaced)
                break
