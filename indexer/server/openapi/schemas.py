"""The objects of the API."""

from __future__ import annotations

from typing import get_args

from indexer.server.openapi.corrections import correction_schemas
from indexer.server.openapi.notation import COUNT, SECONDS, SHARE, TEXT, Json, list_of, record, ref
from indexer.types import Way

_CHANGES: Json = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
"""Parameters with new values; null: left out."""


def schemas() -> Json:
    """Schemas by name."""
    word = record(
        {
            "text": TEXT,
            "start": SECONDS,
            "end": SECONDS,
            "confidence": SHARE,
            "alternatives": list_of(ref("Alternative")),
            "voice": TEXT,
        },
        optional=("alternatives", "voice"),
    )
    hit = record(
        {
            **{"id": TEXT, "path": TEXT, "start": SECONDS, "end": SECONDS, "confidence": SHARE},
            **{"text": TEXT, "before": TEXT, "after": TEXT, "words": list_of(ref("Word"))},
            **{"way": {"enum": list(get_args(Way))}, "variant": {"type": "boolean"}, "voice": TEXT},
        },
        optional=("voice",),
    )
    recording = record(
        {
            **{"id": TEXT, "path": TEXT, "paths": list_of(TEXT), "duration": SECONDS, "model": TEXT, "added": TEXT},
            "corrected": {**TEXT, "description": "time of the last correction of its words"},
            "has_media": {"type": "boolean", "description": "false: only a transcript was imported"},
            "has_file": {"type": "boolean", "description": "false: the file of the recording or transcript is gone"},
        },
        optional=("has_file", "corrected"),
    )
    byte: Json = {"type": "integer", "minimum": 0, "maximum": 255}
    return {
        **correction_schemas(),
        "Error": record({"error": TEXT}),
        "Alternative": record({"text": TEXT, "probability": SHARE}),
        "Word": word,
        "Hit": hit,
        "Recording": recording,
        "Library": record(
            {
                **{"recordings": COUNT, "words": COUNT, "seconds": SECONDS, "modes": list_of(TEXT)},
                "changes": {"type": "boolean"},
                "read_only": {"type": "boolean", "description": "true: nothing can be corrected"},
                "folders": list_of(record({"path": TEXT, "recordings": COUNT})),
            }
        ),
        "Hits": record(
            {
                "hits": list_of(ref("Hit")),
                "after": {"type": ["string", "null"]},
                "notes": list_of(TEXT),
                "also": list_of(TEXT),
                "near": {"type": "object", "additionalProperties": list_of(TEXT)},
                "texts": list_of(TEXT),
                "suggestions": list_of(record({"label": TEXT, "params": _CHANGES})),
                "recordings": list_of(ref("Recording")),
            }
        ),
        "Recordings": record({"recordings": list_of(ref("Recording")), "total": COUNT, "seconds": SECONDS}),
        "Tags": record(
            {**dict.fromkeys(("title", "artist", "album", "date"), TEXT), "has_cover": {"type": "boolean"}},
            optional=("title", "artist", "album", "date"),
        ),
        "Transcript": record(
            {"path": TEXT, "duration": SECONDS, "total": COUNT, "offset": COUNT, "words": list_of(ref("Word"))}
        ),
        "Peaks": record({"start": SECONDS, "end": SECONDS, "highest": list_of(byte), "effective": list_of(byte)}),
    }
