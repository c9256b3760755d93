"""The endpoints of the API (described in ``openapi/``)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio
from starlette.requests import Request
from starlette.responses import Response

from audiosearch.audio.waveform import resample_peaks
from audiosearch.errors import AudioError, QueryError
from indexer.matching.listing import LIST_ORDERS
from indexer.records import hit_record, recording_record, word_record
from indexer.server.downloads.transcripts import NAMES, transcript_file
from indexer.server.index_pool import IndexPool
from indexer.server.media.access import Media, MediaUnavailableError, has_file, open_media
from indexer.server.media.byte_ranges import FileSource, respond
from indexer.server.media.file_tags import cover_response, tags_record
from indexer.server.media.peak_cache import PeakCache
from indexer.server.media.transcode_cache import TranscodeCache
from indexer.server.parameters import Parameters
from indexer.server.search_endpoint import MODES, PARAMETERS, search
from indexer.types import Recording

MAX_WORDS = 5000
MAX_POINTS = 4000
MAX_RECORDINGS = 1000
MAX_FOLDERS = 500
"""Entries per response."""

_IDENTITY = re.compile(r"[0-9A-Za-z_-]{1,128}")

Endpoint = Callable[[Request], Awaitable[Response]]


class NotFoundError(Exception):
    """No recording has this id."""


def json_response(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response in ASCII."""
    return Response(json.dumps(content, separators=(",", ":")), status, headers, "application/json")


