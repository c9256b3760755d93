"""Keeping an index in step with folders: a run of ``ingest`` at the start, and one whenever something has changed.

A file that is being written is left alone until nothing has happened to it for a while::

    written ─┬──┬─┬───┬                    ┌ run: what is ready is indexed
             └──┴─┴───┴─── settle ─────────┘
             each change begins the wait anew

Only this file knows watchfiles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import WatchError
from audiosearch.types import Seconds
from indexer.index import Index
from indexer.ingest.ingest import Found, Record, Transcriber, ingest
from indexer.ingest.walk import Failed
from indexer.paths import absolute
from indexer.types import Location

SETTLE: Seconds = 2.0
"""A file to which nothing has happened for so long is taken to be complete."""

PARTIAL = (".part", ".partial", ".crdownload", ".download", ".tmp", ".ytdl", ".aria2", ".!qb")
"""Endings of files that are being loaded, however long that pauses; each gets its name when it is complete."""

_LOOK: Seconds = 0.5
"""How often it is asked whether something has settled."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run has come to its end, and the index is as the folders were."""


def changes(paths: Sequence[str | Path], *, poll: bool = False) -> Iterator[set[str]]:
    """What has changed under the paths since the last set, again and again; the empty set when nothing has.

    Args:
        poll: look at all files every second, where the system does not tell of changes (network drives).

    Raises:
        WatchError: a path cannot be watched.
    """
    from watchfiles import watch

    try:
        for batch in watch(
            *map(absolute, paths),
            watch_filter=lambda change, path: not Path(path).name.startswith("."),
            debounce=500,
            rust_timeout=round(_LOOK * 1000),
            yield_on_timeout=True,
            raise_interrupt=True,
            force_polling=poll,
            poll_delay_ms=1000,
        ):
            yield {path for _, path in batch}
    except FileNotFoundError as error:
        raise WatchError(f"{', '.join(map(str, paths))}: there is no such folder; make it first.") from error
    except OSError as error:
        raise WatchError(f"{', '.join(map(str, paths))}: cannot be watched ({error}); try --poll.") from error


def follow(
    index: Index,
    transcriber: Transcriber,
    paths: Sequence[str | Path],
    changed: Iterable[set[str]],
    *,
    prune: bool = True,
    settle: Seconds = SETTLE,
    clock: Callable[[], Seconds] = time.monotonic,
) -> Iterator[Record | Finished]:
    """Bring ``index`` up to date at the first of ``changed``, and then when changes have settled.

    Nothing is forgotten while a file is still being written: it may be what was moved.

    Args:
        changed: ``changes(paths)``.
        prune: forget recordings that are no more.
        clock: in seconds.
    """
    waiting: dict[str, Seconds] = {}  # path → when it last changed
    useless: dict[str, Location] = {}  # files that failed, as they were then
    run = True
    for paths_now in changed:
        now = clock()
        waiting.update(dict.fromkeys(paths_now, now))
        settled = [path for path, since in waiting.items() if now - since >= settle]
        if not (settled or run):
            continue
        run = False
        for path in settled:
            del waiting[path]

        def unready(location: Location, now: Seconds = now) -> bool:
            if useless.get(location.path) == location or location.path in waiting:
                return True
            if location.path.lower().endswith(PARTIAL):
                return True
            if 0 <= time.time_ns() - location.modified_ns < settle * 1e9:
                waiting[location.path] = now
                return True
            return False

        gone = 0
        for record in ingest(index, transcriber, paths, unready=unready):
            if isinstance(record, Failed):
                _remember(useless, record.path)
            gone = record.gone if isinstance(record, Found) else gone
            yield record
        if gone and prune:
            if waiting:
                waiting.setdefault(absolute(paths[0]), now)  # to come back to it
            else:
                yield from ingest(index, transcriber, paths, unready=unready, prune=True)
        yield Finished()


def _remember(useless: dict[str, Location], path: str) -> None:
    try:
        status = Path(path).stat()
    except OSError:
        return
    useless[path] = Location(path, status.st_size, status.st_mtime_ns)
