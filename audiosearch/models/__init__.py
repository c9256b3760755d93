"""Models that come with audiosearch."""

from __future__ import annotations

import os
from pathlib import Path

from audiosearch.errors import ModelError

VARIABLE = "AUDIOSEARCH_MODEL"
"""Environment variable that names another model."""


def default_model() -> Path:
    """The folder or file of the model that is used unless another is asked for.

    Raises:
        ModelError: it is not there.
    """
    given = os.environ.get(VARIABLE)
    path = Path(given) if given else Path(__file__).parent / "english"
    if path.exists():
        return path
    if given:
        raise ModelError(f"{path}: there is no such model; the environment variable {VARIABLE} names it.")
    raise ModelError(f"{path}: no model has been installed; name one by --model or the variable {VARIABLE}.")
