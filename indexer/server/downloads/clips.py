"""Clips of recordings, single and joined, as files that are deleted once they are sent."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audiosearch.display import printable
from audiosearch.errors import AudioError, OutputError, QueryError
from audiosearch.types import Seconds
from indexer.export.clips import clip_name, padded_span
from indexer.server.api import Api, NotFoundError
from indexer.server.downloads.clip_queue import ClipQueue, StoppedError
from indexer.server.downloads.clip_request import Span, parse_clip, parse_supercut
from indexer.server.downloads.file_names import attachment
from indexer.server.media.access import MediaUnavailableError, open_media
from indexer.server.media.byte_ranges import FileSource, respond
from indexer.types import Hit, Recording

if TYPE_CHECKING:
    from audiosearch.audio.clips import Clip

TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "opus": "audio/ogg", "m4a": "audio/mp4"}
"""Media types of the formats."""


@dataclass(frozen=True, slots=True)
class Clips:
    """The endpoints of clips and supercuts."""

    api: Api
    queue: ClipQueue = field(default_factory=ClipQueue)

    def routes(self) -> list[Route]:
        """Routes of the endpoints."""
        return [
            Route("/api/recordings/{id}/clip", self.clip),
            Route("/api/supercut", self.supercut, methods=["POST"]),
        ]

    async def clip(self, request: Request) -> Response:
        """A span of a recording as a file."""
        span, form, padding = parse_clip(request.path_params["id"], request.query_params)
        recording = await self.api.find(span.id)
        hit = await self._hit(recording, span)
        clip = await self._clip(hit, padding)

        def write(check: Callable[[], None]) -> BinaryIO:
            from audiosearch.audio.clips import write_clip

            check()
            return _temporary(form, lambda target: write_clip(clip, target))

        return await self._respond(request, write, f"{clip_name(hit)}.{form}")

    async def supercut(self, request: Request) -> Response:
        """Several spans, joined with fades, as one file."""
        wanted = await parse_supercut(request)
        recordings: dict[str, Recording] = {}
        clips: list[Clip] = []
        for number, span in enumerate(wanted.spans, start=1):
            try:
                if span.id not in recordings:
                    recordings[span.id] = await self.api.find(span.id)
                recording = recordings[span.id]
                clips.append(await self._clip(await self._hit(recording, span), wanted.padding))
            except NotFoundError as error:
                raise NotFoundError(f"clip {number}: {error}") from error
            except QueryError as error:
                raise QueryError(f"clip {number}: {error}") from error
            except MediaUnavailableError as error:
                name = printable(Path(recording.path).name)
                raise MediaUnavailableError(f"clip {number} ({name}): {error}") from error

        def write(check: Callable[[], None]) -> BinaryIO:
            from audiosearch.audio.clips import write_supercut

            number = 0

            def count() -> None:
                nonlocal number
                number += 1
                check()

            try:
                return _temporary(
                    wanted.form,
                    lambda target: write_supercut(clips, target, fade=wanted.fade, gap=wanted.gap, check=count),
                )
            except AudioError as error:
                raise MediaUnavailableError(f"clip {number or 1}: its recording cannot be read") from error

        return await self._respond(request, write, f"supercut-of-{len(clips)}-clips.{wanted.form}")

    async def _hit(self, recording: Recording, span: Span) -> Hit:
        """The words within a span."""
        if span.start >= recording.duration:
            raise QueryError(f"the recording lasts {recording.duration:g} seconds; {span.start:g} comes after its end")
        words = await self.api.index_pool.run(self.api.index_pool.words, recording)
        within = tuple(word for word in words if span.start <= (word.start + word.end) / 2 < span.end)
        end = max(min(span.end, recording.duration), span.start + 0.001)
        return Hit(recording, span.start, end, 1.0, within, (), ())

    async def _clip(self, hit: Hit, padding: Seconds) -> Clip:
        """The clip of a file that may be served."""
        from audiosearch.audio.clips import Clip

        recording = hit.recording
        media = await anyio.to_thread.run_sync(open_media, recording, self.api.folders, self.api.index_pool.recordings)
        os.close(media.descriptor)
        start, end = padded_span(hit, padding)
        description = f"{Path(recording.path).name} from {start:.3f} to {end:.3f} s: {hit.text}"
        return Clip(Path(media.path), start, end, description, recording.track)

    async def _respond(self, request: Request, write: Callable[[Callable[[], None]], BinaryIO], name: str) -> Response:
        try:
            file = await self.queue.run(request, write)
        except StoppedError:
            return Response(status_code=499)  # nobody receives it
        except AudioError as error:
            raise MediaUnavailableError("this recording cannot be played: its file cannot be read there") from error
        with ExitStack() as stack:
            stack.enter_context(file)
            source = FileSource(file.fileno(), os.fstat(file.fileno()).st_size)
            response = respond(request, source, TYPES[name.rpartition(".")[2]], secrets.token_hex(8), file.close)
            stack.pop_all()
        response.headers.update(attachment(name))
        return response


def _temporary(form: str, write: Callable[[Path], object]) -> BinaryIO:
    """The opened file that ``write`` writes; its name is deleted.

    Raises:
        AudioError: a recording cannot be read.
        OutputError: the file cannot be written.
    """
    try:
        with TemporaryDirectory(prefix="audiosearch-") as folder:
            target = Path(folder, f"clip.{form}")
            write(target)
            return target.open("rb")
    except (OSError, OutputError) as error:
        raise OutputError("the clip cannot be written; is the disk full?") from error
