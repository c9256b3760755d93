"""Paths of an index: absolute form, spellings of a name, containment in folders, existence."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable
from pathlib import Path


def absolute(path: str | Path) -> str:
    """Absolute form of a path, without ``..``; symbolic links keep their names."""
    return str(Path(path).resolve() if ".." in Path(path).parts else Path(path).absolute())


def composed(path: str) -> str:
    """Form of a path for comparison: an accented letter is one character, or a letter and a mark (as in macOS)."""
    return unicodedata.normalize("NFC", path)


def has_spelling(path: str) -> bool:
    """Return whether a file exists whose absolute path has this composed form; OSError if a folder cannot be read."""
    found = [Path("/")]
    for name in Path(path).parts[1:]:
        if name.isascii():
            found = [folder / name for folder in found if (folder / name).exists()]
        else:
            entries = (entry for folder in found if folder.is_dir() for entry in folder.iterdir())
            found = [entry for entry in entries if composed(entry.name) == composed(name)]
    return bool(found)


def under(path: str, roots: Iterable[str]) -> bool:
    """Return whether a path is one of ``roots`` or inside one."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def is_empty_folder(path: str) -> bool:
    """Return whether a folder has no visible entries, like a mount point without its drive."""
    try:
        return not visible(path)
    except OSError:
        return False


def vanished(path: str) -> bool:
    """Return whether nothing exists at a path, and no broken link leads to it."""
    try:
        Path(path).stat()
        return False
    except (FileNotFoundError, NotADirectoryError):
        return not any(link.is_symlink() and not link.exists() for link in (Path(path), *Path(path).parents))
    except OSError:
        return False


def visible(folder: str) -> list[tuple[str, bool]]:
    """Paths of the visible entries of a folder, by name, each with True if it is a link to a folder."""
    with os.scandir(folder) as entries:
        visible_entries = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted((entry.path, entry.is_symlink() and _leads_to_folder(entry.path)) for entry in visible_entries)


def _leads_to_folder(link: str) -> bool:
    try:
        return stat.S_ISDIR(Path(link).stat().st_mode)
    except OSError:
        return False  # reported by the walk
