"""The ASGI application and its server: pages, API and authentication."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from audiosearch.errors import AudioSearchError, ConfigError, QueryError
from audiosearch.settings import cache_folder
from indexer.server.additions.endpoints import Additions
from indexer.server.additions.jobs import BackgroundTranscriber, JobQueue
from indexer.server.additions.uploads import Uploads
from indexer.server.api import Api, NotFoundError, json_response
from indexer.server.auth import AccessPolicy, AuthMiddleware
from indexer.server.corrections.endpoints import Corrections
from indexer.server.corrections.permission import CorrectionPermission
from indexer.server.downloads.clips import Clips
from indexer.server.index_pool import IndexPool
from indexer.server.media.access import MediaUnavailableError
from indexer.server.media.peak_cache import PeakCache
from indexer.server.media.transcode_cache import TranscodeCache
from indexer.server.monitoring.exchanges import ExchangeMiddleware
from indexer.server.monitoring.health import Readiness
from indexer.server.monitoring.logs import log_exchange
from indexer.server.monitoring.metrics import MEDIA_TYPE, Metrics
from indexer.server.openapi.document import description
from indexer.server.pages import load_assets
from indexer.server.request_body import read_body

logger = logging.getLogger(__name__)

MAX_FORM_BYTES = 4096
"""Maximum size of a request to /login."""

WRONG_TOKEN_SECONDS = 0.5
"""Delay of the response to a wrong token."""

STOP_SECONDS = 2
"""Grace period for running responses after the stop signal; players keep connections open."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a server may change.

    Args:
        transcriber: loads its model when it is used.
        uploads: folder for uploaded files.
        roots: folders that may be added; empty: those of the library.
    """

    transcriber: BackgroundTranscriber
    uploads: Uploads
    roots: Sequence[str] = ()


def make_app(
    index_pool: IndexPool,
    policy: AccessPolicy,
    *,
    folders: Sequence[str] = (),
    cache: Path | None = None,
    changes: Changes | None = None,
    read_only: bool = False,
) -> ASGIApp:
    """The ASGI application, which closes ``index_pool`` on shutdown.

    Args:
        folders: additional folders of media files.
        cache: folder of peaks and transcoded files; None: the user's cache folder.
        changes: None: the server only reads; otherwise ``policy`` must have a token.
        read_only: refuse corrections of words.
    """
    cache = cache or cache_folder()
    peak_cache, transcode_cache = PeakCache(cache), TranscodeCache(cache)
    metrics = Metrics(index_pool, {"peaks": peak_cache.size, "decoded": transcode_cache.size})
    readiness = Readiness(index_pool)
    permission = CorrectionPermission(policy, index_pool, read_only)
    api = Api(
        index_pool,
        peak_cache,
        transcode_cache,
        tuple(folders),
        metrics.count_search,
        changes is not None,
        lambda: permission.refusal() is not None,
    )
    additions: Additions | None = None
    if changes is not None:
        assert policy.token is not None
        queue = JobQueue(index_pool.store, changes.transcriber, index_pool.refresh)
        additions = Additions(api, queue, changes.uploads, changes.roots)
    assets = load_assets()
    document = description(policy.token is not None, changes is not None)

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
        body = await read_body(request, MAX_FORM_BYTES)
        if policy.check_token(parse_qs(body.decode(errors="replace")).get("token", [""])[0].strip()):
            return policy.set_cookie(RedirectResponse("/", 303), secure=request.url.scheme == "https")
        await anyio.sleep(WRONG_TOKEN_SECONDS)
        return assets["refused.html"].respond(request, 401)

    async def openapi(request: Request) -> Response:
        return json_response(document)

    async def live(request: Request) -> Response:
        return json_response({"status": "ok"})

    async def health(request: Request) -> Response:
        if problem := await readiness.problem():
            return json_response({"status": "failed", "error": problem}, 503)
        return json_response({"status": "ok"})

    async def metrics_text(request: Request) -> Response:
        return Response(await index_pool.run(metrics.text), media_type=MEDIA_TYPE)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        if additions is not None:
            await anyio.to_thread.run_sync(additions.queue.close)
        api.transcode_cache.close()
        index_pool.close()

    routes = [
        Route("/", page),
        Route("/r/{id}", recording),
        Route("/static/{name}", static),
        Route("/login", login, methods=["GET", "POST"]),
        Route("/health", health),
        Route("/health/live", live),
        Route("/metrics", metrics_text),
        Route("/api/openapi.json", openapi),
        *Clips(api).routes(),
        *Corrections(api, permission).routes(),
        *(Route(f"/api{path}", endpoint) for path, endpoint in api.endpoints().items()),
        *([Route("/add", page), *additions.routes()] if additions is not None else ()),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    for kind, status in (
        (QueryError, 400),
        (NotFoundError, 404),
        (MediaUnavailableError, 404),
        (AudioSearchError, 503),
    ):
        app.add_exception_handler(kind, _error_response(status))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _server_error)
    guarded = AuthMiddleware(app, policy, Response(assets["login.html"].content, 401, media_type="text/html"))
    templates: dict[object, str] = {route.endpoint: route.path for route in routes}
    return ExchangeMiddleware(guarded, templates, (metrics.observe, log_exchange), metrics.begin)


def _error_response(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return json_response({"error": str(error)}, status)

    return handle


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("Allow", "GET").replace("HEAD, ", "").replace(", HEAD", "")
    sentences = {404: "not found", 405: f"method not allowed; use {allowed}"}
    return JSONResponse({"error": sentences.get(error.status_code, error.detail)}, error.status_code, error.headers)


async def _server_error(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return json_response({"error": "internal error; see the log of the server"}, 500)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ConfigError: the port is in use, or the address is not local.
    """
    try:
        ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()  # clients may connect before the server accepts
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError, OverflowError) as error:
        raise ConfigError(
            f"{host} port {port}: cannot be used ({getattr(error, 'strerror', None) or error}); give another "
            "--port, or a local address as --host."
        ) from error
    return listening


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A server of an application; ``run(sockets=[…])`` serves until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)
