"""Manifests: JSON lines that name recordings and what is said in them.

One object a line: ``audio`` (path relative to the manifest, or absolute) and ``text``; ``duration`` in seconds,
``speaker`` and ``id`` where known; other keys are ignored::

    {"audio": "clips/0001.flac", "text": "i am a human", "duration": 2.31, "speaker": "ann", "id": "0001"}
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import ManifestError
from audiosearch.text import normalise
from audiosearch.types import Seconds


@dataclass(frozen=True)
class Utterance:
    """A recording of one utterance and its text.

    Args:
        audio: absolute path.
        text: normalised.
        duration: None where nobody has measured it.
        speaker: None where unknown.
        id: for reports; the audio's path within the manifest where it has none.
    """

    audio: Path
    text: str
    duration: Seconds | None
    speaker: str | None
    id: str


def read_manifest(path: str | Path) -> list[Utterance]:
    """The utterances of a manifest, in its order; whether their audio exists is not looked at.

    Raises:
        ManifestError: names the file and the line that is wrong.
    """
    path = Path(path)
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - resolve() would follow links to another folder
    utterances = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    utterances.append(_parse(line, folder, f"{path}, line {number}"))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}); give the path of a manifest.") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text; a manifest has a JSON object on every line.") from error
    if not utterances:
        raise ManifestError(f"{path}: holds no utterance; `audiosearch manifest` writes manifests.")
    return utterances


def _parse(line: str, folder: Path, where: str) -> Utterance:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{where}: is not JSON ({error}).") from error
    if not isinstance(row, dict):
        raise ManifestError(f'{where}: must be an object such as {{"audio": "a.wav", "text": "what is said"}}.')
    for key in ("audio", "text"):
        if not isinstance(row.get(key), str):
            raise ManifestError(f"{where}: needs {key!r}, a string.")
    if not row["audio"] or "\0" in row["audio"]:
        raise ManifestError(f"{where}: 'audio' is not a path.")
    duration = row.get("duration")
    if duration is not None:
        number = isinstance(duration, int | float) and not isinstance(duration, bool)
        if not number or not math.isfinite(duration) or duration <= 0:
            raise ManifestError(f"{where}: 'duration' must be a number of seconds above 0, not {duration!r}.")
        duration = float(duration)
    speaker, name = (None if row.get(key) is None else str(row[key]) for key in ("speaker", "id"))
    audio = Path(os.path.normpath(folder / row["audio"]))
    return Utterance(audio, normalise(row["text"]), duration, speaker, row["audio"] if name is None else name)


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> int:
    """Writes a manifest and returns how many lines it has; audio below its folder is named by relative paths.

    The file appears under its name only once it is whole.
    """
    path = Path(path)
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100
    unfinished = path.with_name(path.name + ".tmp")
    count = 0
    try:
        with unfinished.open("w", encoding="utf-8") as lines:
            for utterance in utterances:
                audio = (
                    utterance.audio.relative_to(folder) if utterance.audio.is_relative_to(folder) else utterance.audio
                )
                row = {"audio": audio.as_posix(), "text": utterance.text, "duration": utterance.duration}
                row |= {"speaker": utterance.speaker, "id": utterance.id}
                row = {key: value for key, value in row.items() if value is not None}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
        unfinished.replace(path)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count
