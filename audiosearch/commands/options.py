"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import printable

if TYPE_CHECKING:
    from audiosearch.data.manifest import Utterance

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


def read_utterances(manifest: Path, limit: int | None) -> list[Utterance]:
    """First utterances of a manifest that have text; those without are counted on standard error."""
    from audiosearch.data.manifest import read_spoken

    utterances, left_out = read_spoken(manifest)
    for record in left_out:
        examples = ", ".join(record.examples)
        text = f"{record.name}: {record.count} of {record.total} left out, {record.reason}, such as {examples}"
        click.echo(printable(text), err=True)
    return utterances[:limit]
