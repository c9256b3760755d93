"""Static files of the package, read once, served by name with an ETag.

Starlette's ``StaticFiles`` would serve HTML by name too, and could not make it the body of responses 401 and 404.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the package."""

    content: bytes
    kind: str
    tag: str

    def respond(self, request: Request, status: int = 200) -> Response:
        """The response to a request; 304 if the browser has this version."""
        headers = {"etag": self.tag, "cache-control": "no-cache"}
        if status == 200 and request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, status, headers, self.kind)


def load_assets() -> dict[str, Asset]:
    """The files of the folder ``static`` by name."""
    assets = {}
    for file in resources.files("indexer.server").joinpath("static").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if not file.is_file():
            continue
        content = file.read_bytes()
        kind = TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        assets[file.name] = Asset(content, "text/html; charset=utf-8" if suffix == ".html" else kind, tag)
    return assets
