"""Servers with responses defined by a test."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from indexer.elastic import mapping

Answer = tuple[int, object]
MAPPED: Answer = 200, {"library": {"mappings": mapping.MAPPINGS}}


class Script:
    """A server on loopback with responses defined by a test, or those of a real server behind it.

    Attributes:
        answer: function of method, path and body; may be replaced at any time. None: the request is passed on to
            ``upstream``. Status 0 cuts the connection: before the response if the content is empty, else before its
            last byte; the content None is that of ``upstream``.
        upstream: URL of the real server.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str, str, str], Answer | None] = lambda method, path, body: MAPPED
        self.upstream = ""
        self.product = "Elasticsearch"
        self.requests: list[tuple[str, str, str]] = []
        self.headers: list[dict[str, str]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.partition("?")[0]
                script.requests.append((self.command, path, body.decode()))
                script.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, content = script.answer(self.command, path, body.decode()) or self.pass_on(body)
                if status == 0:
                    self.close_connection = True
                    if content is None:
                        _, content = self.pass_on(body)
                    if content == "":
                        return
                kind = "text/html" if isinstance(content, str) else "application/json"
                text = (content if isinstance(content, str) else json.dumps(content)).encode()
                self.send_response(status or 200)
                self.send_header("content-type", kind)
                if script.product:
                    self.send_header("X-Elastic-Product", script.product)
                self.send_header("content-length", str(len(text)))
                with contextlib.suppress(ConnectionError):  # the client may have closed the connection
                    self.end_headers()
                    self.wfile.write(text if status else text[:-1])

            def pass_on(self, body: bytes) -> Answer:
                kinds = {name: self.headers[name] for name in ("accept", "content-type") if name in self.headers}
                request = urllib.request.Request(script.upstream + self.path, body or None, kinds, method=self.command)
                try:
                    response = urllib.request.urlopen(request, timeout=60)
                except urllib.error.HTTPError as error:
                    response = error
                with response:
                    return response.status, json.loads(response.read() or b"{}")

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _respond

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/library"
