"""The endpoints that add recordings and remove them, of servers that allow it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from audiosearch.errors import QueryError
from indexer.server.additions.folders import allowed_folder
from indexer.server.additions.guard import BYTES, JSON, check_change
from indexer.server.additions.jobs import Job, JobQueue, QueueFullError
from indexer.server.additions.uploads import UploadError, Uploads
from indexer.server.api import Api, json_response
from indexer.server.parameters import Parameters
from indexer.server.request_body import read_body
from indexer.types import Recording

MAX_BODY_BYTES = 16_384
"""Maximum size of a request in JSON."""

MAX_DRAINED_BYTES = 16 << 20
"""Bytes of a refused upload that are read; browsers show the response only to a request that was read."""


@dataclass(frozen=True, slots=True)
class Additions:
    """The endpoints.

    Args:
        roots: folders whose contents may be added; empty: those of the library.
    """

    api: Api
    queue: JobQueue
    uploads: Uploads
    roots: Sequence[str]

    def routes(self) -> list[Route]:
        """Routes of the endpoints."""
        return [
            Route("/api/additions", self.additions),
            Route("/api/additions", self.add_folder, methods=["POST"]),
            Route("/api/additions/{id}", self.cancel, methods=["DELETE"]),
            Route("/api/uploads", self.upload, methods=["POST"]),
            Route("/api/recordings/{id}", self.remove, methods=["DELETE"]),
        ]

    async def additions(self, request: Request) -> Response:
        """Jobs, the newest first, and what may be added."""
        Parameters(request.query_params, ())
        roots = self.roots or list(await self.api.index_pool.run(self.api.index_pool.folders))[:100]
        return json_response(
            {
                "jobs": [asdict(job) for job in self.queue.jobs()],
                "folders": list(roots),
                "uploads": str(self.uploads.folder),
                "max_bytes": self.uploads.max_bytes,
                "free_bytes": await anyio.to_thread.run_sync(self.uploads.free_bytes),
            }
        )

    async def add_folder(self, request: Request) -> Response:
        """Add the recordings of a folder of the server."""
        Parameters(request.query_params, ())
        check_change(request, JSON)
        body = await read_body(request, MAX_BODY_BYTES, "the request is too long")
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict) or set(content) != {"folder"} or not isinstance(content["folder"], str):
            raise QueryError('the request must be JSON such as {"folder": "/srv/recordings"}')
        pool = self.api.index_pool
        folder = await pool.run(allowed_folder, content["folder"], self.roots, pool.folders)
        return self._added(folder, folder, is_upload=False)

    async def upload(self, request: Request) -> Response:
        """Receive a file, and add it."""
        name = Parameters(request.query_params, ("name",)).text("name") or ""
        check_change(request, BYTES)
        length = request.headers.get("content-length", "")
        pieces = request.stream()
        try:
            uploaded = await self.uploads.receive(name, int(length) if length.isdigit() else None, pieces)
            return self._added(uploaded.path, uploaded.name, is_upload=True)
        except UploadError as error:
            drained = 0
            async for piece in pieces:
                drained += len(piece)
                if drained > MAX_DRAINED_BYTES:
                    break
            raise HTTPException(error.status, str(error)) from error
        except ClientDisconnect:
            return json_response({"error": "the upload was not complete"}, 400)

    def _added(self, path: str, name: str, *, is_upload: bool) -> Response:
        try:
            return _job(self.queue.add(path, name, is_upload=is_upload), 202)
        except QueueFullError as error:
            if is_upload:
                Path(path).unlink(missing_ok=True)
            raise HTTPException(503, str(error)) from error

    async def cancel(self, request: Request) -> Response:
        """Cancel a job."""
        Parameters(request.query_params, ())
        check_change(request)
        job = self.queue.cancel(request.path_params["id"])
        if job is None:
            raise HTTPException(404)
        return _job(job)

    async def remove(self, request: Request) -> Response:
        """Remove a recording from the index; its file only if it was uploaded."""
        deletes = Parameters(request.query_params, ("file",)).choice("file", ("keep", "delete")) == "delete"
        check_change(request)
        recording = await self.api.find(request.path_params["id"])
        return json_response({"deleted": await self.api.index_pool.run(self._remove, recording, deletes)})

    def _remove(self, recording: Recording, deletes: bool) -> list[str]:
        """Remove a recording; paths of the files that were deleted."""
        files = self.uploads.uploaded(recording.locations) if deletes else []
        if deletes and not files:
            raise QueryError("only files that were uploaded here can be deleted, and only while they are unchanged")
        with self.api.index_pool.index() as index:
            index.remove(recording.id)
        self.api.index_pool.refresh()
        for file in files:
            Path(file.path).unlink(missing_ok=True)
        return [file.path for file in files]


def _job(job: Job, status: int = 200) -> Response:
    return json_response(asdict(job), status)
