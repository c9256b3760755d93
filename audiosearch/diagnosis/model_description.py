"""A model in words, read from its files without loading it."""

from __future__ import annotations

import json
import re
from collections import Counter
from math import prod
from pathlib import Path

from audiosearch.errors import ModelError

WEIGHTS = "*.safetensors"
NAMES = ("model.safetensors", "best.safetensors")
"""Files of weights that are preferred to others of a folder."""

_BITS = {"I8": "8 bits", "F16": "16 bits", "BF16": "16 bits", "F32": "32 bits"}


def describe_model(path: Path) -> list[str]:
    """Title, network, language model and place of the licenses of a model, one a line.

    Args:
        path: of its file or folder.

    Raises:
        ModelError: the header of the model file cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    file = (
        path if path.is_file() else next(iter(sorted(folder.glob("model.safetensors")) or folder.glob(WEIGHTS)), path)
    )
    lines = [_network(file)]
    lm = folder / "lm.bin"
    lines.append(f"language model of {lm.stat().st_size / 1e6:.1f} MB" if lm.exists() else "no language model")
    card = folder / "README.md"
    try:
        title = re.search(r"^# (.+)$", card.read_text(encoding="utf-8"), flags=re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return [str(file), *lines]
    return [title[1] if title else str(file), *lines, f"data and licenses: {card}"]


def _network(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        metadata = header.pop("__metadata__")
        model = json.loads(metadata["config"])["model"]
        numbers: Counter[str] = Counter()
        for tensor in header.values():
            numbers[tensor["dtype"]] += prod(tensor["shape"])
        kind, direction = str(model["cell"]).upper(), "bidirectional " if model["bidirectional"] else ""
        layers = f"{model['layers']} {direction}{kind} layers of {model['hidden']}"
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        raise ModelError(f"{file}: its header cannot be read; install or copy the model again.") from error
    precision = _BITS.get(numbers.most_common(1)[0][0], "")
    return f"{layers}, {sum(numbers.values()) / 1e6:.1f} million weights" + (f" in {precision}" if precision else "")
