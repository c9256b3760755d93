"""Atomic replacement of files, and locks of folders."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiosearch.errors import InUseError

MAX_STEM_BYTES = 200
"""Bytes of a file's stem that go into its temporary name; most file systems limit names to 255 bytes."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed to ``path`` on success and deleted on any exception.

    Readers see the previous file or the complete new one. The temporary name is hidden and keeps the suffix, by which
    some libraries choose a format.

    Raises:
        InUseError: another process is writing the file.
    """
    stem = os.fsencode(path.stem)[:MAX_STEM_BYTES].decode(errors="ignore")
    temporary = path.with_name(f".{stem}.partial{path.suffix}")
    with _locked(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666), path):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other processes from locking a folder; nothing is written for it.

    Raises:
        InUseError: another process has locked it.
    """
    with _locked(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), folder):
        yield


@contextmanager
def _locked(descriptor: int, path: Path) -> Iterator[None]:
    """Lock an open file, and close it in the end."""
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError(f"{path}: is being written by another process; wait for it, or name another.") from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
