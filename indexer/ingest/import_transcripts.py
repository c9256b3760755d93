"""Importing transcripts of other programs, with or without their recordings.

With its recording, a transcript is stored like one of this program: it is identified by the content of the recording,
and ``index`` does not transcribe it again. Without, it is identified by its own content, and its location is a path
inside the transcript::

    /talks/monday.json/monday         the recording of a file with one
    /talks/week.ctm/tuesday           one of several

Such a recording can be searched, listed, exported and removed, but not played. ``index`` and ``--prune`` ignore it, as
its words cannot be recreated. Importing it again with its recording replaces it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audiosearch.alignment.scripts import read_script
from audiosearch.errors import AudioError, RefusedError, TranscriptError
from audiosearch.transcripts.imported import ImportedTranscript, note
from audiosearch.transcripts.readers import read_transcripts
from audiosearch.types import PackedEmissions, Seconds, Word
from indexer.index import Index
from indexer.ingest.crawl import content_id
from indexer.ingest.imported_sound import Listener, with_sound_of
from indexer.ingest.walk import Failed, is_recording, walk
from indexer.paths import absolute
from indexer.types import IMPORTED, NO_MEDIA, Location, Recording
from indexer.word_codec import stored

if TYPE_CHECKING:
    from audiosearch.aligner import Alignment

UNKNOWN_CONFIDENCE = 0.5
"""Confidence of words whose transcript has none."""

MIN_PLACED = 0.2
"""Share of the words of a text that must be found in its recording."""

MAX_SHOWN = 60
"""Letters of text in a sentence."""

MAX_OVERRUN: Seconds = 1.0
"""Maximum time by which words may end after their recording; a greater one means another recording."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A transcript was imported.

    Args:
        source: path of the transcript.
        words: number of words.
        was: new, a replacement of other words, or unchanged.
        aside: number of corrections by hand that fit no word of it.
    """

    recording: Recording
    source: str
    words: int
    was: Literal["new", "replaced", "unchanged"]
    aside: int = 0


def import_files(
    index: Index,
    files: Sequence[Path],
    *,
    media: Path | None = None,
    channel: str | None = None,
    confidence: float = UNKNOWN_CONFIDENCE,
    listener: Listener | None = None,
    fill: bool = False,
) -> Iterator[Imported | Mended | Failed]:
    """Import transcripts; unusable ones are reported and skipped.

    Args:
        media: the recording, or a folder of recordings with the names of the transcripts.
        channel: the channel of CTM files to import; None: all.
        confidence: of words whose transcript has none.
        listener: aligns texts without times of words with their media, and gives the emissions of media.
        fill: add recognized words where a text without times has none.
    """
    known = {recording.id: recording for recording in index.recordings()}
    folder = None if media is None else _MediaFolder(media)
    for file in files:
        is_timed = True
        try:
            str(file).encode()
            transcripts, is_timed = _read(file, channel, align=folder is not None and listener is not None)
        except UnicodeEncodeError:
            yield Failed(str(file), f"{str(file)!a}: the name is not valid Unicode; rename it.")
            continue
        except TranscriptError as error:
            yield Failed(str(file), str(error))
            continue
        if sentences := note(transcripts):
            yield Mended(str(file), sentences)
        for spoken in transcripts:
            source = _Source(absolute(file), spoken, alone=len(transcripts) == 1)
            try:
                emissions: tuple[PackedEmissions, ...] = ()
                if folder is None:
                    recording, words = source.without_media(), source.words(confidence)
                else:
                    media_path = folder.find(source)
                    recording = source.with_media(media_path, known)
                    if listener is None or is_timed:
                        words = source.words(confidence)
                    else:
                        alignment = _align(listener, source, media_path, fill=fill)
                        words, emissions = alignment.transcript.words, alignment.transcript.emissions
                        if alignment.placed < alignment.total:
                            yield Mended(source.path, _unsaid(source, alignment))
                    if listener is not None and not emissions and not _has_sound(index, known, recording):
                        emissions = listener.listen(Path(media_path))
                    if listener is not None and emissions:
                        recording = with_sound_of(index, listener, recording)
                yield _store(index, known, source, recording, words, emissions)
            except (TranscriptError, AudioError, RefusedError) as error:
                yield Failed(str(file), str(error))
            except OSError as error:
                yield Failed(str(file), f"{error.filename or file}: cannot be read ({error.strerror}).")


def _read(file: Path, channel: str | None, *, align: bool) -> tuple[list[ImportedTranscript], bool]:
    """The transcripts of a file, and False if it is a text that is to be aligned, since it has no times of words."""
    try:
        return read_transcripts(file, channel), True
    except TranscriptError as error:
        if channel is not None:
            raise
        try:
            script = read_script(file)
        except TranscriptError:
            raise error from None
        if not align:
            raise TranscriptError(
                f"{file}: has no times of words; give its recording with --media, and the words are aligned with it."
            ) from error
        return [script], False


def _align(listener: Listener, source: _Source, media: str, *, fill: bool) -> Alignment:
    """The recording of a text with its words; TranscriptError if it seems to be another recording."""
    alignment = listener.align(Path(media), source.spoken, fill=fill)
    if alignment.placed < MIN_PLACED * alignment.total or not alignment.placed:
        raise TranscriptError(
            f"{source.path}: of its {alignment.total:,} words, {alignment.placed:,} were found in {media}; "
            "is it another recording?"
        )
    return alignment


def _unsaid(source: _Source, alignment: Alignment) -> str:
    first = alignment.unsaid[0]
    return (
        f"{first.location}: {first.text[:MAX_SHOWN]!a} was not found in the recording; "
        f"{alignment.total - alignment.placed:,} of the {alignment.total:,} words of the text were not."
    )


def _has_sound(index: Index, known: Mapping[str, Recording], recording: Recording) -> bool:
    return recording.id in known and bool(index.emissions(recording.id))


@dataclass(frozen=True, slots=True)
class Mended:
    """Words of a transcript had times or confidences out of range, which were mended; ``sentence`` counts them."""

    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A recording in a transcript file; ``alone`` if the file has no other."""

    path: str
    spoken: ImportedTranscript
    alone: bool

    @property
    def name(self) -> str:
        """Name of the recording in the transcript, or else the name of the file."""
        return self.spoken.name.encode(errors="replace").decode() or Path(self.path).stem

    @property
    def location(self) -> str:
        """Location of a recording without media."""
        inside = "".join(letter if letter.isprintable() and letter != "/" else "_" for letter in self.name)
        return f"{self.path}/{inside}"

    def words(self, confidence: float) -> tuple[Word, ...]:
        """Its words; TranscriptError if none of them can be written."""
        words = self.spoken.words(confidence)
        if self.spoken.tokens and not words:
            raise TranscriptError(
                f"{self.path}: none of its {len(self.spoken.tokens)} words can be written in English letters; "
                "it is not imported, and `audiosearch index` transcribes its recording."
            )
        return words

    @property
    def duration(self) -> Seconds:
        """Duration according to the transcript, or the end of the last word."""
        last = max((token.end or 0.0 for token in self.spoken.tokens), default=0.0)
        return max(self.spoken.duration or 0.0, last)

    def without_media(self) -> Recording:
        """The recording without media."""
        content = Path(self.path).read_bytes() + (b"" if self.alone else b"\0" + self.name.encode())
        status = Path(self.path).stat()
        location = Location(self.location, status.st_size, status.st_mtime_ns)
        identity = hashlib.blake2b(content, digest_size=16).hexdigest()
        return Recording(identity, (location,), self.duration, NO_MEDIA + self.spoken.kind, _now())

    def with_media(self, media: str, known: Mapping[str, Recording]) -> Recording:
        """The recording with its media, at all locations in the index."""
        from audiosearch.audio.reader import probe

        identity, location = content_id(media)
        duration = probe(Path(media)).duration
        last = max((token.end or 0.0 for token in self.spoken.tokens), default=0.0)
        if last > duration + MAX_OVERRUN:
            raise TranscriptError(
                f"{self.path}: its words end at {last:.1f} s, but {media} ends at {duration:.1f} s; "
                "is it another recording?"
            )
        indexed = known[identity].locations if identity in known else ()
        by_path = {copy.path: copy for copy in (*indexed, location)}
        locations = tuple(copy for _, copy in sorted(by_path.items()))
        return Recording(identity, locations, max(duration, last), IMPORTED + self.spoken.kind, _now())


