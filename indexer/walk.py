"""Folders → the files in them, each once, whatever the links; and what can be said of a path that was not met."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.types import Location


@dataclass(frozen=True, slots=True)
class Failed:
    """A file or folder that could not be used; ``sentence`` names it and says why."""

    path: str
    sentence: str


def walk(given: Sequence[str]) -> Iterator[Location | Failed]:
    """Files under absolute paths, in order of name; then what is behind links to folders.

    What is hidden and links that lead nowhere are passed over unless they are given themselves. Folders are told apart
    by device and inode, so each is entered once and a link back up is no loop.
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
                    for child, is_linked_folder in reversed(_visible(path)):
                        (links if is_linked_folder else stack).append(child)
                elif path not in listed:
                    listed.add(path)
                    if stat.S_ISREG(status.st_mode):
                        yield Location(path, status.st_size, status.st_mtime_ns)
                    elif path in given:
                        yield Failed(path, f"{path}: is neither a file nor a folder.")
            except FileNotFoundError:
                if path in given:
                    yield Failed(path, f"{path}: there is no such file or folder.")
            except UnicodeEncodeError:
                yield Failed(path, f"{path!a}: the name is not valid Unicode; rename it.")
            except OSError as error:
                if error.errno != errno.ELOOP or path in given:
                    yield Failed(path, f"{path}: cannot be read ({error.strerror}).")


def _visible(folder: str) -> list[tuple[str, bool]]:
    """Paths in a folder that are not hidden, by name, and whether each is a link to a folder."""
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted((entry.path, entry.is_symlink() and _leads_to_folder(entry.path)) for entry in shown)


def _leads_to_folder(link: str) -> bool:
    try:
        return stat.S_ISDIR(Path(link).stat().st_mode)
    except OSError:
        return False  # the walk meets it again


def absolute(path: str | Path) -> str:
    """``path`` from the root, without ``..``; links in it keep their names."""
    return str(Path(path).resolve() if ".." in Path(path).parts else Path(path).absolute())


def under(path: str, roots: Iterable[str]) -> bool:
    """Whether ``path`` is one of ``roots`` or inside one."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def is_empty_folder(path: str) -> bool:
    """Whether a folder shows nothing, as a mount point does while its drive is away."""
    try:
        return not _visible(path)
    except OSError:
        return False


def vanished(path: str) -> bool:
    """Whether nothing is at ``path``, and not because a link on the way to it leads nowhere now."""
    try:
        Path(path).stat()
        return False
    except (FileNotFoundError, NotADirectoryError):
        return not any(place.is_symlink() and not place.exists() for place in (Path(path), *Path(path).parents))
    except OSError:
        return False
