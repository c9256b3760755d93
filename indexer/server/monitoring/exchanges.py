"""Requests with their responses, measured for metrics and the access log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audiosearch.types import Seconds

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NO_ROUTE = "none"
"""Route of requests that are refused, or for paths that do not exist."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response.

    Args:
        client: address of the client.
        method: one of METHODS, or "other".
        path: as it was sent, with its escapes.
        query: as it was sent; may contain a token.
        route: template of the path, such as /r/{id}; NO_ROUTE if there is none.
        status: of the response; 499 if the client left before it began.
        length: bytes of the response's body that were sent.
        wait: time until the response began.
        duration: time until it ended.
    """

    client: str
    method: str
    path: str
    query: str
    route: str
    status: int
    length: int
    wait: Seconds
    duration: Seconds


class ExchangeMiddleware:
    """ASGI middleware that reports every exchange at its end."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Mapping[object, str],
        observers: Sequence[Callable[[Exchange], None]],
        begun: Callable[[str], None],
    ) -> None:
        """Report to all ``observers``.

        Args:
            routes: templates of paths by endpoint.
            begun: called with the route when a response begins.
        """
        self._app, self._routes, self._observers, self._begun = app, routes, observers, begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and report it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.monotonic()
        wait: Seconds | None = None
        status, length = 499, 0

        def route() -> str:
            return self._routes.get(scope.get("endpoint"), NO_ROUTE)  # the router adds the endpoint to the scope

        async def measured(message: Message) -> None:
            nonlocal wait, status, length
            if message["type"] == "http.response.start":
                wait, status = time.monotonic() - start, message["status"]
                self._begun(route())
            elif message["type"] == "http.response.body":
                length += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, measured)
        finally:
            duration = time.monotonic() - start
            exchange = Exchange(
                client=scope["client"][0] if scope.get("client") else "-",
                method=scope["method"] if scope["method"] in METHODS else "other",
                path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
                query=scope.get("query_string", b"").decode("latin-1"),
                route=route(),
                status=status,
                length=length,
                wait=duration if wait is None else wait,
                duration=duration,
            )
            for observer in self._observers:
                observer(exchange)
