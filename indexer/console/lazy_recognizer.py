"""The recognizer as the commands use it: the one place where the index and the network meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.errors import AudioError

if TYPE_CHECKING:
    from audiosearch.recognizer import Recognizer
    from audiosearch.spotting.scoring import AcousticProfile
    from audiosearch.types import Seconds, Transcript


class LazyRecognizer:
    """A recognizer that is loaded when something is asked of it.

    Args:
        model: the one that is installed unless given.
        hotwords: words and phrases to be preferred.
        sound: whether transcripts keep their emissions.
        greedy: without language model.
    """

    def __init__(
        self, model: Path | None, *, hotwords: Sequence[str] = (), sound: bool = True, greedy: bool = False
    ) -> None:
        self._model = model
        self._hotwords = hotwords
        self._greedy = greedy
        self._sound = sound

    def __enter__(self) -> LazyRecognizer:
        return self

    def __exit__(self, *about: object) -> None:
        if "loaded" in vars(self):
            self.loaded.close()

    @cached_property
    def loaded(self) -> Recognizer:
        """The recognizer, from the first time it is asked for."""
        from audiosearch.recognizer import Recognizer

        return Recognizer.load(self._model, hotwords=self._hotwords, keep_emissions=self._sound, greedy=self._greedy)

    @property
    def fingerprint(self) -> str:
        """What tells its transcripts from those of another."""
        return self.loaded.fingerprint

    @property
    def sounding(self) -> AcousticProfile:
        """Alphabet and calibration of its emissions, for the search by sound."""
        return self.loaded.sounding

    @property
    def position(self) -> Seconds:
        """How far the recording that is being heard has become words."""
        return self.loaded.position if "loaded" in vars(self) else 0.0

    def transcribe(self, path: Path) -> Transcript:
        """The words of a recording."""
        return self.loaded.transcribe(path)

    def transcribe_all(self, paths: Iterable[Path]) -> Iterator[Transcript | AudioError]:
        """The words of each recording; the windows of several share batches."""
        return self.loaded.transcribe_all(paths)
