"""Records that tuning and calibration yield while they run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiosearch.data.manifest import Utterance
from audiosearch.errors import AudioError, ManifestError


@dataclass(frozen=True, slots=True)
class Progress:
    """Utterances processed in a stage, such as ``"Decoding"``."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """An utterance that is left out because its audio cannot be read or its text does not fit."""

    utterance: Utterance
    error: AudioError | ManifestError


@dataclass(frozen=True, slots=True)
class Stored:
    """The file beside the model that has been written."""

    path: Path
