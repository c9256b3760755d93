"""Options that the commands of the index share."""

from __future__ import annotations

import click

from audiosearch.commands.options import hotwords_option, model_option

__all__ = ["hotwords_option", "model_option", "no_sound_option", "store_option"]

store_option = click.option(
    "--store",
    metavar="PATH_OR_URL",
    help="A database, or http(s)://host:9200/name of Elasticsearch. Else $AUDIOSEARCH_STORE, `store:` in "
    "~/.config/audiosearch/config.yaml, or a database in your data folder.",
)

no_sound_option = click.option(
    "--no-sound", is_flag=True, help="Do not keep what a search by sound needs, half a megabyte an hour."
)
