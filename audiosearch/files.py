"""Atomic replacement of files, and locks of files and folders."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from audiosearch.errors import InUseError

MAX_STEM_BYTES = 200
"""Bytes of a file's stem that go into its temporary name; most file systems limit names to 255 bytes."""


LOCKS = Path("/proc/locks")
"""Where Linux lists the locks of files."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed to ``path`` on success and deleted on any exception.

    Readers see the previous file or the complete new one. The temporary name is hidden and keeps the suffix, by which
    some libraries choose a format.

    Raises:
        InUseError: another process is writing the file.
    """
    temporary = _hidden(path, "partial")
    with _locked(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666), f"{path}: is being written"):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def lock_output(path: Path) -> Iterator[None]:
    """Keep other processes from making the same file, from the beginning of a long computation.

    Raises:
        InUseError: another process is making it.
        OSError: it cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_file(_hidden(path, "lock"), f"{path}: is being written"))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        yield


@contextmanager
def lock_file(lock: Path, sentence: str) -> Iterator[None]:
    """Lock a file that is made for the purpose, and deleted in the end.

    Args:
        sentence: the beginning of the error, such as "a.bin: is being written".

    Raises:
        InUseError: another process has locked it.
    """
    while True:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with _locked(descriptor, sentence):
            if not _is_at(descriptor, lock):  # deleted by another process after it was opened here
                continue
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other processes from locking a folder; nothing is written for it.

    Raises:
        InUseError: another process has locked it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with _locked(descriptor, f"{folder}: is being written"):
        yield


def folder_size(folder: Path) -> int:
    """Bytes of the files in a folder and its subfolders; those that vanish meanwhile count as nothing."""
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += Path(path, name).lstat().st_size
    return size


def _hidden(path: Path, purpose: str) -> Path:
    """Hidden file beside a file, with its suffix."""
    stem = os.fsencode(path.stem)[:MAX_STEM_BYTES].decode(errors="ignore")
    return path.with_name(f".{stem}.{purpose}{path.suffix}")


def _is_at(descriptor: int, path: Path) -> bool:
    """True if an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _locked(descriptor: int, sentence: str) -> Iterator[None]:
    """Lock an open file, and close it in the end."""
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError(
                f"{sentence} by another process{_holder(descriptor)}; wait for it, or name another."
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    """Number of the process that locked a file, in parentheses; empty where the system does not tell it."""
    status = os.fstat(descriptor)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        locks = [line.split() for line in LOCKS.read_text(encoding="ascii").splitlines()]
    except (OSError, UnicodeDecodeError):
        return ""
    holders = [fields[fields.index(place) - 1] for fields in locks if "FLOCK" in fields and place in fields]
    return f" ({holders[0]})" if holders and holders[0].isdigit() and holders[0] != "0" else ""
