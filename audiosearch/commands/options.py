"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

INTERRUPTED = 130
"""Exit status of a command that was stopped by Ctrl-C, as shells report it."""

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Model file or folder. Default: $AUDIOSEARCH_MODEL, else `model:` in ~/.config/audiosearch/config.yaml, else "
    "the installed model.",
)

hotwords_option = click.option(
    "--hotwords",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Prefer the words and phrases in FILE, one per line, and add those missing from the word list of the "
    "language model.",
)
