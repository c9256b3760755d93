"""Options that the commands of the index share."""

from __future__ import annotations

from pathlib import Path

import click

store_option = click.option(
    "--store",
    metavar="PATH_OR_URL",
    help="A database, or http(s)://host:9200/name of Elasticsearch. Else $AUDIOSEARCH_STORE, `store:` in "
    "~/.config/audiosearch/config.yaml, or a database in your data folder.",
)

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="File or folder of the model. Else $AUDIOSEARCH_MODEL, `model:` in ~/.config/audiosearch/config.yaml, or the "
    "one that is installed.",
)

hotwords_option = click.option(
    "--hotwords",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Prefer the words and phrases of FILE, one a line, and spell those that the language model does not know.",
)

no_sound_option = click.option(
    "--no-sound", is_flag=True, help="Do not keep what a search by sound needs, half a megabyte an hour."
)
