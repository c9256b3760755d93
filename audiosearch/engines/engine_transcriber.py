"""Recordings with the words of an engine, and times and emissions by our network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from audiosearch.aligner import align_recording
from audiosearch.engines.engine import Engine
from audiosearch.errors import AudioError
from audiosearch.recognizer import Recognizer
from audiosearch.spotting.scoring import AcousticProfile
from audiosearch.types import Transcript


class EngineTranscriber:
    """Transcribes by an engine, aligns its words, and keeps the emissions if the recognizer does.

    Args:
        engine: of the words.
        recognizer: of times and emissions; stays open.
    """

    def __init__(self, engine: Engine, recognizer: Recognizer) -> None:
        self._engine = engine
        self._recognizer = recognizer

    @property
    def fingerprint(self) -> str:
        """That of the engine, a plus, and that of the recognizer."""
        return f"{self._engine.fingerprint}+{self._recognizer.fingerprint}"

    @property
    def acoustic_profile(self) -> AcousticProfile:
        """Alphabet and calibration of the emissions."""
        return self._recognizer.acoustic_profile

    def transcribe_all(self, paths: Iterable[str | Path]) -> Iterator[Transcript | AudioError]:
        """The transcript of each recording, or the reason why it cannot be read."""
        for path in paths:
            try:
                yield self.transcribe(Path(path))
            except AudioError as error:
                yield error

    def transcribe(self, path: Path) -> Transcript:
        """The words of the engine with the times of our alignment, or with its own where a word has no place.

        Raises:
            AudioError: the recording cannot be read.
        """
        script = self._engine.transcribe(path)
        return align_recording(self._recognizer, path, script, keep_times=True).transcript
