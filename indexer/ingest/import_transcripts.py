"""Transcripts that others made → the index, with their recordings or without.

With its recording a transcript is stored as if it had been made by us: known by the content of the recording, so that
``index`` finds it done. Without, it is known by its own content, and its location is a place inside the transcript::

    /talks/monday.json/monday         the recording of a file that holds one
    /talks/week.ctm/tuesday           one of several

Such a recording can be searched, listed, exported and removed, but not heard. ``index`` and ``--prune`` leave it alone:
its words cannot be made again. It makes room when it is imported again with its recording.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from audiosearch.errors import AudioError, RefusedError, TranscriptError
from audiosearch.transcripts.imported import ImportedTranscript
from audiosearch.transcripts.readers import read_transcripts
from audiosearch.types import Seconds, Word
from indexer.index import Index
from indexer.ingest.crawl import content_id
from indexer.ingest.media_type import is_recording
from indexer.ingest.walk import Failed, walk
from indexer.paths import absolute
from indexer.types import IMPORTED, UNHEARD, Location, Recording
from indexer.word_codec import stored

UNKNOWN_CONFIDENCE = 0.5
"""Of words of which the transcript does not tell it."""

LATEST: Seconds = 1.0
"""Words may end so long after their recording; later ones are of another."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A recording can be found by the words of a transcript.

    Args:
        source: the transcript.
        words: their number.
        was: whether it is new, took the place of other words, or is as it was.
    """

    recording: Recording
    source: str
    words: int
    was: Literal["new", "replaced", "unchanged"]


def import_files(
    index: Index,
    files: Sequence[Path],
    *,
    media: Path | None = None,
    channel: str | None = None,
    confidence: float = UNKNOWN_CONFIDENCE,
) -> Iterator[Imported | Failed]:
    """Add what is said in transcripts; one that cannot be used is told of, and the others go on.

    Args:
        media: the recording, or a folder with recordings that are called as the transcripts are.
        channel: the only one to take, of CTM files.
        confidence: of words of which a transcript does not tell it.
    """
    known = {recording.id: recording for recording in index.recordings()}
    shelf = None if media is None else _Shelf(media)
    for file in files:
        try:
            str(file).encode()
            several = read_transcripts(file, channel)
        except UnicodeEncodeError:
            yield Failed(str(file), f"{str(file)!a}: the name is not valid Unicode; rename it.")
            continue
        except TranscriptError as error:
            yield Failed(str(file), str(error))
            continue
        for spoken in several:
            source = _Source(absolute(file), spoken, alone=len(several) == 1)
            try:
                recording = source.recording() if shelf is None else source.heard(shelf.find(source), known)
                yield _store(index, known, source, recording, spoken.words(confidence))
            except (TranscriptError, AudioError, RefusedError) as error:
                yield Failed(str(file), str(error))
            except OSError as error:
                yield Failed(str(file), f"{error.filename or file}: cannot be read ({error.strerror}).")


@dataclass(frozen=True, slots=True)
class _Source:
    """One recording of a transcript; ``alone``: the only one."""

    path: str
    spoken: ImportedTranscript
    alone: bool

    @property
    def name(self) -> str:
        """What the recording is called: by the transcript, or as the transcript is."""
        return self.spoken.name.encode(errors="replace").decode() or Path(self.path).stem

    @property
    def place(self) -> str:
        """Its location when there is no other."""
        inside = "".join(letter if letter.isprintable() and letter != "/" else "_" for letter in self.name)
        return f"{self.path}/{inside}"

    @property
    def duration(self) -> Seconds:
        """As the transcript tells it, or else the end of the last word."""
        last = max((token.end or 0.0 for token in self.spoken.tokens), default=0.0)
        return max(self.spoken.duration or 0.0, last)

    def recording(self) -> Recording:
        """Without media."""
        content = Path(self.path).read_bytes() + (b"" if self.alone else b"\0" + self.name.encode())
        status = Path(self.path).stat()
        location = Location(self.place, status.st_size, status.st_mtime_ns)
        identity = hashlib.blake2b(content, digest_size=16).hexdigest()
        return Recording(identity, (location,), self.duration, UNHEARD + self.spoken.kind, _now())

    def heard(self, media: str, known: Mapping[str, Recording]) -> Recording:
        """With its media, at all the places at which the index knows it."""
        from audiosearch.audio.reader import probe

        identity, location = content_id(media)
        duration = probe(Path(media)).duration
        last = max((token.end or 0.0 for token in self.spoken.tokens), default=0.0)
        if last > duration + LATEST:
            raise TranscriptError(
                f"{self.path}: its words go on until {last:.1f} s, but {media} ends at {duration:.1f} s; "
                "is it another recording?"
            )
        others = known[identity].locations if identity in known else ()
        places = {place.path: place for place in (*others, location)}
        locations = tuple(place for _, place in sorted(places.items()))
        return Recording(identity, locations, max(duration, last), IMPORTED + self.spoken.kind, _now())


def _store(
    index: Index, known: dict[str, Recording], source: _Source, recording: Recording, words: tuple[Word, ...]
) -> Imported:
    """Keep a recording, and forget what it takes the place of."""
    before = known.get(recording.id)
    kept = index.emissions(recording.id) if before is not None else ()
    if before is not None and kept:
        recording = _sounding_as(index, before, recording)
    was: Literal["new", "replaced", "unchanged"] = "new"
    if before is not None:
        same_words = before.model == recording.model and index.words(before.id) == stored(words)
        was = "unchanged" if same_words else "replaced"
        if same_words and before.locations == recording.locations:
            return Imported(before, source.path, len(words), was)
    index.add(recording, words, kept)
    known[recording.id] = recording
    for other in [one for one in known.values() if one.id != recording.id and not one.has_media]:
        if other.path == source.place or (recording.has_media and other.id == source.recording().id):
            index.remove(other.id)
            del known[other.id]
            was = "replaced"
    return Imported(recording, source.path, len(words), was)


def _sounding_as(index: Index, before: Recording, recording: Recording) -> Recording:
    """The recording with a model that says, after a plus, whose its emissions are, so that they can be searched."""
    heard_by = before.model.rpartition("+")[2]
    renamed = replace(recording, model=f"{recording.model}+{heard_by}")
    known = index.soundings()
    if before.model in known and renamed.model not in known:
        index.keep_sounding(renamed.model, known[before.model])
    return renamed


class _Shelf:
    """Recordings to choose from: one file, or those of a folder by name."""

    def __init__(self, media: Path) -> None:
        self._root = absolute(media)
        self._is_file = media.is_file()
        self._files: dict[str, list[str]] = {}
        for found in () if self._is_file else walk([self._root]):
            if isinstance(found, Failed):
                raise AudioError(found.sentence)
            for key in {_key(Path(found.path).name), _key(Path(found.path).stem)}:
                self._files.setdefault(key, []).append(found.path)

    def find(self, source: _Source) -> str:
        """The recording of a transcript.

        Raises:
            TranscriptError: there is none, or several are called so.
        """
        if self._is_file:
            if not source.alone:
                raise TranscriptError(
                    f"{source.path}: holds several recordings; give --media the folder of their files."
                )
            return self._root
        names = dict.fromkeys([source.name, Path(source.name).stem, Path(Path(source.name).stem).stem])
        for name in names:
            fitting = [path for path in self._files.get(_key(name), ()) if is_recording(Path(path))]
            if len(fitting) > 1:
                raise TranscriptError(
                    f"{source.path}: {' and '.join(fitting)} are both called {name}; give one as --media."
                )
            if fitting:
                return fitting[0]
        raise TranscriptError(f"{source.path}: there is no recording called {source.name} in {self._root}.")


def _key(name: str) -> str:
    """The same for names that differ in case, or in spaces, which CTM cannot hold."""
    return re.sub(r"\s+", "_", name).casefold()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
