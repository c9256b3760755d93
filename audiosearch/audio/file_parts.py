"""Files joined of several, and a part of a file as a file of its own. Standard library only."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

from audiosearch.audio.signatures import OGG

_PAGE_HEADER = 27
_FIRST_PAGE = 2  # flag of the first page of a stream


class FilePart(io.RawIOBase):
    """Bytes ``start`` to ``stop`` of a file, read only."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        super().__init__()
        self.name = str(path)
        self._file = path.open("rb")
        self._start, self._stop = start, stop
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        left = max(0, self._stop - self._file.tell())
        return self._file.readinto(memoryview(buffer)[:left])

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (self._start, self._file.tell(), self._stop)[whence]
        self._file.seek(max(self._start, base + offset))
        return self.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def ogg_parts(path: Path) -> list[tuple[int, int]]:
    """Start and end of each of the consecutive streams of an Ogg file; FFmpeg does not read past a change of format."""
    starts: list[int] = []
    with path.open("rb") as file:
        position, is_head = 0, False
        while len(page := file.read(_PAGE_HEADER)) == _PAGE_HEADER and page.startswith(OGG):
            if page[5] & _FIRST_PAGE and not is_head:
                starts.append(position)
            is_head = bool(page[5] & _FIRST_PAGE)
            position += _PAGE_HEADER + page[26] + sum(file.read(page[26]))
            file.seek(position)
        size = file.seek(0, 2)
    return list(pairwise([*starts, size])) or [(0, size)]
