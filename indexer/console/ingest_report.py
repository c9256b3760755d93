"""The report of a run of ``audiosearch index``: counts, lines and JSON records."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from audiosearch.display import printable
from audiosearch.types import Seconds
from indexer.console.format import count, length, pace, shown
from indexer.ingest.crawl import Examined
from indexer.ingest.ingest import CrawlSummary, Indexed, Record, Relocated, Removed, Started
from indexer.ingest.plan import Planned
from indexer.ingest.walk import Failed


@dataclass(slots=True)
class IngestReport:
    """Counts and speed of a run so far."""

    examined: int = 0  # files
    indexed: int = 0
    failed: int = 0
    unreadable: int = 0  # of the failed: files whose content cannot be used
    skipped: int = 0  # unreadable files of former runs
    planned: int = 0  # recordings that a dry run lists
    is_dry: bool = False
    relocated: int = 0
    replaced: int = 0
    removed: int = 0
    unchanged: int = 0
    outdated: int = 0
    missing: int = 0
    total: Seconds = 0.0  # of audio to transcribe
    transcribed: Seconds = 0.0  # of indexed audio
    remaining: Seconds = 0.0  # of audio not tried yet
    current: Started | None = None
    started_at: float | None = None  # monotonic time of the first transcription

    def add(self, record: Record | Planned) -> None:
        """Count a record."""
        match record:
            case Examined():
                self.examined += 1
            case CrawlSummary():
                self.unchanged, self.outdated, self.missing = record.unchanged, record.outdated, record.missing
                self.total = self.remaining = record.seconds
            case Relocated():
                self.relocated += 1
            case Started():
                self.current = record
                self.started_at = self.started_at or time.monotonic()
            case Indexed():
                self.indexed += 1
                self.transcribed += record.recording.duration
                self._finish_current()
            case Failed():
                self.failed += 1
                self.unreadable += bool(record.files)
                self._finish_current()
            case Planned():
                self.planned += 1
            case Removed():
                self.missing -= 1
                self.replaced += record.replaced
                self.removed += not record.replaced

    def _finish_current(self) -> None:
        if self.current:
            self.remaining -= self.current.duration
            self.current = None

    @property
    def elapsed(self) -> Seconds:
        """Time since the first transcription began."""
        return time.monotonic() - self.started_at if self.started_at is not None else 0.0

    def done(self, position: Seconds = 0.0) -> Seconds:
        """Duration of the audio tried so far, including the current recording up to ``position``."""
        return self.total - self.remaining + (min(position, self.current.duration) if self.current else 0.0)

    def speed(self, position: Seconds = 0.0) -> float:
        """Multiple of real time."""
        transcribed = self.transcribed + (position if self.current else 0.0)
        return transcribed / self.elapsed if transcribed else 0.0

    def progress(self, position: Seconds) -> dict[str, object]:
        """Stage and state for a progress bar.

        Args:
            position: time up to which the current recording is transcribed.
        """
        if not self.total:
            return {"description": "searching for recordings", "state": count(self.examined, "file")}
        if self.current is None:
            return {"total": self.total, "completed": self.done(), "description": "recognizing", "state": ""}
        done, speed = self.done(position), pace(self.speed(position))
        return {
            "total": self.total,
            "completed": done,
            "description": Path(shown(self.current.path)).name,
            "state": f"{length(done)} of {length(self.total)}, {speed}" if speed else "recognizing",
        }

    def record(self) -> dict[str, object]:
        """The last line of ``--json``."""
        return {
            "event": "finished",
            **({"dry_run": True, "planned": self.planned} if self.is_dry else {}),
            **({"skipped": self.skipped} if self.skipped else {}),
            "indexed": self.indexed,
            "failed": self.failed,
            "relocated": self.relocated,
            "replaced": self.replaced,
            "forgotten": self.removed,
            "unchanged": self.unchanged,
            "outdated": self.outdated,
            "gone": self.missing,
            "audio_seconds": round(self.transcribed, 3),
            "seconds": round(self.elapsed, 3),
        }

    def summary(self) -> str:
        """A sentence with the counts, and one for each option that would process more recordings."""
        parts = []
        if self.indexed:
            audio = f"{length(self.transcribed)} of audio in {length(self.elapsed)}"
            speed = ", ".join(filter(None, (audio, pace(self.speed()))))
            parts.append(f"{count(self.indexed, 'recording')} indexed ({speed})")
        if self.planned:
            parts.append(f"{count(self.planned, 'recording')} to transcribe ({length(self.total)})")
        named = {
            "unchanged": self.unchanged,
            "moved or copied": self.relocated,
            "replaced": self.replaced,
            "removed": self.removed,
            "failed": self.failed,
        }
        parts += [f"{number:,} {name}" for name, number in named.items() if number]
        found = f"none of {count(self.examined, 'file')} is audio or video" if self.examined else "there are no files"
        text = (", ".join(parts) or f"No recordings found: {found}") + "."
        if self.is_dry:
            text = f"Dry run, nothing was changed: {text}"
        if self.skipped:
            text += f" {count(self.skipped, 'unreadable file')} skipped until they change."
        if self.missing:
            text += f" {count(self.missing, 'recording')} without files; --prune removes them."
        if self.outdated:
            text += f" {count(self.outdated, 'recording')} transcribed by another model; --again renews them."
        return text


def line(record: Record | Planned) -> str | None:
    """A line about a record; None for those that are not reported."""
    match record:
        case Failed():
            return printable(record.sentence)
        case Indexed():
            kept = f", {count(record.corrected, 'correction')} kept" if record.corrected else ""
            aside = f"; {corrections_aside(record.aside, record.recording.path)}" if record.aside else ""
            return f"{shown(record.recording.path)}: {count(record.words, 'word')}{kept}{aside}"
        case Planned():
            return f"{shown(record.path)}: to transcribe{' again' if record.again else ''}, {length(record.duration)}"
        case Relocated():
            added, left = (", ".join(map(shown, paths)) for paths in (record.added, record.left))
            if not added:
                return f"{left}: a copy, no longer there"
            return f"{added}: was {left}" if left else f"{added}: a copy of {shown(record.recording.path)}"
        case Removed():
            what = f", {count(record.corrections, 'correction')} too" if record.corrections else ""
            return f"{shown(record.recording.path)}: {'replaced' if record.replaced else 'removed'}{what}"
    return None


def is_problem(record: Record | Planned) -> bool:
    """Return whether a record is displayed even if others are not."""
    return isinstance(record, Failed) or (isinstance(record, Indexed) and record.aside > 0)


def corrections_aside(number: int, path: str) -> str:
    """Sentence about corrections by hand that fit no word of a recording."""
    these = "1 correction fits" if number == 1 else f"{number:,} corrections fit"
    return f"{these} none of its words, see audiosearch correct {shlex.quote(shown(path))} --list"


def json_record(record: Record | Planned) -> dict[str, object] | None:
    """A record as ``--json`` writes it; None for those that are not reported."""
    match record:
        case Failed():
            return {"event": "failed", "path": record.path, "reason": record.sentence}
        case Indexed():
            recording = record.recording
            metadata = {"path": recording.path, "id": recording.id, "duration": recording.duration}
            counts = {"corrected": record.corrected, "aside": record.aside}
            corrections = counts if any(counts.values()) else {}
            return {"event": "indexed", **metadata, "words": record.words, **corrections}
        case Planned():
            return {"event": "planned", "path": record.path, "duration": record.duration, "again": record.again}
        case Relocated():
            paths = {"added": list(record.added), "left": list(record.left)}
            return {"event": "relocated", "id": record.recording.id, **paths}
        case Removed():
            event = "replaced" if record.replaced else "forgotten"
            return {"event": event, "path": record.recording.path, "id": record.recording.id}
    return None
