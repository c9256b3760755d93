"""Bytes of something of known size, as a request asks for them (RFC 9110, section 14): 200, 206, 304 or 416."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

PIECE = 1 << 17
"""Bytes read at once."""

_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


class Source(Protocol):
    """Where bytes come from."""

    @property
    def size(self) -> int:
        """How many there are."""

    async def read(self, offset: int, length: int) -> bytes:
        """At most so many bytes from there on, at least one; b"" where no more will come."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """An open file."""

    descriptor: int
    size: int

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes that are there."""
        return await anyio.to_thread.run_sync(os.pread, self.descriptor, length, offset)


class UnsatisfiableError(Exception):
    """The range begins after the end."""


def wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last that a Range header asks for; None: all of it.

    Several ranges, other units and what is malformed are answered with everything, as the standard allows.

    Raises:
        UnsatisfiableError: there is no such byte.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if not int(last) or not size:
            raise UnsatisfiableError
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableError
    return int(first), min(int(last) + 1, size) if last else size


def respond(request: Request, source: Source, kind: str, tag: str, done: Callable[[], None]) -> Response:
    """The answer to a GET or HEAD.

    Args:
        tag: changes when the bytes do.
        done: called when nothing more is read.
    """
    etag = f'"{tag}"'
    headers = {"accept-ranges": "bytes", "etag": etag, "cache-control": "private, no-cache"}
    if etag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "")):
        done()
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range") if request.method == "GET" else None  # on HEAD it has no meaning
    if request.headers.get("if-range", etag) != etag:
        asked = None
    try:
        part = wanted(asked, source.size)
    except UnsatisfiableError:
        done()
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{source.size}"})
    first, end = part or (0, source.size)
    headers["content-length"] = str(end - first)
    if part:
        headers["content-range"] = f"bytes {first}-{end - 1}/{source.size}"
    if request.method == "HEAD":
        done()
        return Response(headers=headers, media_type=kind)
    response = _Streamed(_bytes(source, first, end), 206 if part else 200, headers, kind)
    response.done = done
    return response


class _Streamed(StreamingResponse):
    """Calls ``done`` at the end, whether or not anything was read."""

    done: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.done()


async def _bytes(source: Source, first: int, end: int) -> AsyncIterator[bytes]:
    while first < end:
        piece = await source.read(first, min(PIECE, end - first))
        if not piece:
            return  # the file became shorter; the server ends the connection, so that nobody takes it for whole
        first += len(piece)
        yield piece
