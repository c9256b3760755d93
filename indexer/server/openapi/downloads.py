"""The description of downloads: transcripts, clips and supercuts."""

from __future__ import annotations

from audiosearch.audio.clip_formats import FADE
from indexer.server.downloads.clip_request import FORMATS, MAX_CLIP, MAX_CLIPS, MAX_MARGIN, MAX_SUPERCUT
from indexer.server.downloads.transcripts import NAMES, TYPES
from indexer.server.openapi.notation import (
    TEXT,
    TIME,
    Json,
    error_responses,
    json_content,
    list_of,
    parameter,
    record,
    ref,
)

DISPOSITION: Json = {"content-disposition": {"schema": TEXT, "description": "name of the file"}}


def add_transcript_files(operation: Json) -> None:
    """Add the parameter ``format`` and its media types to the description of a transcript."""
    operation["parameters"].append(
        parameter("format", {"enum": list(NAMES)}, "instead of the other parameters: the whole transcript as a file")
    )
    content = operation["responses"]["200"]["content"]
    file: Json = {"type": "object", "description": "the file, with the format json or whisperx-json"}
    content["application/json"] = {"schema": {"anyOf": [ref("Transcript"), file]}}
    content |= {kind: {"schema": TEXT} for kind in sorted({*TYPES.values()} - {"application/json"})}
    operation["responses"]["200"]["headers"] = DISPOSITION


def clip_paths(identity: Json, guarded: bool) -> Json:
    """Paths of clips and supercuts.

    Args:
        identity: the parameter that names a recording.
    """
    margin: Json = {"type": "number", "minimum": 0, "maximum": MAX_MARGIN}
    form: Json = {"enum": list(FORMATS)}
    sound: Json = {"description": "The file", "headers": DISPOSITION, "content": {"audio/*": {}}}
    errors = error_responses([400, 404, 503, *([401] if guarded else [])])
    clip = {
        "summary": f"A span of a recording as a file, of at most {MAX_CLIP:g} seconds",
        "operationId": "clip",
        "parameters": [
            identity,
            parameter("start", TIME, "start in seconds", required=True),
            parameter("end", TIME, "end in seconds", required=True),
            parameter("format", form, f"default {FORMATS[0]}"),
            parameter("padding", margin, "sound before and after it, in seconds (default 0)"),
        ],
        "responses": {
            "200": sound,
            "206": {**sound, "description": "A range of the file"},
            "416": {"description": "Range not satisfiable"},
            **errors,
        },
    }
    span = {**record({"id": TEXT, "start": TIME, "end": TIME}), "additionalProperties": False}
    fields: Json = {
        "clips": {**list_of(span), "minItems": 1, "maxItems": MAX_CLIPS},
        "format": {**form, "default": FORMATS[0]},
        "padding": {**margin, "default": 0, "description": "sound before and after each clip, in seconds"},
        "fade": {**margin, "default": FADE, "description": "crossfade between clips, in seconds"},
        "gap": {**margin, "default": 0, "description": "silence between clips, in seconds"},
    }
    body = {**record(fields, optional=("format", "padding", "fade", "gap")), "additionalProperties": False}
    refused = {
        "413": json_content("The list of clips is too long", "Error"),
        "415": json_content("The list of clips is not JSON", "Error"),
    }
    supercut = {
        "summary": f"Clips of at most {MAX_CLIP:g} seconds, joined in a file of at most {MAX_SUPERCUT / 60:g} minutes",
        "operationId": "supercut",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": sound, **errors, **refused},
    }
    return {"/api/recordings/{id}/clip": {"get": clip}, "/api/supercut": {"post": supercut}}
