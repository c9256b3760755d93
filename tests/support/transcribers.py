"""Base of fake transcribers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from audiosearch.alphabet import Alphabet
from audiosearch.errors import AudioError
from audiosearch.spotting.scoring import AcousticProfile, SpottingCalibration
from audiosearch.types import Transcript


class FakeTranscriber:
    """A transcriber of one recording at a time, without emissions."""

    fingerprint = "fake"
    acoustic_profile = AcousticProfile(Alphabet(), SpottingCalibration())

    def transcribe(self, path: Path) -> Transcript:
        """The transcript of a recording; AudioError if it cannot be read."""
        raise NotImplementedError

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        """The transcript of each recording, or the reason why there is none."""
        for path in paths:
            try:
                yield self.transcribe(path)
            except AudioError as error:
                yield error
