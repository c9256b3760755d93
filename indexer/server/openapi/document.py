"""The description of the API (OpenAPI 3.1), served as /api/openapi.json."""

from __future__ import annotations

from typing import get_args

from indexer.matching.listing import LIST_ORDERS
from indexer.server.api import MAX_POINTS, MAX_RECORDINGS, MAX_WORDS
from indexer.server.openapi.additions import add_additions
from indexer.server.openapi.corrections import correction_paths
from indexer.server.openapi.downloads import add_transcript_files, clip_paths
from indexer.server.openapi.notation import (
    SHARE,
    TEXT,
    TIME,
    Json,
    error_responses,
    json_content,
    parameter,
    texts,
    whole,
)
from indexer.server.openapi.schemas import schemas
from indexer.server.search_endpoint import MAX_HITS, MODES
from indexer.types import MAX_SLOP, Order

VERSION = "1.0"
"""Version of the API; the first number changes with incompatible changes."""


def description(guarded: bool, changes: bool = False) -> Json:
    """The OpenAPI document.

    Args:
        guarded: True if a token is required.
        changes: True if recordings may be added and removed.
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
        "components": {"schemas": schemas()},
    }
    if changes:
        add_additions(document)
    if guarded:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _paths(guarded: bool) -> Json:
    identity = parameter("id", {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,128}$"}, "", where="path")
    paths: dict[str, tuple[str, list[Json], str]] = {
        "/api/library": ("Size of the index, search modes and folders", [], "Library"),
        "/api/search": ("Hits of a query", _search(), "Hits"),
        "/api/recordings": (
            "Recordings in an order",
            [
                whole("offset", 0, 10**9, "number of recordings to skip"),
                whole("limit", 1, MAX_RECORDINGS, "maximum number of recordings (default 100)"),
                parameter("name", TEXT, "words, or parts of words, of the path"),
                parameter("sort", {"enum": list(LIST_ORDERS)}, "order (default: name, the path)"),
                parameter("reverse", {"enum": ["false", "true"]}, "true: the last of the order first"),
            ],
            "Recordings",
        ),
        "/api/recordings/{id}": ("One recording", [identity], "Recording"),
        "/api/recordings/{id}/tags": ("Tags of the file of a recording", [identity], "Tags"),
        "/api/recordings/{id}/transcript": (
            "Transcript of a recording",
            [
                identity,
                whole("offset", 0, 10**9, "number of words to skip"),
                parameter("at", TIME, "instead of offset: time of the first word, in seconds"),
                whole("limit", 1, MAX_WORDS, "maximum number of words (default 1000)"),
            ],
            "Transcript",
        ),
        "/api/recordings/{id}/peaks": (
            "Peaks of a recording in columns of equal duration; slow at the first request",
            [
                identity,
                whole("points", 1, MAX_POINTS, "number of columns (default 800)"),
                parameter("start", TIME, "start in seconds"),
                parameter("end", TIME, "end in seconds (default: end of the recording)"),
            ],
            "Peaks",
        ),
    }
    described: Json = {}
    for path, (summary, parameters, schema) in paths.items():
        codes = [400, 503, *([404] if "{id}" in path else []), *([401] if guarded else [])]
        described[path] = {
            "get": {
                "summary": summary,
                "operationId": schema[0].lower() + schema[1:],
                "parameters": parameters,
                "responses": {"200": json_content(summary, schema), **error_responses(codes)},
            }
        }
    described["/api/recordings/{id}/audio"] = _audio(identity, guarded)
    described["/api/recordings/{id}/cover"] = _cover(identity, guarded)
    add_transcript_files(described["/api/recordings/{id}/transcript"]["get"])
    return described | clip_paths(identity, guarded) | correction_paths(identity, guarded)


def _search() -> list[Json]:
    return [
        parameter(
            "q",
            texts(1),
            'text in the query language: "exact phrase" word pref* -not OR within:30 path:… since:… until:… voice:…; '
            "several give the hits of any",
            required=True,
        ),
        parameter("and", texts(), "phrases that must be said as well"),
        parameter("not", texts(), "phrases that must not be said"),
        parameter("within", TIME, "maximum distance of `and` and `not` from a hit (default: the whole recording)"),
        whole("slop", 0, MAX_SLOP, "maximum number of other words within a phrase"),
        parameter("path", texts(), "absolute path of a file or folder, or a glob: * stops at /, ** does not"),
        parameter("id", TEXT, "only in this recording"),
        parameter("since", TEXT, "only files modified at this date or later: 2024-05-31, or 2024-05-31T18:30"),
        parameter("until", TEXT, "only files modified before this date"),
        parameter("mode", {"enum": list(MODES)}, f"search mode (default {MODES[0]})"),
        parameter("confidence", SHARE, "minimum confidence; also lowers the 0.6 threshold for uncertain hits"),
        parameter(
            "order",
            {"enum": list(get_args(Order))},
            "sort by decreasing confidence, or recordings by time of modification (time: oldest first, newest) or path",
        ),
        whole("limit", 1, MAX_HITS, "maximum number of hits (default 20)"),
        parameter("after", TEXT, "cursor of the previous page"),
    ]


def _cover(identity: Json, guarded: bool) -> Json:
    """The operation of the cover."""
    kinds = ("image/jpeg", "image/png", "image/webp")
    picture = {"description": "The picture", "content": {kind: {"schema": {}} for kind in kinds}}
    errors = error_responses([400, 404, 503, *([401] if guarded else [])])
    summary = "Picture in the file of a recording, of which the tags say has_cover"
    return {
        "get": {
            "summary": summary,
            "operationId": "getCover",
            "parameters": [identity],
            "responses": {"200": picture, **errors},
        }
    }


def _audio(identity: Json, guarded: bool) -> Json:
    def operation(method: str) -> Json:
        sound: Json = {"description": "The audio", "headers": {"accept-ranges": {"schema": TEXT}}}
        if method == "get":
            sound["content"] = {"audio/*": {}}
        responses: Json = {"200": sound, "304": {"description": "Not modified"}}
        if method == "get":
            responses["206"] = {**sound, "description": "A range of the audio"}
            responses["416"] = {"description": "Range not satisfiable"}
        errors = error_responses([400, 404, 503, *([401] if guarded else [])])
        if method == "head":
            errors = {code: {"description": error["description"]} for code, error in errors.items()}
        return {
            "summary": "Audio of a recording: the file itself, or WAV if browsers cannot play it",
            "operationId": f"{method}Audio",
            "parameters": [
                identity,
                parameter("range", TEXT, "bytes=FIRST-LAST", where="header"),
                parameter("as", {"enum": ["file", "wav"]}, "wav: always as WAV"),
            ],
            "responses": {**responses, **errors},
        }

    return {method: operation(method) for method in ("get", "head")}
