"""Options shared by the commands of the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audiosearch.commands.options import (
    INTERRUPTED,
    channels_option,
    hotwords_from_option,
    hotwords_option,
    model_option,
    preferred_words,
    read_utterances,
    track_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audiosearch.engines.engine import Engine
    from audiosearch.settings import Settings
    from indexer.console.lazy_recognizer import LazyRecognizer

__all__ = [
    "INTERRUPTED",
    "channels_option",
    "exclude_option",
    "hotwords_from_option",
    "hotwords_option",
    "load_words_engine",
    "model_option",
    "no_sound_option",
    "preferred_words",
    "read_utterances",
    "recognizer_of",
    "store_option",
    "track_option",
    "words_option",
]

store_option = click.option(
    "--store",
    metavar="PATH_OR_URL",
    type=click.Path(),  # completed by shells
    help="Database, or http(s)://host:9200/name of Elasticsearch. Default: $AUDIOSEARCH_STORE, else `store:` in "
    "~/.config/audiosearch/config.yaml, else a database in your data folder.",
)

no_sound_option = click.option(
    "--no-sound", is_flag=True, help="Do not store emissions for the search by sound (0.8 MB per hour)."
)

exclude_option = click.option(
    "--exclude",
    metavar="GLOB",
    multiple=True,
    help="Leave out new and changed files with this name or path, or in a folder of this name (quote it); repeatable. "
    "Files .audiosearchignore in folders do the same, with the syntax of .gitignore.",
)

words_option = click.option(
    "--words",
    metavar="ENGINE[:MODEL]",
    help="Take the words of another recognizer, such as whisper:tiny.en, and times and sound of our network.",
)


def recognizer_of(
    *,
    store: str | None,
    model: Path | None,
    words: str | None,
    hotwords: Path | None,
    notes: tuple[Path, ...],
    channels: str | None,
    track: int | None,
    sound: bool,
) -> tuple[Settings, LazyRecognizer]:
    """Settings and recognizer of the options of ``index`` and ``watch``; nothing is loaded yet.

    Args:
        sound: False for --no-sound.
    """
    from audiosearch.model_folder import find_model
    from audiosearch.settings import load_settings
    from audiosearch.types import SoundSelection
    from indexer.console import lazy_recognizer

    settings = load_settings(store, channels=channels)
    path = find_model(model, settings)
    preferred = preferred_words(hotwords, notes, path)
    engine = load_words_engine(words, given=(hotwords, notes or None, channels, track))
    selection = SoundSelection(settings.channels, track)
    recognizer = lazy_recognizer.LazyRecognizer(
        path, hotwords=preferred, sound=sound, selection=selection, engine=engine
    )
    return settings, recognizer


def load_words_engine(name: str | None, given: Sequence[object]) -> Engine | None:
    """The engine of --words, or None for our own recognizer.

    Args:
        given: values of the options of our own recognizer, None where they were not given.
    """
    from audiosearch.engines.engine import load_engine

    engine = None if name is None else load_engine(name)
    if engine is not None and any(value is not None for value in given):
        raise click.UsageError("hot words, --channels and --track are of our recognizer; leave them out with --words.")
    return engine
