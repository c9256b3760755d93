"""The recognizer of the commands: the one module that joins the index and the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import AudioError
from audiosearch.types import ALL_SOUND, SoundSelection

if TYPE_CHECKING:
    from audiosearch.aligner import Alignment
    from audiosearch.engines.engine import Engine
    from audiosearch.engines.engine_transcriber import EngineTranscriber
    from audiosearch.recognizer import Recognizer
    from audiosearch.spotting.scoring import AcousticProfile
    from audiosearch.transcripts.imported import ImportedTranscript
    from audiosearch.types import PackedEmissions, Seconds, Transcript


class LazyRecognizer:
    """A transcriber whose recognizer is loaded on first use.

    Args:
        model: path of the model; None: the installed one.
        hotwords: preferred words and phrases.
        sound: True if transcripts keep their emissions.
        greedy: True to decode without language model.
        selection: sound of the files that is recognized.
        engine: of the words; None: the recognizer itself.
    """

    def __init__(
        self,
        model: Path | None,
        *,
        hotwords: Sequence[str] = (),
        sound: bool = True,
        greedy: bool = False,
        selection: SoundSelection = ALL_SOUND,
        engine: Engine | None = None,
    ) -> None:
        self._model = model
        self._hotwords = hotwords
        self._greedy = greedy
        self._sound = sound
        self._selection = selection
        self._engine = engine
        self.is_loading = False
        self.check: Callable[[], None] = lambda: None  # called after each segment; may raise to stop

    def __enter__(self) -> LazyRecognizer:
        return self

    def __exit__(self, *exception: object) -> None:
        if "loaded" in vars(self):
            self.loaded.close()

    @cached_property
    def loaded(self) -> Recognizer:
        """The recognizer, loaded at the first access."""
        self.is_loading = True  # importing torch takes most of it
        try:
            from audiosearch.recognizer import Recognizer

            recognizer = Recognizer.load(
                self._model,
                hotwords=self._hotwords,
                keep_emissions=self._sound,
                greedy=self._greedy,
                selection=self._selection,
            )
            recognizer.check = lambda: self.check()
            return recognizer
        finally:
            self.is_loading = False

    @cached_property
    def _transcriber(self) -> Recognizer | EngineTranscriber:
        if self._engine is None:
            return self.loaded
        from audiosearch.engines.engine_transcriber import EngineTranscriber

        return EngineTranscriber(self._engine, self.loaded)

    @property
    def fingerprint(self) -> str:
        """Identifier of the engine, if there is one, and of the model and its settings."""
        return self._transcriber.fingerprint

    @property
    def acoustic_profile(self) -> AcousticProfile:
        """Alphabet and calibration of the emissions."""
        return self.loaded.acoustic_profile

    @property
    def position(self) -> Seconds:
        """Time up to which the current recording is transcribed."""
        return self.loaded.position if "loaded" in vars(self) else 0.0

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        """The transcript of each recording; windows of several recordings share batches."""
        return self._transcriber.transcribe_all(paths)

    def listen(self, path: Path) -> tuple[PackedEmissions, ...]:
        """Emissions of a recording, or none if they are not to be kept; AudioError if it cannot be read."""
        return self.loaded.packed_emissions(path) if self._sound else ()

    def align(self, path: Path, script: ImportedTranscript, *, fill: bool) -> Alignment:
        """A recording with the words of its text; AudioError if it cannot be read."""
        from audiosearch.aligner import align_recording

        return align_recording(self.loaded, path, script, fill=fill)
