"""A queue of files and folders to index, and the thread that works it off while the server answers."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from audiosearch.errors import AudioSearchError
from audiosearch.types import Seconds
from indexer.index import open_index
from indexer.ingest.crawl import Examined
from indexer.ingest.ingest import CrawlSummary, Indexed, Record, Relocated, Started, Transcriber, ingest
from indexer.ingest.walk import Failed

logger = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Maximum number of jobs in the queue."""

MAX_FINISHED = 200
"""Finished jobs that are listed."""

MAX_LISTED = 50
"""Errors and ids that a job lists."""

NICENESS = 10
"""Added to that of the thread, so that searches come first."""

State = Literal["waiting", "running", "done", "failed", "canceled"]


class BackgroundTranscriber(Transcriber, Protocol):
    """A transcriber that can be stopped."""

    check: Callable[[], None]
    """Called during transcription, after some seconds of sound each; may raise to stop it."""

    @property
    def is_loading(self) -> bool:
        """True while the model is being loaded."""
        ...

    @property
    def position(self) -> Seconds:
        """Time up to which the current recording is transcribed."""
        ...


class QueueFullError(Exception):
    """Too many jobs are waiting."""


class _CanceledError(Exception):
    """The running job was canceled."""


@dataclass(slots=True)
class Job:
    """Files to index.

    Args:
        name: for display.
        is_upload: one file that was uploaded.
        examined: number of files.
        total: duration of the recordings that are new.
        done: of these, transcribed or failed.
        indexed: ids of new recordings, the first of them.
        added: number of new recordings.
        known: number of recordings that were in the index already.
        errors: sentences on files that cannot be used, the first of them.
    """

    id: str
    path: str
    name: str
    is_upload: bool
    state: State = "waiting"
    stage: str = ""
    examined: int = 0
    total: Seconds = 0.0
    done: Seconds = 0.0
    added: int = 0
    known: int = 0
    failed: int = 0
    indexed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class JobQueue:
    """Jobs of one server, worked off one after the other by one thread that starts with the first job."""

    def __init__(self, store: str, transcriber: BackgroundTranscriber, changed: Callable[[], None]) -> None:
        """Index into ``store``; ``changed`` is called after each change of the index."""
        self._store, self._transcriber, self._changed = store, transcriber, changed
        transcriber.check = self._check
        self._condition = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._current: Started | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, path: str, name: str, *, is_upload: bool) -> Job:
        """Add a job to the end of the queue; QueueFullError if it is too long."""
        with self._condition:
            if len(self._waiting) >= MAX_WAITING:
                raise QueueFullError("too many additions are waiting; add more when some are done")
            job = Job(secrets.token_hex(8), path, name, is_upload)
            self._jobs[job.id] = job
            self._waiting.append(job)
            finished = [each.id for each in self._jobs.values() if each.state not in ("waiting", "running")]
            for old in finished[:-MAX_FINISHED]:
                del self._jobs[old]
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="additions", daemon=True)
                self._thread.start()
            self._condition.notify()
            return self._copy(job)

    def jobs(self) -> list[Job]:
        """Copies of the jobs, the newest first."""
        with self._condition:
            return [self._copy(job) for job in reversed(self._jobs.values())]

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job that waits or runs; None if there is no such job. Its indexed recordings stay."""
        with self._condition:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            if job.state in ("waiting", "running"):
                job.state = "canceled"
                with contextlib.suppress(ValueError):
                    self._waiting.remove(job)
            return self._copy(job)

    def close(self) -> None:
        """Cancel the running job and end the thread."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _copy(self, job: Job) -> Job:
        copy = replace(job, indexed=job.indexed[:], errors=job.errors[:])
        if job is self._running and job.state == "running":
            if self._transcriber.is_loading:
                copy.stage = "loading the model"
            elif self._current is not None:
                copy.done += min(self._transcriber.position, self._current.duration)
        return copy

    def _check(self) -> None:
        """Stop the running job if it was canceled."""
        if self._stopped or (self._running is not None and self._running.state == "canceled"):
            raise _CanceledError

    def _work(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
        while True:
            with self._condition:
                while not self._waiting and not self._stopped:
                    self._condition.wait()
                if self._stopped:
                    return
                job = self._running = self._waiting.popleft()
                job.state, job.stage = "running", "looking at files"
            state: State = "done"
            try:
                self._index(job)
            except _CanceledError:
                state = "canceled"
            except AudioSearchError as error:
                self._add_error(job, str(error))
                state = "failed"
            except Exception:
                logger.exception("%s: cannot be indexed", job.path)
                self._add_error(job, "internal error; see the log of the server")
                state = "failed"
            finally:
                with self._condition:
                    self._running = self._current = None
                    if job.state == "running":
                        job.state = "failed" if state == "done" and job.failed and not job.added + job.known else state
                    job.stage = ""
                self._changed()

    def _index(self, job: Job) -> None:
        with open_index(self._store, create=True) as index:
            for record in ingest(index, self._transcriber, [job.path]):
                self._count(job, record)
                self._check()

    def _count(self, job: Job, record: Record) -> None:
        with self._condition:
            match record:
                case Examined():
                    job.examined += 1
                case CrawlSummary():
                    job.total, job.known = record.seconds, record.unchanged
                case Started():
                    self._current = record
                    job.stage = os.path.basename(record.path)  # noqa: PTH119 (names need not be paths of this system)
                case Relocated():
                    job.known += 1
                case Indexed():
                    self._finish_recording(job)
                    job.added += 1
                    job.indexed = [*job.indexed, record.recording.id][:MAX_LISTED]
                case Failed():
                    self._finish_recording(job)
                    self._add_error(job, record.sentence)
        if isinstance(record, Indexed | Relocated):
            self._changed()

    def _finish_recording(self, job: Job) -> None:
        if self._current is not None:
            job.done += self._current.duration
            self._current = None

    def _add_error(self, job: Job, sentence: str) -> None:
        job.failed += 1
        job.errors = [*job.errors, sentence][:MAX_LISTED]
