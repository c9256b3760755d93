"""Transcripts of an index as files, in the formats of ``audiosearch.transcripts``: in one document or a file each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from audiosearch.errors import OutputError
from audiosearch.files import atomic_write
from audiosearch.transcripts.writers import CSV_HEADER, JOINABLE, SUFFIXES, ctm_lines, render
from audiosearch.types import Transcript
from indexer.index import Index
from indexer.paths import absolute, under
from indexer.types import Recording

SHORT_ID = 12
"""Letters of an id that tell recordings of one name apart."""


def in_places(recordings: Sequence[Recording], path: str) -> list[Recording]:
    """The recordings of which a location is that file, or in that folder."""
    root = absolute(path)
    return [one for one in recordings if any(under(location.path, [root]) for location in one.locations)]


def transcripts(index: Index, recordings: Sequence[Recording]) -> Iterator[Transcript]:
    """The words of each recording that has its media, at the first of its places that is there."""
    for recording in recordings:
        if recording.has_media:
            places = [location.path for location in recording.locations]
            path = next((place for place in places if Path(place).exists()), recording.path)
            yield Transcript(path, recording.duration, index.words(recording.id))


def document(index: Index, recordings: Sequence[Recording], form: str) -> Iterator[str]:
    """Pieces of one document that holds all the recordings.

    Raises:
        OutputError: the format holds one, and these are several.
    """
    if len(recordings) != 1 and form not in JOINABLE:
        raise OutputError(f"A document of {form} holds one recording, not {len(recordings)}: give --output FOLDER.")
    names = names_of(recordings)
    for number, recording in enumerate(recordings):
        text = _rendered(index, recording, form, names[recording.id])
        yield text.removeprefix(CSV_HEADER) if number and form == "csv" else text


def write_files(
    index: Index, recordings: Sequence[Recording], form: str, folder: Path, *, force: bool
) -> Iterator[Path]:
    """A file for each recording in ``folder``, which is made; yields them as they are written.

    Raises:
        OutputError: a file is there already and not ``force``, and nothing is written; or it cannot be written.
    """
    names = names_of(recordings)
    targets = {recording.id: folder / f"{names[recording.id]}{SUFFIXES[form]}" for recording in recordings}
    for target in targets.values():
        check_free(target, force=force)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be a folder ({error.strerror}).") from error
    for recording in recordings:
        target = targets[recording.id]
        write_text(target, [_rendered(index, recording, form, names[recording.id])])
        yield target


def check_free(path: Path, *, force: bool) -> None:
    """OutputError where a file would be lost."""
    if path.is_symlink() or (path.exists() and not (force and path.is_file())):
        raise OutputError(f"{path}: is there already; --force replaces files, or name another.")


def write_text(path: Path, pieces: Iterator[str] | Sequence[str]) -> None:
    """The whole text or none, in UTF-8."""
    try:
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from error


def names_of(recordings: Sequence[Recording]) -> dict[str, str]:
    """A name for each id: that of the file without suffix, and where several are called so, also the id."""
    stems = {recording.id: Path(recording.path).stem for recording in recordings}
    counts = Counter(stem.casefold() for stem in stems.values())
    return {
        identity: stem if counts[stem.casefold()] == 1 else f"{stem}-{identity[:SHORT_ID]}"
        for identity, stem in stems.items()
    }


def _rendered(index: Index, recording: Recording, form: str, name: str) -> str:
    transcript = Transcript(recording.path, recording.duration, index.words(recording.id))
    if form == "ctm":
        return "".join(ctm_lines(transcript, name))
    about = {"id": recording.id, "model": recording.model, "added": recording.added}
    return render(transcript, form, about)
