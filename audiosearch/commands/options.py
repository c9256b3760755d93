"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import printable
from audiosearch.settings import CHANNEL_CHOICES, is_channel_choice

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


adapted_output_option = click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy the model to this new folder, and store the weights there. Without --model and --output the installed "
    "model is not changed.",
)


def _channel_choice(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The choice in lower case, a number without leading zeros."""
    if value is None:
        return None
    text = value.strip().lower()
    if not is_channel_choice(text):
        raise click.BadParameter(f"{value!r} is not {CHANNEL_CHOICES}.", ctx, param)
    return str(int(text)) if text.isdigit() else text


channels_option = click.option(
    "--channels",
    callback=_channel_choice,
    metavar="auto|mix|split|N",
    help="Recognize all channels as one signal (mix), each by itself (split), each by itself if they have different "
    "voices (auto), or channel N alone. Default: `channels:` in ~/.config/audiosearch/config.yaml, else auto.",
)

track_option = click.option(
    "--track",
    type=click.IntRange(min=1),
    metavar="N",
    help="Recognize audio track N of files with several, counted from 1. Default: the track that the file marks as "
    "default, or if it is silent the first that is not.",
)

hotwords_from_option = click.option(
    "--hotwords-from",
    "notes",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Prefer the rare words with a capital in FILE, text or HTML, such as show notes; repeatable.",
)

hotwords_option = click.option(
    "--hotwords",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Prefer the words and phrases in FILE, one per line, and add those missing from the word list of the "
    "language model.",
)


def check_adaptable(model: Path | None, output: Path | None) -> Path:
    """Path of the model to adapt.

    Args:
        model: value of --model; None: not given.
        output: value of --output; None: not given.

    Raises:
        ConfigError: it is the installed one, without an option that says so.
        ModelError: there is no such model.
    """
    from audiosearch.model_folder import check_not_installed, find_model

    path = find_model(model)
    if model is None and output is None:
        check_not_installed(path)
    return path


def read_utterances(manifest: Path, limit: int | None) -> list[Utterance]:
    """First utterances of a manifest that have text; those without are counted on standard error."""
    from audiosearch.data.manifest import read_spoken

    utterances, left_out = read_spoken(manifest)
    for record in left_out:
        examples = ", ".join(record.examples)
        text = f"{record.name}: {record.count} of {record.total} left out, {record.reason}, such as {examples}"
        click.echo(printable(text), err=True)
    return utterances[:limit]


def preferred_words(hotwords: Path | None, notes: tuple[Path, ...], model: Path) -> tuple[str, ...]:
    """Hot words of --hotwords, and names of --hotwords-from that the language model of a model rarely expects."""
    from audiosearch.decoding.hotwords import read_hotwords
    from audiosearch.decoding.names import read_names
    from audiosearch.language_model.model import LanguageModel

    words = [] if hotwords is None else [*read_hotwords(hotwords)]
    if notes:
        ngrams = LanguageModel.load(model if model.is_dir() else model.parent).ngrams
        known = frozenset(ngrams.words)
        words += [name for file in notes for name in read_names(file, ngrams, known)]
    return tuple(dict.fromkeys(words))
