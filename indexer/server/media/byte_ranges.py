"""Range requests (RFC 9110, section 14) for content of known size: responses 200, 206, 304 and 416."""

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

CHUNK_BYTES = 1 << 17
"""Bytes per read."""

_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


class Source(Protocol):
    """A readable source of bytes."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    async def read(self, offset: int, length: int) -> bytes:
        """One to ``length`` bytes from ``offset`` on; b"" at the end."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """An open file."""

    descriptor: int
    size: int

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes from ``offset`` on."""
        return await anyio.to_thread.run_sync(os.pread, self.descriptor, length, offset)


class UnsatisfiableError(Exception):
    """The range starts after the end."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of a Range header; None: the whole content.

    Multiple ranges, other units and malformed headers give the whole content, as the standard allows.

    Raises:
        UnsatisfiableError: the range starts after the end.
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
    """The response to a GET or HEAD request.

    Args:
        tag: version of the content.
        done: called after the last read.
    """
    etag = f'"{tag}"'
    headers = {"accept-ranges": "bytes", "etag": etag, "cache-control": "private, no-cache"}
    if etag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "")):
        done()
        return Response(status_code=304, headers=headers)
    requested = request.headers.get("range") if request.method == "GET" else None  # ignored for HEAD
    if request.headers.get("if-range", etag) != etag:
        requested = None
    try:
        part = parse_range(requested, source.size)
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
    """A streaming response that always calls ``done`` at the end."""

    done: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.done()


async def _bytes(source: Source, first: int, end: int) -> AsyncIterator[bytes]:
    while first < end:
        piece = await source.read(first, min(CHUNK_BYTES, end - first))
        if not piece:
            return  # the file was truncated; the server closes the connection, which marks the response as incomplete
        first += len(piece)
        yield piece
