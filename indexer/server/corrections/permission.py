"""Permission to correct words, and the body of such requests."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from audiosearch.errors import QueryError
from indexer.server.additions.guard import check_change
from indexer.server.auth import AccessPolicy, is_loopback
from indexer.server.index_pool import IndexPool
from indexer.server.request_body import read_json

MAX_BODY_BYTES = 1 << 16
"""Maximum size of a request that corrects words."""


@dataclass(frozen=True, slots=True)
class CorrectionPermission:
    """Decides which requests may correct words.

    Args:
        read_only: none may.
    """

    access: AccessPolicy
    index_pool: IndexPool
    read_only: bool = False

    def refusal(self) -> str | None:
        """Reason why nothing may be corrected; None if requests may."""
        if self.read_only:
            return "this server is read-only"
        if self.access.token is None and not (is_loopback(self.access.host) and not self.access.names):
            return "this server can be reached by other machines and requires no token, thus it is read-only"
        if not self.index_pool.is_writable():
            return "the index cannot be written, thus this server is read-only"
        return None

    async def check(self, request: Request, media_type: str | None = None) -> None:
        """Refuse a request that may correct nothing, or that another site may have caused.

        Raises:
            HTTPException: status 403 or 415.
        """
        check_change(request, media_type)
        if reason := await self.index_pool.run(self.refusal):
            raise HTTPException(403, reason)


async def read_object(request: Request) -> dict[str, object]:
    """The JSON object in the body of a request.

    Raises:
        HTTPException: the body is too long.
        QueryError: it is no JSON object.
    """
    content = await read_json(request, MAX_BODY_BYTES, "the change")
    if not isinstance(content, dict):
        raise QueryError("the change is a JSON object")
    return content