def _records_with_state(recordings: Sequence[Recording]) -> list[dict[str, object]]:
    """Records of recordings, with the state of their files."""
    return [{**recording_record(recording), "has_file": has_file(recording)} for recording in recordings]


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints, with the index and the caches.

    Args:
        folders: additional folders of media files.
        is_read_only: True if nothing may be changed.
        count_search: called with the mode and the number of hits of each page.
        allows_changes: recordings may be added and removed.
    """

    index_pool: IndexPool
    peak_cache: PeakCache
    transcode_cache: TranscodeCache
    folders: tuple[str, ...]
    count_search: Callable[[str, int], None]
    allows_changes: bool = False
    is_read_only: Callable[[], bool] = lambda: True

    def endpoints(self) -> dict[str, Endpoint]:
        """Endpoints by path below /api."""
        return {
            "/library": self.library,
            "/search": self.search,
            "/recordings": self.recordings,
            "/recordings/{id}": self.recording,
            "/recordings/{id}/transcript": self.transcript,
            "/recordings/{id}/tags": self.tags,
            "/recordings/{id}/cover": self.cover,
            "/recordings/{id}/peaks": self.peaks,
            "/recordings/{id}/audio": self.audio,
        }

    async def find(self, identity: str) -> Recording:
        """The recording of an id; NotFoundError if there is none."""
        if _IDENTITY.fullmatch(identity):
            recording = await self.index_pool.run(self.index_pool.recording, identity)
            if recording is not None:
                return recording
        raise NotFoundError("the index holds no such recording")

    async def library(self, request: Request) -> Response:
        """Size of the index, search modes and folders."""
        Parameters(request.query_params, ())
        statistics = await self.index_pool.run(self.index_pool.statistics)
        folders = await self.index_pool.run(self.index_pool.folders)
        modes = MODES if await self.index_pool.run(self.index_pool.keeps_sound) else ("words",)
        return json_response(
            {
                "recordings": statistics.recordings,
                "words": statistics.words,
                "seconds": statistics.seconds,
                "modes": list(modes),
                "changes": self.allows_changes,
                "read_only": await self.index_pool.run(self.is_read_only),
                "folders": [{"path": path, "recordings": folders[path]} for path in list(folders)[:MAX_FOLDERS]],
            }
        )

    async def search(self, request: Request) -> Response:
        """A page of hits."""
        parameters = Parameters(request.query_params, PARAMETERS)
        result = await self.index_pool.run(search, self.index_pool, parameters)
        self.count_search(parameters.choice("mode", MODES), len(result.hits))
        found = {hit.recording.id: hit.recording for hit in result.hits}
        return json_response(
            {
                "hits": [hit_record(hit) for hit in result.hits],
                "after": result.after,
                "notes": list(result.notes),
                "also": list(result.also),
                "near": result.similar,
                "texts": list(result.texts),
                "suggestions": [{"label": other.label, "params": dict(other.params)} for other in result.suggestions],
                "recordings": await anyio.to_thread.run_sync(_records_with_state, list(found.values())),
            }
        )

    async def recordings(self, request: Request) -> Response:
        """Recordings in an order, all or those with the words of a name."""
        parameters = Parameters(request.query_params, ("offset", "limit", "name", "sort", "reverse"))
        offset = parameters.whole("offset", 0, 0, 10**9)
        limit = parameters.whole("limit", 100, 1, MAX_RECORDINGS)
        name, order = parameters.text("name") or "", parameters.choice("sort", LIST_ORDERS)
        reverse = parameters.choice("reverse", ("false", "true")) == "true"
        listed = await self.index_pool.run(self.index_pool.listed, name, order, reverse)
        return json_response(
            {
                "recordings": list(map(recording_record, listed[offset : offset + limit])),
                "total": len(listed),
                "seconds": round(sum(recording.duration for recording in listed), 3),
            }
        )

    async def recording(self, request: Request) -> Response:
        """One recording."""
        Parameters(request.query_params, ())
        recording = await self.find(request.path_params["id"])
        (record,) = await anyio.to_thread.run_sync(_records_with_state, [recording])
        return json_response(record)

    async def transcript(self, request: Request) -> Response:
        """Words of a recording, from a position or a time on; with a format, the whole transcript as a file."""
        parameters = Parameters(request.query_params, ("offset", "at", "limit", "format"))
        if parameters.text("format") is not None:
            form = Parameters(request.query_params, ("format",)).choice("format", tuple(NAMES))
            return await transcript_file(self.index_pool, await self.find(request.path_params["id"]), form)
        offset = parameters.whole("offset", 0, 0, 10**9)
        at = parameters.number("at", 0, 1e9)
        limit = parameters.whole("limit", 1000, 1, MAX_WORDS)
        recording = await self.find(request.path_params["id"])
        words = await self.index_pool.run(self.index_pool.words, recording)
        if at is not None:
            offset = next((position for position, word in enumerate(words) if word.end > at), max(len(words) - 1, 0))
        return json_response(
            {
                "path": recording.path,
                "duration": recording.duration,
                "total": len(words),
                "offset": offset,
                "words": list(map(word_record, words[offset : offset + limit])),
            }
        )

    async def tags(self, request: Request) -> Response:
        """Tags of the file of a recording; none if it has no file that can be served."""
        Parameters(request.query_params, ())
        recording = await self.find(request.path_params["id"])
        try:
            media = await self._open(recording)
        except MediaUnavailableError:
            return json_response({"has_cover": False})
        os.close(media.descriptor)
        return json_response(await anyio.to_thread.run_sync(tags_record, media))

    async def cover(self, request: Request) -> Response:
        """The picture in the file of a recording."""
        Parameters(request.query_params, ())
        media = await self._open(await self.find(request.path_params["id"]))
        os.close(media.descriptor)
        response = await anyio.to_thread.run_sync(cover_response, media)
        if response is None:
            raise NotFoundError("this recording has no cover")
        return response

    async def peaks(self, request: Request) -> Response:
        """Peaks of a recording, for its waveform."""
        parameters = Parameters(request.query_params, ("points", "start", "end"))
        points = parameters.whole("points", 800, 1, MAX_POINTS)
        start = parameters.number("start", 0, 1e9) or 0.0
        end = parameters.number("end", 0, 1e9)
        recording = await self.find(request.path_params["id"])
        end = recording.duration if end is None else end
        if end <= start:
            raise QueryError(f"end must come after start, not {end:g} after {start:g}")
        peaks = await anyio.to_thread.run_sync(self.peak_cache.get, recording.sound_id)
        if peaks is None:
            media = await self._open(recording)
            os.close(media.descriptor)
            try:
                peaks = await anyio.to_thread.run_sync(
                    self.peak_cache.get_or_measure, recording.sound_id, media.path, recording.track
                )
            except AudioError as error:
                raise MediaUnavailableError("this recording cannot be played: its file cannot be read") from error
        columns = resample_peaks(peaks, points, start, end)
        return json_response(
            {"start": start, "end": end, "highest": list(columns.highest), "effective": list(columns.effective)},
            headers={"cache-control": "private, max-age=3600"},
        )

    async def audio(self, request: Request) -> Response:
        """The audio: the file itself, or WAV on request and for files that browsers cannot play."""
        decoded = Parameters(request.query_params, ("as",)).choice("as", ("file", "wav")) == "wav"
        recording = await self.find(request.path_params["id"])
        media = await self._open(recording)
        if media.kind is not None and not decoded:
            source = FileSource(media.descriptor, media.size)
            tag = f"{media.modified_ns:x}-{media.size:x}"
            return respond(request, source, media.kind, tag, partial(os.close, media.descriptor))
        os.close(media.descriptor)
        tag = f"{recording.sound_id}-wav"
        if path := await anyio.to_thread.run_sync(self.transcode_cache.get, recording.sound_id):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            source = FileSource(descriptor, os.fstat(descriptor).st_size)
            return respond(request, source, "audio/wav", tag, partial(os.close, descriptor))
        try:
            running = await anyio.to_thread.run_sync(
                self.transcode_cache.begin, recording.sound_id, media.path, recording.duration, recording.track
            )
        except OSError as error:
            raise MediaUnavailableError(
                "this recording cannot be played: the cache folder cannot be written"
            ) from error
        return respond(request, running, "audio/wav", tag, partial(self.transcode_cache.end, running))

    async def _open(self, recording: Recording) -> Media:
        return await anyio.to_thread.run_sync(open_media, recording, self.folders, self.index_pool.recordings)
