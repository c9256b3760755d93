"""Walking folders: every file once, through any links, without what is left out; and the recordings among the files.

Audio libraries try to decode anything, which takes milliseconds per file and sometimes succeeds. Of the files in a
folder they are tried only on those with the suffix or the first bytes of a format with sound; a file that is named
itself is always tried.
"""

from __future__ import annotations

import errno
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiosearch.audio.formats import HEAD_BYTES, has_audio_suffix, may_be_audio
from audiosearch.errors import AudioError
from indexer.ingest.exclusion import ignore_files_above, is_excluded, is_ignored, read_ignore_file
from indexer.paths import visible
from indexer.types import Location


@dataclass(frozen=True, slots=True)
class Failed:
    """A file or folder that cannot be used; ``sentence`` names it and the reason.

    Args:
        files: of this content, if it cannot be used.
    """

    path: str
    sentence: str
    files: tuple[Location, ...] = ()


def walk(given: Sequence[str], exclude: Sequence[str] = ()) -> Iterator[Location | Failed]:
    """Files under absolute paths, sorted by name; then the files behind links to folders.

    Hidden files and broken links are skipped unless given themselves. Folders are identified by device and inode:
    each is entered once, and a link to a parent makes no loop. Folders that are left out are not entered.

    Args:
        given: absolute paths.
        exclude: globs of ``exclusion.is_excluded``. Ignore files count, too, but not for the given paths themselves.
    """
    entered: set[tuple[int, int]] = set()
    listed: set[str] = set()
    links = deque((path, tuple(ignore_files_above(path))) for path in given)
    while links:
        stack = [links.popleft()]
        while stack:
            path, ignoring = stack.pop()
            try:
                path.encode()
                status = Path(path).stat()
                is_folder = stat.S_ISDIR(status.st_mode)
                if path not in given and is_ignored(path, ignoring, is_folder=is_folder):
                    continue
                if exclude and is_excluded(path, exclude):
                    continue
                if is_folder:
                    if (status.st_dev, status.st_ino) in entered:
                        continue
                    entered.add((status.st_dev, status.st_ino))
                    if own := read_ignore_file(path):
                        ignoring = (*ignoring, own)
                    for child, is_linked_folder in reversed(visible(path)):
                        (links if is_linked_folder else stack).append((child, ignoring))
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


def is_recording(path: Path, *, is_given: bool = False) -> bool:
    """True if a file holds sound. OSError if it cannot be read.

    Args:
        is_given: the file was named, not found in a folder.
    """
    with path.open("rb", buffering=0) as file:
        head = file.read(HEAD_BYTES) or b""
    if not head or not (is_given or may_be_audio(path, head)):
        return False
    from audiosearch.audio.reader import is_audio

    return is_audio(path)


def explain_failure(path: Path, *, is_given: bool = False) -> str | None:
    """The reason why a file is no recording; None if nobody expects one."""
    from audiosearch.audio.reader import require_audio

    if is_given or has_audio_suffix(path):
        try:
            require_audio(path)
        except AudioError as error:
            return str(error)
    return None
