"""Corrections of words: listed, made and reverted."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audiosearch.errors import CorrectionError, QueryError, WordsChangedError
from indexer.correction_codec import correction_records
from indexer.corrections import MAX_CORRECTED, Change, CorrectedWords
from indexer.server.additions.guard import JSON
from indexer.server.api import Api, NotFoundError, json_response
from indexer.server.corrections.permission import CorrectionPermission, read_object
from indexer.server.parameters import Parameters

MAX_POSITION = 10**9

MAX_TEXT = 10_000
"""Maximum length of a text in characters."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """The endpoints of corrections."""

    api: Api
    permission: CorrectionPermission

    def routes(self) -> list[Route]:
        """Routes of the endpoints."""
        path = "/api/recordings/{id}/corrections"
        return [
            Route(path, self.all, methods=["GET", "POST", "DELETE"]),
            Route(f"{path}/{{number}}", self.one, methods=["DELETE"]),
        ]

    async def all(self, request: Request) -> Response:
        """Corrections of a recording; a new one; or none any more."""
        Parameters(request.query_params, ())
        if request.method not in ("POST", "DELETE"):
            recording = await self.api.find(request.path_params["id"])
            return _listed(await self.api.index_pool.run(self.api.index_pool.corrected_words, recording.id))
        if request.method == "DELETE":
            await self.permission.check(request)
            return await self._revised(request, CorrectedWords.reverted)
        await self.permission.check(request, JSON)
        first, old, new = _requested(await read_object(request))
        try:
            return await self._revised(request, lambda words: words.corrected(first, old, new))
        except WordsChangedError as error:
            words = await self.api.index_pool.run(self.api.index_pool.corrected_words, request.path_params["id"])
            there = [word.text for word in words.words[first : first + len(old)]]
            return json_response({"error": str(error), "words": there}, 409)
        except CorrectionError as error:
            raise QueryError(str(error)) from error

    async def one(self, request: Request) -> Response:
        """Revert a correction."""
        Parameters(request.query_params, ())
        await self.permission.check(request)
        number = request.path_params["number"]
        try:
            if not (number.isascii() and number.isdigit() and len(number) < 10):
                raise CorrectionError("a correction has a number")
            return await self._revised(request, lambda words: words.reverted([int(number)]))
        except CorrectionError as error:
            raise NotFoundError(str(error)) from error

    async def _revised(self, request: Request, change: Change) -> Response:
        recording = await self.api.find(request.path_params["id"])
        return _listed(await self.api.index_pool.run(self.api.index_pool.revise, recording.id, change))


def _listed(words: CorrectedWords) -> Response:
    return json_response({"corrections": correction_records(words), "total": len(words.entries)})


def _requested(content: dict[str, object]) -> tuple[int, list[str], str]:
    """Position, words and new text of a correction."""
    if unknown := sorted(content.keys() - {"first", "old", "new"}):
        raise QueryError(f"unknown field {unknown[0][:40]!r}; known: first, old, new")
    first, old, new = content.get("first"), content.get("old"), content.get("new")
    if not isinstance(first, int) or isinstance(first, bool) or not 0 <= first <= MAX_POSITION:
        raise QueryError("first is the position of the first word, a whole number from 0 on")
    if (
        not isinstance(old, list)
        or not 1 <= len(old) <= MAX_CORRECTED
        or not all(isinstance(each, str) for each in old)
    ):
        raise QueryError(f"old is a list of the words to replace, 1 to {MAX_CORRECTED}")
    if not isinstance(new, str) or len(new) > MAX_TEXT:
        raise QueryError(f"new is the text in their place, at most {MAX_TEXT} characters")
    return first, [str(each) for each in old], new
