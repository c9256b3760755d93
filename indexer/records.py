"""Hits, recordings and words as JSON objects, the same for every ``--json`` and the server."""

from __future__ import annotations

from audiosearch.types import Word
from indexer.types import Hit, Recording


def word_record(word: Word) -> dict[str, object]:
    """Word with its times, alternatives and voice."""
    record: dict[str, object] = {
        "text": word.text,
        "start": word.start,
        "end": word.end,
        "confidence": word.confidence,
    }
    if word.alternatives:
        record["alternatives"] = [
            {"text": alternative.text, "probability": alternative.probability} for alternative in word.alternatives
        ]
    if word.voice is not None:
        record["voice"] = word.voice
    return record


def hit_record(hit: Hit) -> dict[str, object]:
    """Hit with its context, and the voice of its words if it is known."""
    voice = {} if hit.voice is None else {"voice": hit.voice}
    return {
        "id": hit.recording.id,
        "path": hit.recording.path,
        "start": hit.start,
        "end": hit.end,
        "confidence": hit.confidence,
        "way": hit.way,
        "variant": hit.variant,
        **voice,
        "text": hit.text,
        "before": " ".join(word.text for word in hit.before),
        "after": " ".join(word.text for word in hit.after),
        "words": [word_record(word) for word in hit.words],
    }


def recording_record(recording: Recording) -> dict[str, object]:
    """Recording with all its paths."""
    return {
        "id": recording.id,
        "path": recording.path,
        "paths": [location.path for location in recording.locations],
        "duration": recording.duration,
        "model": recording.model,
        "added": recording.added,
        "has_media": recording.has_media,
        **({} if recording.corrected is None else {"corrected": recording.corrected}),
    }
