"""Watching folders: a run of ``ingest`` at the start and after changes.

A file that is being written waits until it has been unchanged for a while::

    written ─┬──┬─┬───┬                    ┌ run: complete files are indexed
             └──┴─┴───┴─── settle ─────────┘
             each change restarts the wait

The only module that imports watchfiles.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import WatchError, reason_of
from audiosearch.files import lock_file
from audiosearch.settings import cache_folder, is_url
from audiosearch.types import Seconds
from indexer.index import Index
from indexer.ingest.exclusion import IGNORE_FILE
from indexer.ingest.ingest import CrawlSummary, Record, Transcriber, ingest
from indexer.ingest.walk import Failed
from indexer.paths import absolute
from indexer.types import Location

SETTLE: Seconds = 2.0
"""Time without changes after which a file counts as complete."""

PARTIAL = (".part", ".partial", ".crdownload", ".download", ".tmp", ".ytdl", ".aria2", ".!qb")
"""Suffixes of incomplete downloads; programs rename them when they are complete."""

_TICK: Seconds = 0.5
"""Interval of the checks for settled files."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run has ended."""


@contextmanager
def lock_watch(store: str, paths: Sequence[str | Path]) -> Iterator[None]:
    """Keep other processes of this user from watching one of these folders for the same index.

    Raises:
        InUseError: another process watches one.
    """
    index = store if is_url(store) else os.path.realpath(Path(store).expanduser())
    with ExitStack() as stack:
        with suppress(OSError):  # a cache folder that cannot be written
            cache_folder().mkdir(parents=True, exist_ok=True)
            for folder in sorted({os.path.realpath(path) for path in paths}):
                key = hashlib.sha256(os.fsencode(f"{index}\0{folder}")).hexdigest()[:32]
                stack.enter_context(
                    lock_file(cache_folder() / f"watch-{key}", f"{folder}: is being watched for {store}")
                )
        yield


def changes(paths: Sequence[str | Path], *, poll: bool = False) -> Iterator[set[str]]:
    """Sets of changed paths under ``paths``, one per tick; empty without changes.

    Args:
        poll: scan all files every second, for file systems without notifications (network drives).

    Raises:
        WatchError: a path cannot be watched.
    """
    from watchfiles import watch

    try:
        for batch in watch(
            *map(absolute, paths),
            watch_filter=lambda change, path: not Path(path).name.startswith(".") or path.endswith(f"/{IGNORE_FILE}"),
            debounce=500,
            rust_timeout=round(_TICK * 1000),
            yield_on_timeout=True,
            raise_interrupt=True,
            force_polling=poll,
            poll_delay_ms=1000,
        ):
            yield {path for _, path in batch}
    except FileNotFoundError as error:
        raise WatchError(f"{', '.join(map(str, paths))}: no such folder; create it first.") from error
    except OSError as error:
        raise WatchError(
            f"{', '.join(map(str, paths))}: cannot be watched ({reason_of(error)}); try --poll."
        ) from error


def follow(
    index: Index,
    transcriber: Transcriber,
    paths: Sequence[str | Path],
    changed: Iterable[set[str]],
    *,
    prune: bool = True,
    settle: Seconds = SETTLE,
    exclude: Sequence[str] = (),
    clock: Callable[[], Seconds] = time.monotonic,
) -> Iterator[Record | Finished]:
    """Bring ``index`` up to date at the first of ``changed``, then after settled changes.

    Nothing is pruned while a file is being written, as it may be a moved recording.

    Args:
        changed: ``changes(paths)``.
        prune: remove recordings whose files no longer exist.
        exclude: globs of files to leave out.
        clock: monotonic time.
    """
    waiting: dict[str, Seconds] = {}  # path → time of its last change
    failed: dict[str, Location] = {}  # path → size and time of an unusable file
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

        def is_unstable(location: Location, now: Seconds = now) -> bool:
            if failed.get(location.path) == location or location.path in waiting:
                return True
            if location.path.lower().endswith(PARTIAL):
                return True
            if 0 <= time.time_ns() - location.modified_ns < settle * 1e9:
                waiting[location.path] = now
                return True
            return False

        missing = 0
        for record in ingest(index, transcriber, paths, is_unstable=is_unstable, exclude=exclude):
            if isinstance(record, Failed):
                _add_failed(failed, record.path)
            missing = record.missing if isinstance(record, CrawlSummary) else missing
            yield record
        if missing and prune:
            if waiting:
                waiting.setdefault(absolute(paths[0]), now)  # retry later
            else:
                yield from ingest(index, transcriber, paths, is_unstable=is_unstable, exclude=exclude, prune=True)
        yield Finished()


def _add_failed(failed: dict[str, Location], path: str) -> None:
    try:
        status = Path(path).stat()
    except OSError:
        return
    failed[path] = Location(path, status.st_size, status.st_mtime_ns)
