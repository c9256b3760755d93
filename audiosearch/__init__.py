"""Sound into timed words: a DeepSpeech network, CTC decoding with a language model, and its trainer.

The public names are those of ``__all__``. They are loaded when they are first used, so that the import loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiosearch.errors import AudioSearchError
    from audiosearch.normalizer import normalize
    from audiosearch.recognizer import Recognizer
    from audiosearch.types import Alternative, Emissions, SoundSelection, Transcript, Word

__all__ = [
    "__version__",
    "Recognizer",
    "Transcript",
    "Word",
    "Alternative",
    "Emissions",
    "SoundSelection",
    "normalize",
    "AudioSearchError",
]

__version__ = "0.1.0"

_TARGETS = {  # name: module
    "Recognizer": "audiosearch.recognizer",
    "Transcript": "audiosearch.types",
    "Word": "audiosearch.types",
    "Alternative": "audiosearch.types",
    "Emissions": "audiosearch.types",
    "SoundSelection": "audiosearch.types",
    "normalize": "audiosearch.normalizer",
    "AudioSearchError": "audiosearch.errors",
}


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in _TARGETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_TARGETS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
