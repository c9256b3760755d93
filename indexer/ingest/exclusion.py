"""Files and folders that are left out of an index: by globs, and by ignore files in folders.

An ignore file has the syntax of .gitignore, one pattern a line, relative to its folder::

    *.tmp.wav       files of this name in this folder and those in it
    /drafts/        the folder drafts of this folder
    2024/**/raw     raw anywhere in 2024
    !keep.tmp.wav   not left out, though a pattern above leaves it out
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from indexer.paths import composed

IGNORE_FILE = ".audiosearchignore"
"""Name of the ignore files."""


def is_excluded(path: str, globs: Sequence[str]) -> bool:
    """True if a glob matches an absolute path, the name of the file, or that of a folder above it."""
    path, globs = composed(path), [composed(glob) for glob in globs]
    parts = PurePosixPath(path).parts
    return any(fnmatchcase(path, glob) or any(fnmatchcase(part, glob.rstrip("/")) for part in parts) for glob in globs)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A line of an ignore file."""

    pattern: re.Pattern[str]
    is_exception: bool
    is_for_folders: bool


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The patterns of an ignore file.

    Args:
        folder: of the file, absolute.
        rules: in the order of its lines.
    """

    folder: str
    rules: tuple[_Rule, ...]

    def decision(self, path: str, *, is_folder: bool) -> bool | None:
        """True to leave out a path in the folder, False to keep it, None if no pattern matches; the last one counts."""
        relative = composed(path[len(self.folder.rstrip("/")) + 1 :])
        for rule in reversed(self.rules):
            if (is_folder or not rule.is_for_folders) and rule.pattern.fullmatch(relative):
                return not rule.is_exception
        return None


def read_ignore_file(folder: str) -> IgnoreFile | None:
    """The ignore file of a folder, if there is one; OSError if it cannot be read."""
    try:
        content = (Path(folder) / IGNORE_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    lines = os.fsdecode(content.removeprefix(b"\xef\xbb\xbf")).splitlines()
    rules = tuple(rule for line in lines if (rule := _rule(line)))
    return IgnoreFile(folder, rules) if rules else None


def ignore_files_above(path: str) -> Iterator[IgnoreFile]:
    """The ignore files of the folders above a path that can be read, the highest first."""
    for folder in reversed(PurePosixPath(path).parents):
        try:
            file = read_ignore_file(str(folder))
        except OSError:  # a folder that is not walked
            continue
        if file:
            yield file


def is_ignored(path: str, files: Sequence[IgnoreFile], *, is_folder: bool) -> bool:
    """True if the ignore files of the folders above leave out a path; the lowest one that names it counts."""
    for file in reversed(files):
        decision = file.decision(path, is_folder=is_folder)
        if decision is not None:
            return decision
    return False


def _rule(line: str) -> _Rule | None:
    """The rule of a line; None for comments, empty lines and brackets that are not closed."""
    text = re.sub(r"(?<!\\) +$", "", composed(line))
    is_exception = text.startswith("!")
    text = text[1:] if is_exception else text
    is_for_folders = text.endswith("/")
    text = text.rstrip("/")
    if not text or line.startswith("#"):
        return None
    is_anchored = "/" in text
    expression = "" if is_anchored else "(?:.*/)?"
    for token in re.findall(r"^\*\*/|/\*\*/|/\*\*$|\*+|\?|\[!?\]?[^\]]*\]|\\.|.", text.removeprefix("/")):
        match token:
            case "**/":
                expression += "(?:.*/)?"
            case "/**/":
                expression += "/(?:.*/)?"
            case "/**":
                expression += "/.*"
            case "?":
                expression += "[^/]"
            case _ if token[0] == "*":
                expression += "[^/]*"
            case _ if token[0] == "[" and len(token) > 2:
                inner = token[1:-1]
                inner = "^" + inner[1:] if inner[0] in "!^" else inner
                expression += "(?!/)[" + inner.replace("\\", "\\\\").replace("[", "\\[") + "]"
            case _:
                expression += re.escape(token[-1] if token[0] == "\\" else token)
    try:
        return _Rule(re.compile(expression, re.DOTALL), is_exception, is_for_folders)
    except re.error:
        return None
