"""Errors that a user can cause; each message names the file or value and what to do.

AudioSearchError
├── AudioError        a recording cannot be read
├── ManifestError     a manifest or data set is malformed
├── ConfigError       a setting is unknown or out of range
├── ModelError        a model or checkpoint is missing, corrupt or of another kind
├── LanguageModelError  a language model cannot be built or read
├── TrainingError     training cannot go on
├── TranscriptError   a transcript that others made cannot be read
├── OutputError       a file cannot be written, or would take the place of another
├── WatchError        a folder cannot be watched
├── InstallationError a package that is needed is missing or does not load
├── QueryError        what was typed cannot be searched
└── StoreError        the index cannot be opened, read or written
    ├── StoreVersionError   it was written by a newer version
    ├── RefusedError        it does not take this one recording
    └── UnknownRecordingError   it does not hold this recording, or no longer
"""

from __future__ import annotations


class AudioSearchError(Exception):
    """Base of all errors that are shown as one sentence, exit status 1."""


class AudioError(AudioSearchError):
    """A recording cannot be read."""


class ManifestError(AudioSearchError):
    """A manifest or data set is malformed."""


class ConfigError(AudioSearchError):
    """A setting is unknown or out of range."""


class ModelError(AudioSearchError):
    """A model or checkpoint is missing, corrupt or of another kind."""


class LanguageModelError(AudioSearchError):
    """A language model cannot be built or read."""


class TrainingError(AudioSearchError):
    """Training cannot go on."""


class TranscriptError(AudioSearchError):
    """A transcript that others made cannot be read."""


class OutputError(AudioSearchError):
    """A file cannot be written, or would take the place of another."""


class WatchError(AudioSearchError):
    """A folder cannot be watched."""


class InstallationError(AudioSearchError):
    """A package that is needed is missing or does not load.

    Args:
        package: name of its distribution; empty for a part of Python.
    """

    def __init__(self, message: str, package: str = "") -> None:
        super().__init__(message)
        self.package = package


class QueryError(AudioSearchError):
    """What was typed cannot be searched."""


class StoreError(AudioSearchError):
    """The index cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The index was written by a newer version of audiosearch."""


class RefusedError(StoreError):
    """The index does not take one recording; others may be taken."""


class UnknownRecordingError(StoreError):
    """The index does not hold a recording; somebody may have forgotten it meanwhile."""
