"""The description of additions and removals, for servers that allow them."""

from __future__ import annotations

from typing import get_args

from indexer.server.additions.guard import BYTES
from indexer.server.additions.jobs import State
from indexer.server.openapi.notation import (
    COUNT,
    SECONDS,
    TEXT,
    Json,
    error_responses,
    json_content,
    list_of,
    parameter,
    ref,
)
from indexer.server.openapi.notation import record as object_of


def add_additions(document: Json) -> None:
    """Add paths and schemas to the document."""
    job = parameter("id", {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "", where="path")
    paths: Json = document["paths"]
    paths["/api/additions"] = {
        "get": _operation("Files that are being added, the newest first", "additions", [], "Additions", 200),
        "post": {
            **_operation("Add the recordings of a folder of the server", "addFolder", [], "Job", 202, 403, 413, 415),
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {**object_of({"folder": TEXT}), "additionalProperties": False}}
                },
            },
        },
    }
    paths["/api/additions/{id}"] = {
        "delete": _operation(
            "Cancel an addition; what was indexed stays", "cancelAddition", [job], "Job", 200, 403, 404
        )
    }
    name = parameter("name", {"type": "string", "minLength": 1}, "name of the file", required=True)
    paths["/api/uploads"] = {
        "post": {
            **_operation("Upload a recording, and add it", "upload", [name], "Job", 202, 403, 409, 413, 415, 507),
            "requestBody": {"required": True, "content": {BYTES: {}}},
        }
    }
    identity = {"$ref": "#/components/parameters/id"}
    file = parameter("file", {"enum": ["keep", "delete"]}, "delete: its file too, if it was uploaded (default keep)")
    document["components"]["parameters"] = {
        "id": parameter("id", {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,128}$"}, "", where="path")
    }
    paths["/api/recordings/{id}"]["delete"] = _operation(
        "Remove a recording from the index", "removeRecording", [identity, file], "Removal", 200, 403, 404
    )
    document["components"]["schemas"] |= {
        "Job": object_of(
            {
                **{"id": TEXT, "path": TEXT, "name": TEXT, "is_upload": {"type": "boolean"}},
                **{"state": {"enum": list(get_args(State))}, "stage": TEXT, "examined": COUNT},
                **{"total": SECONDS, "done": SECONDS, "added": COUNT, "known": COUNT, "failed": COUNT},
                **{"indexed": list_of(TEXT), "errors": list_of(TEXT)},
            }
        ),
        "Additions": object_of(
            {
                "jobs": list_of(ref("Job")),
                "folders": list_of(TEXT),
                "uploads": TEXT,
                "max_bytes": COUNT,
                "free_bytes": COUNT,
            }
        ),
        "Removal": object_of({"deleted": list_of(TEXT)}),
    }


def _operation(summary: str, name: str, parameters: list[Json], schema: str, status: int, *errors: int) -> Json:
    return {
        "summary": summary,
        "operationId": name,
        "parameters": parameters,
        "responses": {str(status): json_content(summary, schema), **error_responses([400, 401, 503, *errors])},
    }
