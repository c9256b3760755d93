"""Protocol of an engine, and finding one by its name.

An engine is a recognizer by others that writes down a recording. Packages offer theirs by an entry point of the group
``audiosearch.engines``, a function of the text after the colon of ``--words NAME:MODEL`` (None without one)::

    [project.entry-points."audiosearch.engines"]
    parrot = "parrot.audiosearch:load"
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from audiosearch.errors import ConfigError, did_you_mean
from audiosearch.transcripts.imported import ImportedTranscript

GROUP = "audiosearch.engines"

BUILT_IN = "audiosearch"
"""Name of our own recognizer, which needs no engine."""


class Engine(Protocol):
    """A recognizer whose words are indexed."""

    @property
    def fingerprint(self) -> str:
        """Name of the engine, its model and all that determines its words, without ``+``; stored in the index."""
        ...

    def transcribe(self, path: Path) -> ImportedTranscript:
        """The text of a recording in tokens; times and confidences may be None.

        Raises:
            AudioError: the recording cannot be read.
        """
        ...


def load_engine(name: str) -> Engine | None:
    """The engine of ``NAME`` or ``NAME:MODEL``; None for our own recognizer.

    Raises:
        ConfigError: no package offers an engine of this name, or it cannot be loaded.
    """
    kind, _, model = name.partition(":")
    if kind == BUILT_IN:
        if model:
            raise ConfigError(f"{name}: name a model of audiosearch with --model.")
        return None
    engines = {entry.name: entry for entry in entry_points(group=GROUP)}
    if kind not in engines:
        known = sorted({BUILT_IN, *engines})
        hint = did_you_mean(kind, known)
        raise ConfigError(f"{kind}: no installed package offers this engine; there are {', '.join(known)}.{hint}")
    load: Callable[[str | None], Engine] = engines[kind].load()
    return load(model or None)
