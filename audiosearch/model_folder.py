"""Checksums of a model folder's files, so that a damaged or half-replaced one is told when it is loaded.

``checksums.txt`` lies beside them, in the format of ``sha256sum``, which checks it too: ``sha256sum -c checksums.txt``.
A folder without one, such as a run of the trainer, is taken as it is. ``decoder.yaml`` and ``calibration.yaml``
are not in it: ``audiosearch tune``, ``calibrate`` and people write to them, and what is wrong in them is told by name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from audiosearch.errors import ModelError

CHECKSUMS_NAME = "checksums.txt"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Note these files of a folder as they are now; each must be there."""
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / CHECKSUMS_NAME).write_text("".join(lines), encoding="utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by name of the files that a folder says it holds; nothing where it does not say.

    Raises:
        ModelError: it says so in some other format.
    """
    path = folder / CHECKSUMS_NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read; {_REMEDY}.") from error
    found = [_LINE.fullmatch(line) for line in lines]
    if not all(found):
        raise ModelError(f"{path}: is not what sha256sum writes; {_REMEDY}.")
    return {match[2]: match[1] for match in found if match}


def verify(path: Path) -> None:
    """Nothing, if the checksums beside a file do not name it or it is as they say.

    Raises:
        ModelError: it is missing, or another.
    """
    expected = read_checksums(path.parent).get(path.name)
    if expected is None:
        return
    try:
        found = _sha256(path)
    except OSError as error:
        reason = error.strerror or "an error"
        raise ModelError(f"{path}: is named in {CHECKSUMS_NAME} but cannot be read ({reason}); {_REMEDY}.") from error
    if found != expected:
        raise ModelError(
            f"{path}: is not the file that {CHECKSUMS_NAME} names; {_REMEDY}, "
            f"or delete {CHECKSUMS_NAME} if you have changed the model yourself."
        )


_REMEDY = "install audiosearch or copy the model again"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
