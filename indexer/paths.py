"""Paths as an index keeps them: absolute, below a folder, still there or not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path


def absolute(path: str | Path) -> str:
    """``path`` from the root, without ``..``; links in it keep their names."""
    return str(Path(path).resolve() if ".." in Path(path).parts else Path(path).absolute())


def under(path: str, roots: Iterable[str]) -> bool:
    """Whether ``path`` is one of ``roots`` or inside one."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def is_empty_folder(path: str) -> bool:
    """Whether a folder shows nothing, as a mount point does while its drive is away."""
    try:
        return not visible(path)
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


def visible(folder: str) -> list[tuple[str, bool]]:
    """Paths in a folder that are not hidden, by name, and whether each is a link to a folder."""
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted((entry.path, entry.is_symlink() and _leads_to_folder(entry.path)) for entry in shown)


def _leads_to_folder(link: str) -> bool:
    try:
        return stat.S_ISDIR(Path(link).stat().st_mode)
    except OSError:
        return False  # the walk meets it again
