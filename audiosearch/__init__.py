"""Sound into timed words: a DeepSpeech network, CTC decoding with a language model, and its trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiosearch.recognizer import Recognizer as Recognizer
    from audiosearch.types import Emissions as Emissions
    from audiosearch.types import Hypothesis as Hypothesis
    from audiosearch.types import Transcript as Transcript
    from audiosearch.types import Word as Word

__version__ = "0.1.0"

_PUBLIC = {
    "Recognizer": "audiosearch.recognizer",
    "Transcript": "audiosearch.types",
    "Word": "audiosearch.types",
    "Emissions": "audiosearch.types",
    "Hypothesis": "audiosearch.types",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Public names, loaded when they are first used: importing the package must not load torch."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)
