"""Access control: Host header, token, and security headers.

DNS rebinding lets pages of other sites reach a local server under their own host name; only known host names are
accepted. IP addresses cannot be rebound and are accepted if a token is required as well.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "audiosearch"
COOKIE_SECONDS = 365 * 24 * 3600

PUBLIC_PATHS = re.compile(r"/static/[a-z-]+\.(css|svg)|/login")
"""Paths served without a token: the login page."""

METRICS_PATH = "/metrics"

HEALTH_PATHS = ("/health", "/health/live")
"""Paths served without a token and under any host name, as supervisors ask for them by address."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_FORBIDDEN = re.compile(rb"%(00|2e|2f|5c)|[\x00\\]|/\.\.?(/|$)", re.IGNORECASE)
"""Forbidden in paths: NUL, backslashes, encoded dots and slashes, and parent folders."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]+)(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """True if only this machine can reach a server on ``host``."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Host names and token of a server.

    Args:
        host: address that the server listens on.
        names: other host names, such as those of a proxy.
        token: required token; None: no token is required.
        open_metrics: serve /metrics without the token.
    """

    host: str
    names: Sequence[str] = ()
    token: str | None = None
    open_metrics: bool = False

    def is_public(self, path: str) -> bool:
        """True if a path is served without a token."""
        return PUBLIC_PATHS.fullmatch(path) is not None or (self.open_metrics and path == METRICS_PATH)

    def is_known_host(self, header: str) -> bool:
        """True if a Host header names this server."""
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        name = match[1].strip("[]").lower().rstrip(".")
        if name in ("localhost", self.host.lower(), *(alias.lower() for alias in self.names)) or is_loopback(name):
            return True
        if self.token is None:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def check_token(self, token: str) -> bool:
        """True if the token is correct, or none is required."""
        return self.token is None or hmac.compare_digest(token.encode(), self.token.encode())

    @property
    def cookie_value(self) -> str:
        """Value of the login cookie: an HMAC under the token."""
        assert self.token is not None
        return hmac.new(self.token.encode(), b"audiosearch cookie", hashlib.sha256).hexdigest()

    def is_authorized(self, headers: Headers) -> bool:
        """True if a request carries the token or the cookie."""
        if self.token is None:
            return True
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.check_token(value.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self.cookie_value.encode())

    def set_cookie(self, response: Response, *, secure: bool) -> Response:
        """Add the login cookie to a response."""
        response.set_cookie(
            COOKIE, self.cookie_value, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return response


class AuthMiddleware:
    """ASGI middleware that rejects unauthorized requests and adds HEADERS to all responses."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy, login: Response) -> None:
        """``login`` is the response to requests for a page without a token."""
        self.app, self.policy, self.login = app, policy, login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "private, no-cache")
            await send(message)

        if scope["type"] == "http":
            await (self._reject(Request(scope)) or self.app)(scope, receive, send_with_headers)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _reject(self, request: Request) -> Response | None:
        """The response to an unauthorized request; None if it is authorized."""
        if request.url.path in HEALTH_PATHS:
            return None
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self.policy.is_known_host(hosts[0]):
            return PlainTextResponse("Unknown host name. Add it when starting the server: --name NAME.\n", 421)
        path: bytes = request.scope.get("raw_path") or request.url.path.encode()
        if _FORBIDDEN.search(path) or "\0" in request.url.path:
            return JSONResponse({"error": "not found"}, 404)
        if self.policy.is_authorized(request.headers) or self.policy.is_public(request.url.path):
            return None
        if request.url.path.startswith("/api/") or request.url.path == METRICS_PATH:
            sentence = "a token is required: Authorization: Bearer TOKEN"
            return JSONResponse({"error": sentence}, 401, {"www-authenticate": "Bearer"})
        token = request.query_params.get("token")
        if token and self.policy.check_token(token):
            url = request.url.remove_query_params("token")
            target = url.path + (f"?{url.query}" if url.query else "")
            target = "/" + target.lstrip("/\\")  # //host would lead to another site
            return self.policy.set_cookie(RedirectResponse(target, 303), secure=request.url.scheme == "https")
        return self.login
