"""The body of a request: its type, and its content up to a size."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request

from audiosearch.errors import QueryError


def media_type(request: Request) -> str:
    """The declared type of the body, in lower case and without parameters; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, max_bytes: int, too_long: str | None = None) -> bytes:
    """The body of a request.

    Args:
        too_long: message about a body of more than ``max_bytes``.

    Raises:
        HTTPException: status 413.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > max_bytes:
            raise HTTPException(413, too_long)
    return body


async def read_json(request: Request, max_bytes: int, name: str) -> object:
    """The value of a body in JSON.

    Args:
        name: of the body in messages.

    Raises:
        HTTPException: status 413.
        QueryError: it is no JSON.
    """
    body = await read_body(request, max_bytes, f"{name} is longer than {max_bytes} bytes")
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{name} is not valid JSON") from error
    return content
