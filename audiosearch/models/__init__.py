"""Models that come with audiosearch."""

from __future__ import annotations

import os
from pathlib import Path

from audiosearch.errors import ModelError

VARIABLE = "AUDIOSEARCH_MODEL"
"""Environment variable that names the model used where none is asked for."""


def default_model() -> Path:
    """The folder or file of the model that is used unless another is asked for."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path(__file__).parent / "english"


def find_model(path: Path | None) -> Path:
    """The model asked for, or the default one; quick, so that a wrong name is told before anything is loaded.

    Raises:
        ModelError: it is not there.
    """
    if path is not None:
        if not path.exists():
            raise ModelError(f"{path}: there is no such model; give the path of a model file or folder.")
        return path
    path = default_model()
    if path.exists():
        return path
    if VARIABLE in os.environ:
        raise ModelError(f"{path}: there is no such model; the environment variable {VARIABLE} names it.")
    raise ModelError(f"{path}: no model is installed; name one by --model or the variable {VARIABLE}.")