def _store(
    index: Index,
    known: dict[str, Recording],
    source: _Source,
    recording: Recording,
    words: tuple[Word, ...],
    emissions: tuple[PackedEmissions, ...],
) -> Imported:
    """Store a recording, and remove the one it replaces; without new emissions the stored ones are kept."""
    before = known.get(recording.id)
    if before is not None and not emissions:
        emissions = index.emissions(recording.id)
        if emissions:
            recording = _with_profile_of(index, before, recording)
    was: Literal["new", "replaced", "unchanged"] = "new"
    if before is not None:
        same_words = before.model == recording.model and index.corrected_words(before.id).recognized == stored(words)
        was = "unchanged" if same_words else "replaced"
        if same_words and before.locations == recording.locations:
            return Imported(before, source.path, len(words), was)
    index.add(recording, words, emissions)
    aside = 0
    if before is not None and before.corrected is not None:
        aside = len(index.corrected_words(recording.id).aside)
    known[recording.id] = recording
    for imported in [entry for entry in known.values() if entry.id != recording.id and not entry.has_media]:
        if imported.path == source.location or (recording.has_media and imported.id == source.without_media().id):
            index.remove(imported.id)
            del known[imported.id]
            was = "replaced"
    return Imported(recording, source.path, len(words), was, aside)


