"""Options shared by the commands of the index."""

from __future__ import annotations

import click

from audiosearch.commands.options import (
    INTERRUPTED,
    channels_option,
    hotwords_option,
    model_option,
    read_utterances,
    track_option,
)

__all__ = [
    "INTERRUPTED",
    "channels_option",
    "exclude_option",
    "hotwords_option",
    "model_option",
    "no_sound_option",
    "read_utterances",
    "store_option",
    "track_option",
]

store_option = click.option(
    "--store",
    metavar="PATH_OR_URL",
    help="Database, or http(s)://host:9200/name of Elasticsearch. Default: $AUDIOSEARCH_STORE, else `store:` in "
    "~/.config/audiosearch/config.yaml, else a database in your data folder.",
)

no_sound_option = click.option(
    "--no-sound", is_flag=True, help="Do not store emissions for the search by sound (0.5 MB per hour)."
)

exclude_option = click.option(
    "--exclude",
    metavar="GLOB",
    multiple=True,
    help="Leave out new and changed files with this name or path, or in a folder of this name (quote it); repeatable.",
)
