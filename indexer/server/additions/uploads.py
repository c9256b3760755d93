"""Uploaded files: streamed to a folder, checked, and never written over others."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio.to_thread

from audiosearch.audio.formats import HEAD_BYTES, may_be_audio
from audiosearch.errors import AudioError, ConfigError, reason_of
from audiosearch.types import Seconds
from indexer.ingest.crawl import same_file
from indexer.paths import under
from indexer.server.downloads.file_names import safe_name
from indexer.types import Location

MIN_FREE_BYTES = 1 << 30
"""Space that uploads leave free on the disk."""

BUFFER_BYTES = 1 << 20
"""Bytes per write."""

CHECK_BYTES = 64 << 20
"""Bytes between two checks of the free space."""

MAX_AGE: Seconds = 24 * 3600
"""Age from which parts of uploads are left over from a server that was killed."""

MAX_UPLOADS = 4
"""Uploads at the same time."""

_SUFFIX = re.compile(r"\.[A-Za-z0-9_-]{1,10}")


class UploadError(Exception):
    """An upload that is refused.

    Args:
        status: of the response.
        sentence: says what to do.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upload:
    """A complete upload: its path, and the name under which it was sent."""

    path: str
    name: str


class Uploads:
    """The folder of uploaded files."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Use ``folder``, which is made if it is absent; ConfigError if it cannot be written."""
        self.folder, self.max_bytes = Path(os.path.realpath(folder)), max_bytes
        self._running = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left_over in self.folder.glob(".upload-*"):
                if time.time() - left_over.stat().st_mtime > MAX_AGE:
                    left_over.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be used for uploads ({reason_of(error)}).") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise ConfigError(f"{folder}: cannot be written; name another folder with --uploads.")

    def free_bytes(self) -> int:
        """Space for further uploads."""
        return max(shutil.disk_usage(self.folder).free - MIN_FREE_BYTES, 0)

    async def receive(self, typed: str, length: int | None, pieces: AsyncIterator[bytes]) -> Upload:
        """Write an upload, and check that it is a recording.

        Args:
            typed: name that the client gives it.
            length: of the content, as far as the client says it.

        Raises:
            UploadError: it is too long, no recording, or the disk is full; nothing is left of it.
        """
        name = file_name(typed)
        self._check_size(length or 0)
        if self._running >= MAX_UPLOADS:
            raise UploadError(503, f"{MAX_UPLOADS} uploads are running; try again when one of them is done")
        self._running += 1
        temporary = self.folder / f".upload-{secrets.token_hex(8)}{PurePosixPath(name).suffix}"
        try:
            await self._write(temporary, name, pieces)
            return Upload(await anyio.to_thread.run_sync(self._accept, temporary, name), name)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise UploadError(507 if full else 500, f"{name}: cannot be written ({reason_of(error)})") from error
        finally:
            self._running -= 1
            temporary.unlink(missing_ok=True)

    async def _write(self, temporary: Path, name: str, pieces: AsyncIterator[bytes]) -> None:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            buffer, size, checked = bytearray(), 0, 0
            is_first = True
            async for piece in pieces:
                buffer += piece
                if len(buffer) < BUFFER_BYTES:
                    continue
                if is_first and not may_be_audio(Path(name), bytes(buffer[:HEAD_BYTES])):
                    raise UploadError(415, f"{name}: holds no sound in a format that is read here")
                is_first = False
                size += len(buffer)
                if size - checked >= CHECK_BYTES:
                    checked = size
                    self._check_size(0)
                if size > self.max_bytes:
                    self._check_size(size)
                await anyio.to_thread.run_sync(_write_all, descriptor, bytes(buffer))
                buffer.clear()
            self._check_size(size + len(buffer), written=size)
            await anyio.to_thread.run_sync(_write_all, descriptor, bytes(buffer))
            await anyio.to_thread.run_sync(os.fsync, descriptor)
        finally:
            os.close(descriptor)

    def _check_size(self, length: int, written: int = 0) -> None:
        if length > self.max_bytes:
            raise UploadError(413, f"the file is too long: at most {self.max_bytes / 1e6:,.0f} MB are accepted")
        if shutil.disk_usage(self.folder).free - MIN_FREE_BYTES < length - written:
            raise UploadError(507, "the disk of the server has no space for this file")

    def _accept(self, temporary: Path, name: str) -> str:
        """Path of a checked upload in its place."""
        from audiosearch.audio.reader import probe, require_audio

        try:
            require_audio(temporary)
            probe(temporary)
        except AudioError as error:
            raise UploadError(415, str(error).replace(str(temporary), name).rstrip(".")) from error
        return str(_place(temporary, self.folder, name))

    def uploaded(self, locations: Sequence[Location]) -> list[Location]:
        """Those of the locations that are files of this folder, unchanged since they were indexed."""
        return [
            location
            for location in locations
            if under(os.path.realpath(location.path), [str(self.folder)])
            and not Path(location.path).is_symlink()
            and same_file(location)
        ]


def file_name(typed: str) -> str:
    """A safe name for an upload: no folders, no hidden file, with its suffix.

    Raises:
        UploadError: there is none.
    """
    last = typed.replace("\\", "/").rpartition("/")[2].strip()
    if not last or len(last) > 1000:
        raise UploadError(400, "name must be the name of the file, such as talk.mp3")
    stem, dot, suffix = last.rpartition(".")
    if not dot or not stem.strip(". ") or not _SUFFIX.fullmatch(dot + suffix):
        return safe_name(last)
    return safe_name(stem) + dot + suffix


def _place(temporary: Path, folder: Path, name: str) -> Path:
    """Move a file to a free name; other files are never replaced."""
    path = PurePosixPath(name)
    for number in range(1, 10_000):
        target = folder / (name if number == 1 else f"{path.stem} ({number}){path.suffix}")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))  # reserves the name
            try:
                temporary.replace(target)
            except BaseException:
                target.unlink()
                raise
            return target
    raise UploadError(409, f"{name}: too many files have this name")


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
