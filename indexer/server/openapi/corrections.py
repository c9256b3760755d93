"""The description of corrections of words."""

from __future__ import annotations

from indexer.corrections import MAX_CORRECTED
from indexer.server.corrections.endpoints import MAX_POSITION, MAX_TEXT
from indexer.server.openapi.notation import (
    COUNT,
    SECONDS,
    TEXT,
    Json,
    error_responses,
    json_content,
    list_of,
    parameter,
    record,
    ref,
)


def correction_schemas() -> Json:
    """Schemas by name."""
    correction = record(
        {
            "number": COUNT,
            "state": {"enum": ["in place", "aside"], "description": "aside: it fits no word of a later recognition"},
            "word": {
                "type": ["integer", "null"],
                "description": "position of its first word in the transcript, if any",
            },
            "words": {**COUNT, "description": "number of its words in the transcript"},
            **{"start": SECONDS, "end": SECONDS, "recognized": TEXT, "text": TEXT, "edited": TEXT, "voice": TEXT},
        },
        optional=("voice",),
    )
    return {
        "Correction": correction,
        "Corrections": record({"corrections": list_of(ref("Correction")), "total": COUNT}),
        "Conflict": record({"error": TEXT, "words": list_of(TEXT)}),
    }


def correction_paths(identity: Json, guarded: bool) -> Json:
    """Paths of corrections.

    Args:
        identity: the parameter that names a recording.
    """
    errors = error_responses([400, 404, 503, *([401] if guarded else [])])
    refused = {"403": json_content("The server is read-only, or the request is of another site", "Error")}
    listed = {"200": json_content("Corrections of the recording, and its number of words", "Corrections")}
    position = {"type": "integer", "minimum": 0, "maximum": MAX_POSITION, "description": "position of the first word"}
    old = {**list_of(TEXT), "minItems": 1, "maxItems": MAX_CORRECTED, "description": "the words that are there now"}
    new = {**TEXT, "maxLength": MAX_TEXT, "description": "text in their place; empty: they are deleted"}
    body = {**record({"first": position, "old": old, "new": new}), "additionalProperties": False}
    number = parameter("number", {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "", where="path")
    return {
        "/api/recordings/{id}/corrections": {
            "get": {
                "summary": "Corrections of a recording",
                "operationId": "corrections",
                "parameters": [identity],
                "responses": {**listed, **errors},
            },
            "post": {
                "summary": "Correct adjacent words of a recording",
                "operationId": "correct",
                "parameters": [identity],
                "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                "responses": {
                    **listed,
                    **errors,
                    **refused,
                    "409": json_content("There are other words by now", "Conflict"),
                    "413": json_content("The request is too long", "Error"),
                    "415": json_content("The request is not JSON", "Error"),
                },
            },
            "delete": {
                "summary": "Revert all corrections of a recording",
                "operationId": "revertAll",
                "parameters": [identity],
                "responses": {**listed, **errors, **refused},
            },
        },
        "/api/recordings/{id}/corrections/{number}": {
            "delete": {
                "summary": "Revert a correction",
                "operationId": "revert",
                "parameters": [identity, number],
                "responses": {**listed, **errors, **refused},
            }
        },
    }
