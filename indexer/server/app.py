"""The server put together: pages, API, and what guards them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from audiosearch.errors import AudioSearchError, QueryError
from indexer.server.api import Api, NotFoundError, json_response
from indexer.server.auth import AccessPolicy, AuthMiddleware
from indexer.server.caches import DecodedCache, PeakCache, cache_folder
from indexer.server.index_pool import IndexPool
from indexer.server.media import MediaUnavailableError
from indexer.server.openapi import description
from indexer.server.pages import load_assets

logger = logging.getLogger(__name__)

LONGEST_FORM = 4096
"""Bytes of what is sent to /login."""

WRONG_TOKEN_SECONDS = 0.5
"""How long a wrong token waits for its answer."""


def make_app(
    library: IndexPool, policy: AccessPolicy, *, folders: Sequence[str] = (), cache: Path | None = None
) -> ASGIApp:
    """The server as an ASGI application, which closes the library at its end.

    Args:
        folders: in which files may lie besides those of the library.
        cache: folder of what is made of recordings; None: the user's.
    """
    cache = cache or cache_folder()
    api = Api(library, PeakCache(cache), DecodedCache(cache), tuple(folders))
    assets = load_assets()
    about = description(policy.token is not None)

    async def page(request: Request) -> Response:
        return assets["index.html"].respond(request)

    async def recording(request: Request) -> Response:
        try:
            await api.find(request.path_params["id"])
        except NotFoundError:
            return assets["missing.html"].respond(request, 404)
        return assets["index.html"].respond(request)

    async def static(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None or request.path_params["name"].endswith(".html"):
            raise HTTPException(404)
        return asset.respond(request)

    async def login(request: Request) -> Response:
        if request.method != "POST" or policy.token is None:
            return assets["login.html"].respond(request)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_FORM:
                raise HTTPException(413)
        if policy.check_token(parse_qs(body.decode(errors="replace")).get("token", [""])[0].strip()):
            return policy.set_cookie(RedirectResponse("/", 303), secure=request.url.scheme == "https")
        await anyio.sleep(WRONG_TOKEN_SECONDS)
        return assets["refused.html"].respond(request, 401)

    async def openapi(request: Request) -> Response:
        return json_response(about)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        api.decoded.close()
        library.close()

    routes = [
        Route("/", page),
        Route("/r/{id}", recording),
        Route("/static/{name}", static),
        Route("/login", login, methods=["GET", "POST"]),
        Route("/api/openapi.json", openapi),
        *(Route(f"/api{path}", endpoint) for path, endpoint in api.endpoints().items()),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    for kind, status in (
        (QueryError, 400),
        (NotFoundError, 404),
        (MediaUnavailableError, 404),
        (AudioSearchError, 503),
    ):
        app.add_exception_handler(kind, _sentence(status))
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    return AuthMiddleware(app, policy, Response(assets["login.html"].content, 401, media_type="text/html"))


def _sentence(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return json_response({"error": str(error)}, status)

    return handle


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {404: "there is nothing here", 405: "that cannot be done here; GET works"}
    return JSONResponse({"error": sentences.get(error.status_code, error.detail)}, error.status_code, error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return json_response({"error": "the server failed; its log says more"}, 500)
