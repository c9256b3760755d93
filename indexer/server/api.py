"""What is under /api: each function answers one kind of request (``openapi.py`` describes them)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import anyio
from starlette.requests import Request
from starlette.responses import Response

from audiosearch.audio.waveform import drawn
from audiosearch.errors import AudioError, QueryError
from indexer.records import hit_record, recording_record, word_record
from indexer.server.byte_ranges import FileSource, respond
from indexer.server.caches import DecodedCache, PeakCache
from indexer.server.index_pool import IndexPool
from indexer.server.media import Media, MediaUnavailableError, open_media
from indexer.server.parameters import Parameters
from indexer.server.search_endpoint import MODES, PARAMETERS, search
from indexer.types import Recording

MOST_WORDS = 5000
MOST_POINTS = 4000
MOST_RECORDINGS = 1000
MOST_FOLDERS = 500
"""Of one answer."""

_IDENTITY = re.compile(r"[0-9A-Za-z_-]{1,128}")

Endpoint = Callable[[Request], Awaitable[Response]]


class NotFoundError(Exception):
    """There is nothing under that name."""


def json_response(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON in ASCII, whatever letters it holds."""
    return Response(json.dumps(content, separators=(",", ":")), status, headers, "application/json")


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints and what they answer from.

    Args:
        folders: in which files may lie besides those of the library.
    """

    library: IndexPool
    peak_cache: PeakCache
    decoded: DecodedCache
    folders: tuple[str, ...]

    def endpoints(self) -> dict[str, Endpoint]:
        """All of them by path below /api."""
        return {
            "/library": self.about,
            "/search": self.search,
            "/recordings": self.recordings,
            "/recordings/{id}": self.recording,
            "/recordings/{id}/transcript": self.transcript,
            "/recordings/{id}/peaks": self.peaks,
            "/recordings/{id}/audio": self.audio,
        }

    async def find(self, identity: str) -> Recording:
        """The recording of an id. NotFoundError where there is none."""
        if _IDENTITY.fullmatch(identity):
            recording = await self.library.ask(self.library.recording, identity)
            if recording is not None:
                return recording
        raise NotFoundError("the index holds no such recording")

    async def about(self, request: Request) -> Response:
        """How much there is, and by what it can be filtered."""
        Parameters(request.query_params, ())
        statistics = await self.library.ask(self.library.statistics)
        folders = await self.library.ask(self.library.folders)
        modes = MODES if await self.library.ask(self.library.keeps_sound) else ("words",)
        return json_response(
            {
                "recordings": statistics.recordings,
                "words": statistics.words,
                "seconds": statistics.seconds,
                "modes": list(modes),
                "folders": [{"path": path, "recordings": folders[path]} for path in list(folders)[:MOST_FOLDERS]],
            }
        )

    async def search(self, request: Request) -> Response:
        """Hits."""
        found = await self.library.ask(search, self.library, Parameters(request.query_params, PARAMETERS))
        recordings = {hit.recording.id: recording_record(hit.recording) for hit in found.hits}
        return json_response(
            {
                "hits": [hit_record(hit) for hit in found.hits],
                "after": found.after,
                "notes": list(found.notes),
                "near": found.similar,
                "recordings": list(recordings.values()),
            }
        )

    async def recordings(self, request: Request) -> Response:
        """Recordings by path."""
        given = Parameters(request.query_params, ("offset", "limit", "name"))
        offset = given.whole("offset", 0, 0, 10**9)
        limit = given.whole("limit", 100, 1, MOST_RECORDINGS)
        name = (given.text("name") or "").lower()
        every = await self.library.ask(self.library.recordings)
        some = [one for one in every if name in one.path.lower()] if name else every
        return json_response(
            {"recordings": list(map(recording_record, some[offset : offset + limit])), "total": len(some)}
        )

    async def recording(self, request: Request) -> Response:
        """One recording."""
        Parameters(request.query_params, ())
        return json_response(recording_record(await self.find(request.path_params["id"])))

    async def transcript(self, request: Request) -> Response:
        """Some words of a recording: from a place on, or from the one said at a time."""
        given = Parameters(request.query_params, ("offset", "at", "limit"))
        offset = given.whole("offset", 0, 0, 10**9)
        at = given.number("at", 0, 1e9)
        limit = given.whole("limit", 1000, 1, MOST_WORDS)
        recording = await self.find(request.path_params["id"])
        words = await self.library.ask(self.library.words, recording)
        if at is not None:
            offset = next((place for place, word in enumerate(words) if word.end > at), max(len(words) - 1, 0))
        return json_response(
            {
                "path": recording.path,
                "duration": recording.duration,
                "total": len(words),
                "offset": offset,
                "words": list(map(word_record, words[offset : offset + limit])),
            }
        )

    async def peaks(self, request: Request) -> Response:
        """What a waveform is drawn from."""
        given = Parameters(request.query_params, ("points", "start", "end"))
        points = given.whole("points", 800, 1, MOST_POINTS)
        start = given.number("start", 0, 1e9) or 0.0
        end = given.number("end", 0, 1e9)
        recording = await self.find(request.path_params["id"])
        end = recording.duration if end is None else end
        if end <= start:
            raise QueryError(f"end must come after start, not {end:g} after {start:g}")
        peaks = await anyio.to_thread.run_sync(self.peak_cache.known, recording.id)
        if peaks is None:
            media = await self._open(recording)
            os.close(media.descriptor)
            try:
                peaks = await anyio.to_thread.run_sync(self.peak_cache.measured, recording.id, media.path)
            except AudioError as error:
                raise MediaUnavailableError("this recording cannot be heard: its file cannot be read") from error
        columns = drawn(peaks, points, start, end)
        return json_response(
            {"start": start, "end": end, "highest": list(columns.highest), "effective": list(columns.effective)},
            headers={"cache-control": "private, max-age=3600"},
        )

    async def audio(self, request: Request) -> Response:
        """The sound: as it is stored, or decoded where that is asked for or browsers do not play it."""
        decoded = Parameters(request.query_params, ("as",)).choice("as", ("file", "wav")) == "wav"
        recording = await self.find(request.path_params["id"])
        media = await self._open(recording)
        if media.kind is not None and not decoded:
            source = FileSource(media.descriptor, media.size)
            tag = f"{media.modified_ns:x}-{media.size:x}"
            return respond(request, source, media.kind, tag, partial(os.close, media.descriptor))
        os.close(media.descriptor)
        tag = f"{recording.id}-wav"
        if whole := await anyio.to_thread.run_sync(self.decoded.known, recording.id):
            descriptor = os.open(whole, os.O_RDONLY | os.O_CLOEXEC)
            source = FileSource(descriptor, os.fstat(descriptor).st_size)
            return respond(request, source, "audio/wav", tag, partial(os.close, descriptor))
        try:
            running = await anyio.to_thread.run_sync(self.decoded.begin, recording.id, media.path, recording.duration)
        except OSError as error:
            raise MediaUnavailableError("this recording cannot be heard: the cache folder cannot be written") from error
        return respond(request, running, "audio/wav", tag, partial(self.decoded.end, running))

    async def _open(self, recording: Recording) -> Media:
        return await anyio.to_thread.run_sync(open_media, recording, self.folders, self.library.recordings)