def _with_profile_of(index: Index, before: Recording, recording: Recording) -> Recording:
    """The recording with the model of its emissions after a plus, under which they can be searched."""
    recognizer = before.model.rpartition("+")[2]
    renamed = replace(recording, model=f"{recording.model}+{recognizer}")
    profiles = index.acoustic_profiles()
    if before.model in profiles and renamed.model not in profiles:
        index.keep_acoustic_profile(renamed.model, profiles[before.model])
    return renamed


class _MediaFolder:
    """The recordings of --media: one file, or those of a folder by name."""

    def __init__(self, media: Path) -> None:
        self._root = absolute(media)
        self._is_file = media.is_file()
        self._files: dict[str, list[str]] = {}
        for file in () if self._is_file else walk([self._root]):
            if isinstance(file, Failed):
                raise AudioError(file.sentence)
            for key in {_key(Path(file.path).name), _key(Path(file.path).stem)}:
                self._files.setdefault(key, []).append(file.path)

    def find(self, source: _Source) -> str:
        """The recording of a transcript.

        Raises:
            TranscriptError: no recording, or several, have its name.
        """
        if self._is_file:
            if not source.alone:
                raise TranscriptError(
                    f"{source.path}: holds several recordings; give --media the folder of their files."
                )
            return self._root
        names = dict.fromkeys([source.name, Path(source.name).stem, Path(Path(source.name).stem).stem])
        for name in names:
            matches = [path for path in self._files.get(_key(name), ()) if is_recording(Path(path))]
            if len(matches) > 1:
                raise TranscriptError(
                    f"{source.path}: {' and '.join(matches)} have the name {name}; give one as --media."
                )
            if matches:
                return matches[0]
        raise TranscriptError(f"{source.path}: no recording in {self._root} has the name {source.name}.")


def _key(name: str) -> str:
    """A name with composed letters, without case, and with _ for spaces, which CTM does not allow."""
    return unicodedata.normalize("NFC", re.sub(r"\s+", "_", name).casefold())


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
