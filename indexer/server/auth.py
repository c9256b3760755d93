"""Who may ask: the Host header, the token, and the headers that keep a browser from doing more than is meant.

A page of another site can make a browser ask a server on this machine under a name of its own (DNS rebinding), so only
known names are answered. Addresses cannot be rebound: they are known names where a token is demanded besides.
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

OPEN = re.compile(r"/static/[a-z-]+\.(css|svg)|/login")
"""What is shown to those who have not given the token: the page that asks for it."""

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

_HIDDEN = re.compile(rb"%(00|2e|2f|5c)|[\x00\\]|/\.\.?(/|$)", re.IGNORECASE)
"""What has no place in a path of ours: NUL, dots and slashes that are written as something else, folders above."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]+)(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is bound there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who is let in.

    Args:
        host: to which the server is bound.
        names: other names under which it is reached, as behind a proxy.
        token: to be given; None: none is asked for.
    """

    host: str
    names: Sequence[str] = ()
    token: str | None = None

    def is_known_host(self, header: str) -> bool:
        """Whether a Host header names this server."""
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        name = match[1].strip("[]").lower().rstrip(".")
        if name in ("localhost", self.host.lower(), *(other.lower() for other in self.names)) or is_loopback(name):
            return True
        if self.token is None:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def check_token(self, token: str) -> bool:
        """Whether a token is the right one."""
        return self.token is None or hmac.compare_digest(token.encode(), self.token.encode())

    @property
    def cookie_value(self) -> str:
        """What a cookie holds of those who gave the token."""
        assert self.token is not None
        return hmac.new(self.token.encode(), b"audiosearch cookie", hashlib.sha256).hexdigest()

    def is_authorized(self, headers: Headers) -> bool:
        """Whether a request brings the token or the cookie."""
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
        """The response with a cookie for those who gave the token."""
        response.set_cookie(
            COOKIE, self.cookie_value, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return response


class AuthMiddleware:
    """Answers requests that are not let in, and puts HEADERS on all answers."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy, login: Response) -> None:
        """``login`` is shown where a page is asked for without the token."""
        self.app, self.policy, self.login = app, policy, login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "private, no-cache")
            await send(message)

        if scope["type"] == "http":
            await (self._refused(Request(scope)) or self.app)(scope, receive, guarded)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refused(self, request: Request) -> Response | None:
        """The answer to what is not let in."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self.policy.is_known_host(hosts[0]):
            return PlainTextResponse(
                "This server is not known by that name. Whoever started it can add it: --name NAME.\n", 421
            )
        path: bytes = request.scope.get("raw_path") or request.url.path.encode()
        if _HIDDEN.search(path) or "\0" in request.url.path:
            return JSONResponse({"error": "there is nothing here"}, 404)
        if self.policy.is_authorized(request.headers) or OPEN.fullmatch(request.url.path):
            return None
        if request.url.path.startswith("/api/"):
            sentence = "give the token of this server: Authorization: Bearer TOKEN"
            return JSONResponse({"error": sentence}, 401, {"www-authenticate": "Bearer"})
        given = request.query_params.get("token")
        if given and self.policy.check_token(given):
            here = request.url.remove_query_params("token")
            target = here.path + (f"?{here.query}" if here.query else "")
            target = "/" + target.lstrip("/\\")  # //host would lead elsewhere
            return self.policy.set_cookie(RedirectResponse(target, 303), secure=request.url.scheme == "https")
        return self.login
