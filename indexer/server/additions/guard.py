"""Checks of requests that change something, against requests by pages of other sites.

Browsers send the login cookie along with requests from other sites only if they are navigations (SameSite=Lax). The
type of the body and the method of these requests cannot come from a form, and what other pages send by scripts names
its origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from indexer.server.request_body import media_type

JSON, BYTES = "application/json", "application/octet-stream"
"""Types of bodies."""


def check_change(request: Request, required_type: str | None = None) -> None:
    """Refuse a request from another origin, or with a body of another type.

    Raises:
        HTTPException: status 403 or 415.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and not _is_own(origin, request)):
        raise HTTPException(403, "changes are accepted only from the page of this server")
    if required_type is not None and media_type(request) != required_type:
        raise HTTPException(415, f"the content type must be {required_type}")


def _is_own(origin: str, request: Request) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == request.headers.get("host", "").lower()
