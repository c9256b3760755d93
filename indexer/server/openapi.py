"""The description of the API (OpenAPI 3.1), served as /api/openapi.json."""

from __future__ import annotations

from typing import Any, get_args

from indexer.server.api import MAX_POINTS, MAX_RECORDINGS, MAX_WORDS
from indexer.server.parameters import MAX_VALUES
from indexer.server.search_endpoint import MAX_HITS, MODES
from indexer.types import MAX_SLOP, Way

VERSION = "1.0"
"""Version of the API; the first number changes with incompatible changes."""

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
SECONDS: Json = {"type": "number", "minimum": 0, "description": "seconds"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
TIME: Json = {"type": "number", "minimum": 0, "maximum": 1e9}


def description(guarded: bool) -> Json:
    """The OpenAPI document.

    Args:
        guarded: True if a token is required.
    """
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "audiosearch",
            "version": VERSION,
            "description": "Search, transcripts and audio. Hits, recordings and words are the records that commands "
            "print with --json.",
        },
        "paths": _paths(guarded),
        "components": {"schemas": _schemas()},
    }
    if guarded:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _paths(guarded: bool) -> Json:
    identity = _parameter("id", {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,128}$"}, "", where="path")
    paths: dict[str, tuple[str, list[Json], str]] = {
        "/api/library": ("Size of the index, search modes and folders", [], "Library"),
        "/api/search": ("Hits of a query", _search(), "Hits"),
        "/api/recordings": (
            "Recordings sorted by path",
            [
                _whole("offset", 0, 10**9, "number of recordings to skip"),
                _whole("limit", 1, MAX_RECORDINGS, "maximum number of recordings (default 100)"),
                _parameter("name", TEXT, "part of the path"),
            ],
            "Recordings",
        ),
        "/api/recordings/{id}": ("One recording", [identity], "Recording"),
        "/api/recordings/{id}/transcript": (
            "Transcript of a recording",
            [
                identity,
                _whole("offset", 0, 10**9, "number of words to skip"),
                _parameter("at", TIME, "instead of offset: time of the first word, in seconds"),
                _whole("limit", 1, MAX_WORDS, "maximum number of words (default 1000)"),
            ],
            "Transcript",
        ),
        "/api/recordings/{id}/peaks": (
            "Peaks of a recording in columns of equal duration; slow at the first request",
            [
                identity,
                _whole("points", 1, MAX_POINTS, "number of columns (default 800)"),
                _parameter("start", TIME, "start in seconds"),
                _parameter("end", TIME, "end in seconds (default: end of the recording)"),
            ],
            "Peaks",
        ),
    }
    described: Json = {}
    for path, (summary, parameters, schema) in paths.items():
        errors = [400, 503, *([404] if "{id}" in path else []), *([401] if guarded else [])]
        described[path] = {
            "get": {
                "summary": summary,
                "operationId": schema[0].lower() + schema[1:],
                "parameters": parameters,
                "responses": {"200": _json(summary, schema), **_errors(errors)},
            }
        }
    described["/api/recordings/{id}/audio"] = _audio(identity, guarded)
    return described


def _search() -> list[Json]:
    return [
        _parameter(
            "q", _texts(1), "word or phrase, with * at the end of a prefix; several give the hits of any", required=True
        ),
        _parameter("and", _texts(), "phrases that must be said as well"),
        _parameter("not", _texts(), "phrases that must not be said"),
        _parameter("within", TIME, "maximum distance of `and` and `not` from a hit (default: the whole recording)"),
        _whole("slop", 0, MAX_SLOP, "maximum number of other words within a phrase"),
        _parameter("path", _texts(), "absolute path of a file or folder, or a glob: * stops at /, ** does not"),
        _parameter("id", TEXT, "only in this recording"),
        _parameter("since", TEXT, "only files modified at this date or later: 2024-05-31, or 2024-05-31T18:30"),
        _parameter("until", TEXT, "only files modified before this date"),
        _parameter("mode", {"enum": list(MODES)}, f"search mode (default {MODES[0]})"),
        _parameter("confidence", SHARE, "minimum confidence; also lowers the 0.6 threshold for uncertain hits"),
        _parameter(
            "order",
            {"enum": ["confidence", "time"]},
            "sort by decreasing confidence, or increasing time of modification",
        ),
        _whole("limit", 1, MAX_HITS, "maximum number of hits (default 20)"),
        _parameter("after", TEXT, "cursor of the previous page"),
    ]


def _audio(identity: Json, guarded: bool) -> Json:
    def operation(method: str) -> Json:
        sound: Json = {"description": "The audio", "headers": {"accept-ranges": {"schema": TEXT}}}
        if method == "get":
            sound["content"] = {"audio/*": {}}
        responses: Json = {"200": sound, "304": {"description": "Not modified"}}
        if method == "get":
            responses["206"] = {**sound, "description": "A range of the audio"}
            responses["416"] = {"description": "Range not satisfiable"}
        errors = _errors([400, 404, 503, *([401] if guarded else [])])
        if method == "head":
            errors = {code: {"description": error["description"]} for code, error in errors.items()}
        return {
            "summary": "Audio of a recording: the file itself, or WAV if browsers cannot play it",
            "operationId": f"{method}Audio",
            "parameters": [
                identity,
                _parameter("range", TEXT, "bytes=FIRST-LAST", where="header"),
                _parameter("as", {"enum": ["file", "wav"]}, "wav: always as WAV"),
            ],
            "responses": {**responses, **errors},
        }

    return {method: operation(method) for method in ("get", "head")}


def _schemas() -> Json:
    word = _object(
        {
            "text": TEXT,
            "start": SECONDS,
            "end": SECONDS,
            "confidence": SHARE,
            "alternatives": _list(_ref("Alternative")),
            "voice": TEXT,
        },
        optional=("alternatives", "voice"),
    )
    hit = _object(
        {
            **{"id": TEXT, "path": TEXT, "start": SECONDS, "end": SECONDS, "confidence": SHARE},
            **{"text": TEXT, "before": TEXT, "after": TEXT, "words": _list(_ref("Word"))},
            **{"way": {"enum": list(get_args(Way))}, "variant": {"type": "boolean"}, "voice": TEXT},
        },
        optional=("voice",),
    )
    recording = _object(
        {"id": TEXT, "path": TEXT, "paths": _list(TEXT), "duration": SECONDS, "model": TEXT, "added": TEXT}
    )
    byte: Json = {"type": "integer", "minimum": 0, "maximum": 255}
    return {
        "Error": _object({"error": TEXT}),
        "Alternative": _object({"text": TEXT, "probability": SHARE}),
        "Word": word,
        "Hit": hit,
        "Recording": recording,
        "Library": _object(
            {
                **{"recordings": COUNT, "words": COUNT, "seconds": SECONDS, "modes": _list(TEXT)},
                "folders": _list(_object({"path": TEXT, "recordings": COUNT})),
            }
        ),
        "Hits": _object(
            {
                "hits": _list(_ref("Hit")),
                "after": {"type": ["string", "null"]},
                "notes": _list(TEXT),
                "also": _list(TEXT),
                "near": {"type": "object", "additionalProperties": _list(TEXT)},
                "recordings": _list(_ref("Recording")),
            }
        ),
        "Recordings": _object({"recordings": _list(_ref("Recording")), "total": COUNT}),
        "Transcript": _object(
            {"path": TEXT, "duration": SECONDS, "total": COUNT, "offset": COUNT, "words": _list(_ref("Word"))}
        ),
        "Peaks": _object({"start": SECONDS, "end": SECONDS, "highest": _list(byte), "effective": _list(byte)}),
    }


def _object(properties: Json, optional: tuple[str, ...] = ()) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _texts(minimum: int = 0) -> Json:
    return {"type": "array", "items": TEXT, "minItems": minimum, "maxItems": MAX_VALUES}


def _parameter(name: str, schema: Json, text: str, *, where: str = "query", required: bool = False) -> Json:
    described = {"name": name, "in": where, "required": required or where == "path", "schema": schema}
    return {**described, "description": text} if text else described


def _whole(name: str, minimum: int, maximum: int, text: str) -> Json:
    return _parameter(name, {"type": "integer", "minimum": minimum, "maximum": maximum}, text)


def _json(text: str, schema: str) -> Json:
    return {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}


def _errors(codes: list[int]) -> Json:
    texts = {400: "Invalid parameter", 401: "Token required", 404: "Not found", 503: "The index cannot be read"}
    return {str(code): _json(texts[code], "Error") for code in sorted(codes)}
