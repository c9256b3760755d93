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
