"""A part of a file as a file, and files with amended headers. Standard library only."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiosearch.audio.sample_headers import SampleHeader, read_header


class FilePart(io.RawIOBase):
    """Bytes ``start`` to ``stop`` of a file, read only, with the header amended that is at their beginning."""

    def __init__(self, path: Path, start: int, stop: int, header: SampleHeader | None = None) -> None:
        super().__init__()
        self._amended = header.amended if header else {}
        self._prefix = header.prefix if header else b""
        self.name = str(path)
        self._file = path.open("rb", buffering=0)
        # position 0 of the part is ``first`` of the file, which for a prefix lies before the bytes that follow it
        self._first = header.samples - len(self._prefix) if header and self._prefix else start
        self._position, self._length = 0, stop - self._first

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        position = self._position
        view = memoryview(buffer).cast("B")[: max(0, self._length - position)]
        if position < len(self._prefix):
            count = min(len(view), len(self._prefix) - position)
            view[:count] = self._prefix[position : position + count]
        else:
            at = self._first + position
            self._file.seek(at)
            count = self._file.readinto(view)
            for offset, replacement in self._amended.items():
                first, last = max(offset, at), min(offset + len(replacement), at + count)
                if first < last:
                    view[first - at : last - at] = replacement[first - offset : last - offset]
        self._position += count
        return count

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = max(0, (0, self._position, self._length)[whence] + offset)
        return self._position

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def open_samples(path: Path) -> Iterator[tuple[FilePart | int, SampleHeader]]:
    """Open a file of uncompressed samples: its descriptor, or a file with another length in its header."""
    with path.open("rb", buffering=0) as file:  # a buffer would leave the descriptor elsewhere
        size = file.seek(0, 2)
        header = read_header(file, 0, size)
        file.seek(0)
        if not header.is_amended:
            yield file.fileno(), header
            return
    with FilePart(path, 0, size, header) as part:
        yield part, header
