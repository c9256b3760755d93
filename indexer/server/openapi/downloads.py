"""The description of downloads: transcripts, clips and supercuts."""

from __future__ import annotations

from indexer.server.downloads.transcripts import NAMES, TYPES
from indexer.server.openapi.notation import TEXT, Json, parameter, ref

DISPOSITION: Json = {"content-disposition": {"schema": TEXT, "description": "name of the file, with format"}}


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
