"""The description of the API (OpenAPI 3.1), served as /api/openapi.json."""

from __future__ import annotations

from typing import Any, get_args

from indexer.server.api import MOST_POINTS, MOST_RECORDINGS, MOST_WORDS
from indexer.server.parameters import MOST_TEXTS
from indexer.server.search_endpoint import MAX_HITS, MODES
from indexer.types import MAX_SLOP, Way

VERSION = "1.0"
"""Of the API: the first number changes when what was asked before is answered otherwise."""

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
SECONDS: Json = {"type": "number", "minimum": 0, "description": "from the start of the recording"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
TIME: Json = {"type": "number", "minimum": 0, "maximum": 1e9}


def description(guarded: bool) -> Json:
    """What can be asked, and how the answers look.

    Args:
        guarded: whether a token is demanded.
    """
    about: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "audiosearch",
            "version": VERSION,
            "description": "Where something was said, and its sound. Hits, recordings and words are the records that "
            "the commands print with --json.",
        },
        "paths": _paths(guarded),
        "components": {"schemas": _schemas()},
    }
    if guarded:
        about["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        about["security"] = [{"token": []}]
    return about


def _paths(guarded: bool) -> Json:
    identity = _parameter("id", {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,128}$"}, "", place="path")
    some = _whole("limit", 1, MOST_RECORDINGS, "so many at most; 100 unless given")
    paths: dict[str, tuple[str, list[Json], str]] = {
        "/api/library": ("How much there is, and by what it can be filtered", [], "Library"),
        "/api/search": ("Where something was said", _search(), "Hits"),
        "/api/recordings": (
            "Recordings by path",
            [_whole("offset", 0, 10**9, "pass over so many"), some, _parameter("name", TEXT, "part of the path")],
            "Recordings",
        ),
        "/api/recordings/{id}": ("One recording", [identity], "Recording"),
        "/api/recordings/{id}/transcript": (
            "What is said in a recording",
            [
                identity,
                _whole("offset", 0, 10**9, "pass over so many words"),
                _parameter("at", TIME, "instead of offset: from the word that is said at that second, or next"),
                _whole("limit", 1, MOST_WORDS, "so many words at most; 1000 unless given"),
            ],
            "Transcript",
        ),
        "/api/recordings/{id}/peaks": (
            "How loud a recording is, in columns of equal length; slow when asked for the first time",
            [
                identity,
                _whole("points", 1, MOST_POINTS, "columns; 800 unless given"),
                _parameter("start", TIME, "second at which they begin"),
                _parameter("end", TIME, "second at which they end; the end of the recording unless given"),
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
        _parameter("q", _texts(1), "word or phrase; a word may end in *; of several, any", required=True),
        _parameter("and", _texts(), "said too"),
        _parameter("not", _texts(), "not said"),
        _parameter("within", TIME, "how near `and` and `not` look; else at the whole recording"),
        _whole("slop", 0, MAX_SLOP, "other words that may lie between those of a phrase"),
        _parameter("path", _texts(), "absolute path of a file or folder, or a glob: * stops at /, ** does not"),
        _parameter("id", TEXT, "only in this recording"),
        _parameter("since", TEXT, "only files modified then or later: 2024-05-31, or 2024-05-31T18:30"),
        _parameter("until", TEXT, "only files modified before"),
        _parameter("mode", {"enum": list(MODES)}, f"how to search; {MODES[0]} unless given"),
        _parameter("confidence", SHARE, "only hits at least so sure; guesses too, which must else be 0.6 sure"),
        _parameter("order", {"enum": ["confidence", "time"]}, "the surest first, or the oldest files"),
        _whole("limit", 1, MAX_HITS, "so many at most; 20 unless given"),
        _parameter("after", TEXT, "go on after the page that said this"),
    ]


def _audio(identity: Json, guarded: bool) -> Json:
    def operation(method: str) -> Json:
        sound: Json = {"description": "The sound", "headers": {"accept-ranges": {"schema": TEXT}}}
        if method == "get":
            sound["content"] = {"audio/*": {}}
        answers: Json = {"200": sound, "304": {"description": "The sound has not changed"}}
        if method == "get":
            answers["206"] = {**sound, "description": "A part of the sound"}
            answers["416"] = {"description": "There is no such part"}
        errors = _errors([400, 404, 503, *([401] if guarded else [])])
        if method == "head":
            errors = {code: {"description": error["description"]} for code, error in errors.items()}
        return {
            "summary": "The sound of a recording: as it is stored, or as WAV where browsers do not play that",
            "operationId": f"{method}Audio",
            "parameters": [
                identity,
                _parameter("range", TEXT, "bytes=FIRST-LAST", place="header"),
                _parameter("as", {"enum": ["file", "wav"]}, "wav: decoded whatever the file holds"),
            ],
            "responses": {**answers, **errors},
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
        },
        optional=("alternatives",),
    )
    hit = _object(
        {
            **{"id": TEXT, "path": TEXT, "start": SECONDS, "end": SECONDS, "confidence": SHARE},
            **{"text": TEXT, "before": TEXT, "after": TEXT, "words": _list(_ref("Word"))},
            "way": {"enum": list(get_args(Way))},
        }
    )
    recording = _object(
        {
            **{"id": TEXT, "path": TEXT, "paths": _list(TEXT), "duration": SECONDS, "model": TEXT, "added": TEXT},
        }
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


def _texts(least: int = 0) -> Json:
    return {"type": "array", "items": TEXT, "minItems": least, "maxItems": MOST_TEXTS}


def _parameter(name: str, schema: Json, about: str, *, place: str = "query", required: bool = False) -> Json:
    described = {"name": name, "in": place, "required": required or place == "path", "schema": schema}
    return {**described, "description": about} if about else described


def _whole(name: str, least: int, most: int, about: str) -> Json:
    return _parameter(name, {"type": "integer", "minimum": least, "maximum": most}, about)


def _json(about: str, schema: str) -> Json:
    return {"description": about, "content": {"application/json": {"schema": _ref(schema)}}}


def _errors(codes: list[int]) -> Json:
    about = {400: "A parameter is wrong", 401: "No token", 404: "There is none", 503: "The index cannot be read"}
    return {str(code): _json(about[code], "Error") for code in sorted(codes)}
