"""Walking folders: every file once, through any links."""

from __future__ import annotations

import errno
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.paths import visible
from indexer.types import Location


@dataclass(frozen=True, slots=True)
class Failed:
    """A file or folder that cannot be used; ``sentence`` names it and the reason."""

    path: str
    sentence: str


def walk(given: Sequence[str]) -> Iterator[Location | Failed]:
    """Files under absolute paths, sorted by name; then the files behind links to folders.

    Hidden files and broken links are skipped unless given themselves. Folders are identified by device and inode:
    each is entered once, and a link to a parent makes no loop.
    """
    entered: set[tuple[int, int]] = set()
    listed: set[str] = set()
    links = deque(given)
    while links:
        stack = [links.popleft()]
        while stack:
            path = stack.pop()
            try:
                path.encode()
                status = Path(path).stat()
                if stat.S_ISDIR(status.st_mode):
                    if (status.st_dev, status.st_ino) in entered:
                        continue
                    entered.add((status.st_dev, status.st_ino))
                    for child, is_linked_folder in reversed(visible(path)):
                        (links if is_linked_folder else stack).append(child)
                elif path not in listed:
                    listed.add(path)
                    if stat.S_ISREG(status.st_mode):
                        yield Location(path, status.st_size, status.st_mtime_ns)
                    elif path in given:
                        yield Failed(path, f"{path}: neither a file nor a folder.")
            except FileNotFoundError:
                if path in given:
                    yield Failed(path, f"{path}: no such file or folder.")
            except UnicodeEncodeError:
                yield Failed(path, f"{path!a}: the name is not valid Unicode; rename it.")
            except OSError as error:
                if error.errno != errno.ELOOP or path in given:
                    yield Failed(path, f"{path}: cannot be read ({error.strerror}).")
