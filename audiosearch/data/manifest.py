"""Manifests: JSON lines with recordings and their transcripts.

One object per line: ``audio`` (path relative to the manifest, or absolute) and ``text``; optionally ``duration`` in
seconds, ``speaker`` (``?`` if unknown) and ``id``; for text by a recognizer also its ``confidence``, and the ``score``
by a network; other keys are ignored::

    {"audio": "clips/0001.flac", "text": "i am a human", "duration": 2.31, "speaker": "ann", "id": "0001"}
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiosearch.data.events import NO_TEXT, LeftOut
from audiosearch.display import json_line
from audiosearch.errors import ManifestError
from audiosearch.files import atomic_write
from audiosearch.tags import normalize_transcript
from audiosearch.types import Seconds


@dataclass(frozen=True)
class Utterance:
    """A recording of one utterance and its text.

    Args:
        audio: absolute path.
        text: normalized.
        duration: None if not measured.
        speaker: None if unknown.
        id: for reports; by default ``audio`` as the manifest spells it.
        confidence: of the recognizer that wrote the text, in [0, 1]; None if unknown, or if a person wrote it.
        score: of the text by a network (``labeling/scores.py``); None if not computed.
    """

    audio: Path
    text: str
    duration: Seconds | None
    speaker: str | None
    id: str
    confidence: float | None = None
    score: float | None = None


def read_manifest(path: str | Path) -> list[Utterance]:
    """Read the utterances of a manifest, in order; their audio need not exist.

    Raises:
        ManifestError: the file cannot be read, or a line is malformed; the message names both.
    """
    return [utterance for utterance, _ in _read(path)]


def read_spoken(path: str | Path) -> tuple[list[Utterance], list[LeftOut]]:
    """Utterances of a manifest, and a record of those whose text normalizing empties; texts that are empty stay.

    Raises:
        ManifestError: as :func:`read_manifest`, or nothing is left of any text.
    """
    rows = list(_read(path))
    lost = tuple(utterance.id for utterance, is_lost in rows if is_lost)
    if len(lost) == len(rows):
        raise ManifestError(f"{path}: {NO_TEXT} in all {len(rows)} lines; the model knows English letters only.")
    spoken = [utterance for utterance, is_lost in rows if not is_lost]
    return spoken, [LeftOut(str(path), NO_TEXT, len(lost), len(rows), lost[:3])] if lost else []


def _read(path: str | Path) -> Iterator[tuple[Utterance, bool]]:
    """Each utterance, and True if it has a text of which normalizing leaves nothing."""
    for row, folder, location in read_rows(path):
        for key in ("audio", "text"):
            if not isinstance(row.get(key), str):
                raise ManifestError(f"{location}: needs {key!r}, a string.")
        duration = number(row, "duration", location)
        if duration is not None and duration <= 0:
            raise ManifestError(f"{location}: 'duration' must be a number of seconds above 0, not {duration!r}.")
        audio = audio_path(row, folder, location)
        name = row["audio"] if row.get("id") is None else str(row["id"])
        confidence, score = (number(row, key, location) for key in ("confidence", "score"))
        text = normalize_transcript(row["text"])
        utterance = Utterance(audio, text, duration, known_speaker(row), name, confidence, score)
        yield utterance, bool(row["text"].strip()) and not text


def read_rows(path: str | Path) -> Iterator[tuple[dict[str, Any], Path, str]]:
    """Objects of a manifest, each with the manifest's folder and its own position for messages.

    Raises:
        ManifestError: the file cannot be read, or a line is malformed; the message names both.
    """
    path = Path(path)
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - resolve() would follow links to another folder
    empty = True
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for count, line in enumerate(lines, start=1):
                if line.strip():
                    empty = False
                    location = f"{path}, line {count}"
                    yield _parse(line, location), folder, location
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}); give the path of a manifest.") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text; a manifest has a JSON object on every line.") from error
    if empty:
        raise ManifestError(f"{path}: contains no utterance; `audiosearch manifest` writes manifests.")


def audio_path(row: dict[str, Any], folder: Path, location: str) -> Path:
    """Absolute path of a row's recording.

    Raises:
        ManifestError: the row has no valid path.
    """
    audio = row.get("audio")
    if not isinstance(audio, str):
        raise ManifestError(f"{location}: needs 'audio', a string.")
    if not audio or "\0" in audio:
        raise ManifestError(f"{location}: 'audio' is not a path.")
    return Path(os.path.normpath(folder / audio))


def known_speaker(row: dict[str, Any]) -> str | None:
    """Speaker of a row; None if absent or ``?``."""
    speaker = row.get("speaker")
    return None if speaker is None or speaker in ("", "?") else str(speaker)


def number(row: dict[str, Any], key: str, location: str) -> float | None:
    """Finite number under a key of a row; None if absent.

    Raises:
        ManifestError: the value is not a finite number.
    """
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ManifestError(f"{location}: {key!r} must be a number, not {value!r}.")
    return float(value)


def _parse(line: str, location: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{location}: is not JSON ({error}).") from error
    if not isinstance(row, dict):
        raise ManifestError(f'{location}: must be an object such as {{"audio": "a.wav", "text": "what is said"}}.')
    return row


def write_manifest(path: str | Path, utterances: Iterable[Utterance]) -> int:
    """Write a manifest and return its number of lines; paths of audio below its folder are relative.

    The file is replaced atomically.
    """
    count = 0
    with manifest_writer(path) as write:
        for utterance in utterances:
            write(utterance)
            count += 1
    return count


@contextmanager
def manifest_writer(path: str | Path) -> Iterator[Callable[[Utterance], None]]:
    """Function that appends an utterance to a manifest; the file is replaced atomically at the end.

    Raises:
        ManifestError: the file cannot be written.
    """
    path = Path(path)
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100
    try:
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as lines:

            def write(utterance: Utterance) -> None:
                lines.write(_line(utterance, folder) + "\n")

            yield write
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written ({error.strerror}).") from error


def _line(utterance: Utterance, folder: Path) -> str:
    audio = utterance.audio.relative_to(folder) if utterance.audio.is_relative_to(folder) else utterance.audio
    row = {"audio": audio.as_posix(), "text": utterance.text, "duration": utterance.duration}
    row |= {"speaker": utterance.speaker, "id": utterance.id}
    row |= {"confidence": utterance.confidence, "score": utterance.score}
    return json_line({key: value for key, value in row.items() if value is not None})
