"""Atomic replacement of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_STEM_BYTES = 200
"""Bytes of a file's stem that go into its temporary name; most file systems limit names to 255 bytes."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed to ``path`` on success and deleted on any exception.

    Readers see the previous file or the complete new one. The temporary name is hidden and keeps the suffix, by which
    some libraries choose a format.
    """
    stem = os.fsencode(path.stem)[:MAX_STEM_BYTES].decode(errors="ignore")
    temporary = path.with_name(f".{stem}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
