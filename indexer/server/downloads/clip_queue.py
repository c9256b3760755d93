"""Writing of clips for requests, a few at a time; it stops when the client leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_RUNNING = 2
"""Maximum number of clips and supercuts that are written at a time."""

MAX_WAITING = 8
"""Maximum number of requests that wait for their turn; further ones are refused."""

POLL_SECONDS = 0.25
"""Time between looks at the connection of a client."""

T = TypeVar("T")


class StoppedError(Exception):
    """The client has left, or the server stops."""


class ClipQueue:
    """Requests for clips, in the order of their arrival."""

    def __init__(self) -> None:
        """An empty queue."""
        self._limiter: anyio.CapacityLimiter | None = None
        self._requests = 0

    async def run(self, request: Request, write: Callable[[Callable[[], None]], T]) -> T:
        """Call ``write`` in a thread when it is its turn.

        Args:
            write: gets a function that it calls now and then, and that raises StoppedError if the client has left.

        Raises:
            HTTPException: too many requests are waiting.
        """
        if self._requests >= MAX_RUNNING + MAX_WAITING:
            raise HTTPException(503, "too many clips are being made; try again in a minute", {"retry-after": "60"})
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(MAX_RUNNING)
        self._requests += 1
        stopped = threading.Event()
        result: list[T] = []
        error: Exception | None = None

        def check() -> None:
            if stopped.is_set():
                raise StoppedError

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_watch, request, stopped)
                try:
                    result.append(await anyio.to_thread.run_sync(write, check, limiter=self._limiter))
                except Exception as raised:  # noqa: BLE001 (raised below, outside of the group, which would wrap it)
                    error = raised
                group.cancel_scope.cancel()
        finally:
            self._requests -= 1
        if error is not None:
            raise error
        return result[0]


async def _watch(request: Request, stopped: threading.Event) -> None:
    """Set ``stopped`` when the client leaves, and when this task is canceled."""
    try:
        while not await request.is_disconnected():
            await anyio.sleep(POLL_SECONDS)
    finally:
        stopped.set()
