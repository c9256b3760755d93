"""Files that are left out of an index by patterns of their names."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath


def is_excluded(path: str, globs: Sequence[str]) -> bool:
    """True if a glob matches an absolute path, the name of the file, or that of a folder above it."""
    parts = PurePosixPath(path).parts
    return any(fnmatchcase(path, glob) or any(fnmatchcase(part, glob.rstrip("/")) for part in parts) for glob in globs)
