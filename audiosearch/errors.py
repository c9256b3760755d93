"""Errors that a user can cause; each message names the file or value and what to do.

AudioSearchError
├── AudioError        a recording cannot be read
├── ManifestError     a manifest or data set is malformed
├── ConfigError       a setting is unknown or out of range
├── ModelError        a model or checkpoint is missing, corrupt or of another kind
├── LanguageModelError  a language model cannot be built or read
├── TrainingError     training cannot continue
├── TranscriptError   a transcript of another program cannot be read
├── OutputError       a file cannot be written, or would overwrite another
├── InUseError        another process is writing a file or folder
├── WatchError        a folder cannot be watched
├── InstallationError a required package is missing or fails to load
├── QueryError        a query is malformed
├── CorrectionError   words cannot be corrected like that
│   └── WordsChangedError   there are other words by now
└── StoreError        the index cannot be opened, read or written
    ├── StoreVersionError   it was written by another version
    ├── RefusedError        it rejects one recording
    └── UnknownRecordingError   it does not, or no longer, contain a recording
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from audiosearch.display import printable


def reason_of(error: Exception) -> str:
    """Reason of an error of the system or a library in a few words: without classes, numbers and paths."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:  # of YAML
        return f"{getattr(error, 'problem', '')}, line {mark.line + 1}"
    text = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    if of_system := re.fullmatch(r"(?:.*: )?(.+?) \(os error \d+\).*", text):  # of libraries in Rust
        text = of_system[1]
    return text.rstrip(".") or "no reason is given"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the names that resemble a misspelled one, after a space; empty if there is none."""
    from difflib import get_close_matches

    by_letters = {each.lower(): each for each in known}
    similar = [by_letters[match] for match in get_close_matches(name.lower(), by_letters, n=3, cutoff=0.65)]
    return f" Did you mean {' or '.join(similar)}?" if similar else ""


class AudioSearchError(Exception):
    """Base of all errors that the command line reports in one sentence, with exit status 1.

    The text is safe to display, also with names of files in it: it is on one line, but for ``advice``.

    Args:
        advice: lines to follow the sentence, without names or values.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice

    def __str__(self) -> str:
        return "\n".join(filter(None, (printable(super().__str__()), self.advice)))


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
    """Training cannot continue."""


class TranscriptError(AudioSearchError):
    """A transcript of another program cannot be read."""


class OutputError(AudioSearchError):
    """A file cannot be written, or would overwrite another."""


class InUseError(AudioSearchError):
    """Another process is writing a file or folder."""


class WatchError(AudioSearchError):
    """A folder cannot be watched."""


class InstallationError(AudioSearchError):
    """A required package is missing or fails to load.

    Args:
        package: name of the distribution; empty for a module of the standard library.
    """

    def __init__(self, message: str, package: str = "") -> None:
        super().__init__(message)
        self.package = package


class QueryError(AudioSearchError):
    """A query is malformed."""


class CorrectionError(AudioSearchError):
    """Words of a transcript cannot be corrected like that."""


class WordsChangedError(CorrectionError):
    """The words to correct are no longer there."""


class StoreError(AudioSearchError):
    """The index cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The index was written by a newer version of audiosearch."""


class RefusedError(StoreError):
    """The index rejects one recording; others may be accepted."""


class UnknownRecordingError(StoreError):
    """The index does not contain a recording, which may have been removed meanwhile."""
