"""Search by sound for recordings whose words are imported: emissions of our network beside words by others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from audiosearch.errors import AudioError, RefusedError
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.transcripts.imported import ImportedTranscript
from audiosearch.types import PackedEmissions
from indexer.index import Index
from indexer.ingest.crawl import crawl, same_file
from indexer.ingest.ingest import CrawlSummary, Indexed, Record, Started
from indexer.ingest.walk import Failed
from indexer.types import IMPORTED, Location, Recording

if TYPE_CHECKING:
    from audiosearch.aligner import Alignment


class Listener(Protocol):
    """A recognizer that gives the emissions of recordings, and aligns recordings with texts."""

    @property
    def fingerprint(self) -> str:
        """Identifier of the model and its settings."""
        ...

    @property
    def acoustic_profile(self) -> AcousticProfile:
        """Alphabet and calibration of the emissions."""
        ...

    def listen(self, path: Path) -> tuple[PackedEmissions, ...]:
        """Emissions of a recording, or none if they are not to be kept; AudioError if it cannot be read."""
        ...

    def align(self, path: Path, script: ImportedTranscript, *, fill: bool) -> Alignment:
        """A recording with the words of its text; AudioError if it cannot be read."""
        ...


def with_sound_of(index: Index, listener: Listener, recording: Recording) -> Recording:
    """The recording with imported words as one whose emissions are those of the listener.

    Its model then names the listener after a plus, under which the acoustic profile is stored.
    """
    model = f"{recording.model.partition('+')[0]}+{listener.fingerprint}"
    index.keep_acoustic_profile(model, listener.acoustic_profile)
    return replace(recording, model=model)


def add_sound(
    index: Index,
    listener: Listener,
    paths: Sequence[str | Path],
    *,
    again: bool = False,
    is_unstable: Callable[[Location], bool] = lambda location: False,
    exclude: Sequence[str] = (),
) -> Iterator[Record]:
    """Add emissions to the recordings under ``paths`` that have imported words.

    Args:
        again: replace the emissions of another model.
        is_unstable: predicate of new or changed files to skip for now.
        exclude: globs of files and folders to leave out.
    """
    crawled = yield from crawl(paths, index.recordings(), is_unstable, exclude)
    work = []
    for recording in crawled.seen:
        words_by, _, sound_by = recording.model.partition("+")
        if words_by.startswith(IMPORTED) and (not sound_by or (again and sound_by != listener.fingerprint)):
            work.append(recording)
    yield CrawlSummary(
        new=len(work),
        seconds=sum(recording.duration for recording in work),
        again=0,
        unchanged=len(crawled.seen) - len(work),
        outdated=0,
        missing=0,
        files=crawled.files,
    )
    for recording in sorted(work, key=lambda recording: recording.path):
        location = next(filter(same_file, recording.locations), recording.locations[0])
        yield Started(location.path, recording.duration)
        try:
            emissions = listener.listen(Path(location.path))
            words = index.corrected_words(recording.id).recognized
            listened = with_sound_of(index, listener, recording)
            index.add(listened, words, emissions)
        except (AudioError, RefusedError) as error:
            yield Failed(location.path, str(error))
            continue
        yield Indexed(listened, len(words))
