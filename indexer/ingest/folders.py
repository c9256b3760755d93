"""Index folders in one call, for programs that need no records of the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.types import Seconds
from indexer.index import open_index
from indexer.ingest.ingest import CrawlSummary, Indexed, Record, Transcriber, ingest
from indexer.ingest.walk import Failed
from indexer.types import Recording


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The result of a run.

    Args:
        indexed: recordings that were transcribed and added.
        failed: files that could not be used, with the reason.
        unchanged: number of recordings that were in the index already.
    """

    indexed: tuple[Recording, ...]
    failed: tuple[Failed, ...]
    unchanged: int

    @property
    def seconds(self) -> Seconds:
        """Length of the recordings that were added."""
        return sum(recording.duration for recording in self.indexed)


def index_folder(
    path: str | Path | Sequence[str | Path],
    store: str | Path,
    recognizer: Transcriber,
    *,
    prune: bool = False,
    again: bool = False,
    progress: Callable[[Record], None] | None = None,
) -> IndexReport:
    """Add the recordings of a folder to an index, which is created if absent.

    Recordings in the index are not transcribed again, even if they were moved or renamed.

    Args:
        path: a folder or file, or several.
        store: path of an SQLite file, or URL of an Elasticsearch index.
        recognizer: a ``Recognizer``, or another ``Transcriber``.
        prune: remove recordings whose files no longer exist.
        again: transcribe again the recordings that another model transcribed.
        progress: called with a record of each step.

    Raises:
        StoreError: the index cannot be opened or written.
    """
    paths = [path] if isinstance(path, (str, Path)) else path
    indexed: list[Recording] = []
    failed: list[Failed] = []
    unchanged = 0
    with open_index(str(store), create=True) as index:
        for record in ingest(index, recognizer, paths, prune=prune, again=again):
            if isinstance(record, Indexed):
                indexed.append(record.recording)
            elif isinstance(record, Failed):
                failed.append(record)
            elif isinstance(record, CrawlSummary):
                unchanged = record.unchanged
            if progress is not None:
                progress(record)
    return IndexReport(tuple(indexed), tuple(failed), unchanged)
