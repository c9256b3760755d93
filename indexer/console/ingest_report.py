"""What a run of ``audiosearch index`` did: counted, in words and as JSON."""

from __future__ import annotations

import time
from dataclasses import dataclass

from audiosearch.types import Seconds
from indexer.console.format import count, length, shown
from indexer.ingest.crawl import Looked
from indexer.ingest.ingest import Forgotten, Found, Indexed, Record, Relocated, Started
from indexer.ingest.walk import Failed


@dataclass(slots=True)
class Tally:
    """Counts of what was done so far, and how quickly."""

    looked: int = 0  # files
    indexed: int = 0
    failed: int = 0
    relocated: int = 0
    replaced: int = 0
    forgotten: int = 0
    unchanged: int = 0
    outdated: int = 0
    gone: int = 0
    new: int = 0  # recordings to transcribe
    total: Seconds = 0.0  # of audio to transcribe
    heard: Seconds = 0.0  # of audio indexed
    left: Seconds = 0.0  # of audio, until everything is tried
    current: Started | None = None
    begun: float | None = None  # monotonic time of the first transcription

    def take(self, record: Record) -> None:
        """Count a record."""
        match record:
            case Looked():
                self.looked += 1
            case Found():
                self.unchanged, self.outdated, self.gone = record.unchanged, record.outdated, record.gone
                self.new, self.total, self.left = record.new, record.seconds, record.seconds
            case Relocated():
                self.relocated += 1
            case Started():
                self.current = record
                self.begun = self.begun or time.monotonic()
            case Indexed():
                self.indexed += 1
                self.heard += record.recording.duration
                self._finish()
            case Failed():
                self.failed += 1
                self._finish()
            case Forgotten():
                self.gone -= 1
                self.replaced += record.replaced
                self.forgotten += not record.replaced

    def _finish(self) -> None:
        if self.current:
            self.left -= self.current.duration
            self.current = None

    @property
    def elapsed(self) -> Seconds:
        """Since the first transcription began."""
        return time.monotonic() - self.begun if self.begun is not None else 0.0

    def done(self, position: Seconds = 0.0) -> Seconds:
        """Of the audio to transcribe, as much as was tried; of the current recording up to ``position``."""
        return self.total - self.left + (min(position, self.current.duration) if self.current else 0.0)

    def speed(self, position: Seconds = 0.0) -> float:
        """Multiple of real time."""
        heard = self.heard + (position if self.current else 0.0)
        return heard / self.elapsed if heard else 0.0

    def facts(self) -> dict[str, object]:
        """The last line of ``--json``."""
        names = ("indexed", "failed", "relocated", "replaced", "forgotten", "unchanged", "outdated", "gone")
        counts = {name: getattr(self, name) for name in names}
        return {"event": "finished", **counts, "audio_seconds": round(self.heard, 3), "seconds": round(self.elapsed, 3)}

    def summary(self) -> str:
        """One sentence, and one more where there is something to do."""
        parts = []
        if self.indexed:
            speed = f"{length(self.heard)} of audio in {length(self.elapsed)}, {self.speed():.0f} × real time"
            parts.append(f"{count(self.indexed, 'recording')} indexed ({speed})")
        named = {
            "unchanged": self.unchanged,
            "moved or copied": self.relocated,
            "replaced": self.replaced,
            "forgotten": self.forgotten,
            "could not be used": self.failed,
        }
        parts += [f"{number:,} {what}" for what, number in named.items() if number]
        text = (", ".join(parts) or f"No recordings found in {count(self.looked, 'file')}") + "."
        if self.gone:
            text += f" {count(self.gone, 'recording is', 'recordings are')} no longer there; --prune forgets them."
        if self.outdated:
            text += f" {count(self.outdated, 'was', 'were')} transcribed by another model; --again renews them."
        return text


def line(record: Record) -> str | None:
    """A record in words, where it is worth telling."""
    match record:
        case Failed():
            return record.sentence.encode(errors="backslashreplace").decode()
        case Indexed():
            return f"{shown(record.recording.path)}: {count(record.words, 'word')}"
        case Relocated():
            now, before = (", ".join(map(shown, paths)) for paths in (record.added, record.left))
            if not now:
                return f"{before}: a copy, no longer there"
            return f"{now}: was {before}" if before else f"{now}: a copy of {shown(record.recording.path)}"
        case Forgotten():
            return f"{shown(record.recording.path)}: {'replaced' if record.replaced else 'forgotten'}"
    return None


def facts(record: Record) -> dict[str, object] | None:
    """A record as ``--json`` writes it, where it is worth telling."""
    match record:
        case Failed():
            return {"event": "failed", "path": record.path, "reason": record.sentence}
        case Indexed():
            recording = record.recording
            about = {"path": recording.path, "id": recording.id, "duration": recording.duration, "words": record.words}
            return {"event": "indexed", **about}
        case Relocated():
            about = {"id": record.recording.id, "added": list(record.added), "left": list(record.left)}
            return {"event": "relocated", **about}
        case Forgotten():
            event = "replaced" if record.replaced else "forgotten"
            return {"event": event, "path": record.recording.path, "id": record.recording.id}
    return None
