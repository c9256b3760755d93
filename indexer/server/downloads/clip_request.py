"""The spans that a request for a clip or a supercut names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from audiosearch.audio.clip_formats import CLIP_FORMATS, FADE
from audiosearch.errors import QueryError
from audiosearch.types import Seconds
from indexer.server.parameters import Parameters
from indexer.server.request_body import media_type, read_json

FORMATS = ("mp3", *sorted(suffix[1:] for suffix in CLIP_FORMATS if suffix != ".mp3"))
"""Formats of clips, the default first."""

MAX_CLIP: Seconds = 300.0
"""Maximum duration of a clip."""

MAX_SUPERCUT: Seconds = 1800.0
"""Maximum total duration of the clips of a supercut."""

MAX_CLIPS = 200
"""Maximum number of clips of a supercut."""

MAX_MARGIN: Seconds = 10.0
"""Maximum padding, fade and gap."""

MAX_TIME: Seconds = 1e9

MAX_BODY_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a recording, named by its id."""

    id: str
    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class SupercutRequest:
    """Spans to join.

    Args:
        form: one of FORMATS.
        padding: sound before and after each span.
        fade: duration of the crossfade between them.
        gap: duration of the silence between them.
    """

    spans: tuple[Span, ...]
    form: str
    padding: Seconds
    fade: Seconds
    gap: Seconds


def parse_clip(identity: str, query: QueryParams) -> tuple[Span, str, Seconds]:
    """Span, format and padding of a clip.

    Raises:
        QueryError: a parameter is invalid.
    """
    parameters = Parameters(query, ("start", "end", "format", "padding"))
    start, end = parameters.number("start", 0, MAX_TIME), parameters.number("end", 0, MAX_TIME)
    form = parameters.choice("format", FORMATS)
    padding = parameters.number("padding", 0, MAX_MARGIN) or 0.0
    if start is None or end is None:
        raise QueryError("a clip needs its start and end in seconds")
    return _checked(Span(identity, start, end), "a clip"), form, padding


async def parse_supercut(request: Request) -> SupercutRequest:
    """The spans in the JSON body of a request.

    Raises:
        QueryError: the body is no JSON, or a value is invalid.
        HTTPException: the body is not declared as JSON, or too long.
    """
    Parameters(request.query_params, ())
    # browsers send no other type to another site without asking it
    if media_type(request) != "application/json":
        raise HTTPException(415, "send the clips as JSON, with the content type application/json")
    content = await read_json(request, MAX_BODY_BYTES, "the list of clips")
    fields = _object(content, "the body", ("clips",), ("format", "padding", "fade", "gap"))
    clips, form = fields["clips"], fields.get("format", FORMATS[0])
    if form not in FORMATS:
        raise QueryError(f"format is one of {', '.join(FORMATS)}, not {_shown(form)}")
    if not isinstance(clips, list) or not 1 <= len(clips) <= MAX_CLIPS:
        number = f", not of {len(clips)}" if isinstance(clips, list) else ""
        raise QueryError(f"clips is a list of 1 to {MAX_CLIPS} clips{number}")
    spans = tuple(_span(clip, f"clip {number}") for number, clip in enumerate(clips, start=1))
    margins = {
        name: _number(fields.get(name, default), name, MAX_MARGIN)
        for name, default in (("padding", 0.0), ("fade", FADE), ("gap", 0.0))
    }
    total = sum(span.end - span.start + 2 * margins["padding"] + margins["gap"] for span in spans)
    if total > MAX_SUPERCUT:
        raise QueryError(
            f"a supercut lasts at most {MAX_SUPERCUT / 60:g} minutes, not {total / 60:.1f}; choose fewer hits"
        )
    return SupercutRequest(spans, form, **margins)


def _span(clip: object, name: str) -> Span:
    fields = _object(clip, name, ("id", "start", "end"), ())
    identity = fields["id"]
    if not isinstance(identity, str):
        raise QueryError(f"the id of {name} is a text, not {_shown(identity)}")
    start, end = (_number(fields[key], f"the {key} of {name}", MAX_TIME) for key in ("start", "end"))
    return _checked(Span(identity, start, end), name)


def _checked(span: Span, name: str) -> Span:
    if span.end <= span.start:
        raise QueryError(f"{name} ends after it starts: end {span.end:g} does not come after start {span.start:g}")
    if span.end - span.start > MAX_CLIP:
        raise QueryError(f"{name} lasts at most {MAX_CLIP:g} seconds, not {span.end - span.start:.1f}; choose less")
    return span


def _object(value: object, name: str, required: tuple[str, ...], optional: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise QueryError(f"{name} is a JSON object, not {_shown(value)}")
    for key in value:
        if key not in (*required, *optional):
            raise QueryError(f"unknown field {_shown(key)} of {name}; known: {', '.join((*required, *optional))}")
    for key in required:
        if key not in value:
            raise QueryError(f"{name} needs the field {key}")
    return value


def _number(value: object, name: str, maximum: Seconds) -> Seconds:
    # written for NaN to fail too
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= maximum:
        raise QueryError(f"{name} is a number from 0 to {maximum:g}, not {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    """A value as JSON, shortened."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
