"""Transcripts of an index as one document or one file each, in the formats of ``audiosearch.transcripts``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiosearch.errors import InUseError, OutputError, UnknownRecordingError
from audiosearch.files import atomic_write, lock_folder
from audiosearch.transcripts.writers import CSV_HEADER, JOINABLE, SUFFIXES, ctm_lines, render
from audiosearch.types import Transcript
from indexer.correction_codec import correction_records
from indexer.index import Index
from indexer.matching.filters import locations_under
from indexer.types import Recording

SHORT_ID = 12
"""Characters of the id that is added to equal and to shortened file names."""

MAX_NAME_BYTES = 255
"""Bytes of a file name on almost all file systems."""


def recordings_under(recordings: Sequence[Recording], path: str) -> list[Recording]:
    """Recordings with a location that is this file or in this folder."""
    found = locations_under(recordings, path)
    return [recording for recording in recordings if recording.id in found]


def stored_transcripts(index: Index, recordings: Sequence[Recording]) -> Iterator[Transcript]:
    """Yield the transcript of each recording that has media, with the first existing path."""
    for recording in recordings:
        if recording.has_media:
            paths = [location.path for location in recording.locations]
            path = next((path for path in paths if Path(path).exists()), recording.path)
            yield Transcript(path, recording.duration, index.words(recording.id))


def render_document(index: Index, recordings: Sequence[Recording], form: str) -> Iterator[str]:
    """Yield the pieces of one document with the transcripts of all recordings.

    Raises:
        OutputError: there are several recordings, and the format is for one.
    """
    if len(recordings) != 1 and form not in JOINABLE:
        raise OutputError(f"A document of {form} contains one recording, not {len(recordings)}: give --output FOLDER.")
    names = file_names(recordings)
    for number, recording in enumerate(recordings):
        text = _render(index, recording, form, names[recording.id])
        yield text.removeprefix(CSV_HEADER) if number and form == "csv" else text


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A transcript that could not be written; ``sentence`` names the file, or the recording, and the reason."""

    recording: Recording
    sentence: str


def write_files(
    index: Index, recordings: Sequence[Recording], form: str, folder: Path, *, force: bool
) -> Iterator[Path | Unwritten]:
    """Write a file for each recording into ``folder``, created if needed, and yield its path.

    Raises:
        OutputError: a file exists and ``force`` is False, and nothing is written; or the folder cannot be created.
        InUseError: another process writes to the folder.
        StoreError: the index fails.
    """
    names = file_names(recordings, MAX_NAME_BYTES - len(SUFFIXES[form].encode()))
    targets = {recording.id: folder / f"{names[recording.id]}{SUFFIXES[form]}" for recording in recordings}
    for target in targets.values():
        check_target(target, force=force)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created as a folder ({error.strerror}).") from error
    with lock_folder(folder):
        for recording in recordings:
            target = targets[recording.id]
            try:
                write_text(target, [_render(index, recording, form, names[recording.id])])
            except (OutputError, InUseError) as error:
                yield Unwritten(recording, str(error))
            except UnknownRecordingError:
                yield Unwritten(recording, f"{recording.path}: was removed from the index meanwhile.")
            else:
                yield target


def check_target(path: Path, *, force: bool) -> None:
    """Raise OutputError if writing would replace a file without ``force``, or anything but a file."""
    try:
        is_taken = path.is_symlink() or (path.exists() and not (force and path.is_file()))
    except OSError:
        return  # the name is too long, or its folder is not readable, as writing tells
    if is_taken:
        raise OutputError(f"{path}: exists; replace files with --force, or name another.")


def write_text(path: Path, pieces: Iterator[str] | Sequence[str]) -> None:
    """Write a text in UTF-8, atomically; names with other bytes keep these."""
    try:
        with (
            atomic_write(path) as temporary,
            temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file,
        ):
            file.writelines(pieces)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from error


def file_names(recordings: Sequence[Recording], max_bytes: int = MAX_NAME_BYTES) -> dict[str, str]:
    """File name without suffix by id: the stem of the recording.

    Part of the id is added where stems are equal, and where they are shortened to ``max_bytes``.
    """
    stems = {recording.id: Path(recording.path).stem for recording in recordings}
    counts = Counter(stem.casefold() for stem in stems.values())
    names = {}
    for identity, stem in stems.items():
        encoded = os.fsencode(stem)
        if counts[stem.casefold()] > 1 or len(encoded) > max_bytes:
            suffix = f"-{identity[:SHORT_ID]}"
            stem = _start(encoded, max_bytes - len(suffix)) + suffix
        names[identity] = stem
    return names


def _start(encoded: bytes, max_bytes: int) -> str:
    """Start of a file name, without a part of a character at its end."""
    if len(encoded) <= max_bytes:
        return os.fsdecode(encoded)
    while max_bytes and encoded[max_bytes] & 0xC0 == 0x80:  # within a character of UTF-8
        max_bytes -= 1
    return os.fsdecode(encoded[:max_bytes])


def _render(index: Index, recording: Recording, form: str, name: str) -> str:
    transcript = Transcript(recording.path, recording.duration, index.words(recording.id))
    if form == "ctm":
        return "".join(ctm_lines(transcript, name))
    metadata: dict[str, object] = {"id": recording.id, "model": recording.model, "added": recording.added}
    if form != "json" or recording.corrected is None:
        return render(transcript, form, metadata)
    corrected = index.corrected_words(recording.id)
    metadata["corrections"] = correction_records(corrected)
    marked = [place for place, entry in enumerate(corrected.entries) if entry.correction is not None]
    return render(replace(transcript, words=corrected.words), form, metadata, marked)
