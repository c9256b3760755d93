"""``audiosearch list``, ``remove`` and ``info``: recordings in the index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from audiosearch.display import json_line, printable
from audiosearch.errors import ModelError, UnknownRecordingError
from indexer.commands.options import store_option
from indexer.console.format import clock, count, length, rows, shown
from indexer.matching.listing import LIST_ORDERS, ListOrder, in_order, named
from indexer.records import recording_record

if TYPE_CHECKING:
    from audiosearch.settings import Settings
    from indexer.types import Recording

SHORT_ID = 12  # characters of an id that are printed
MIN_ID = 6  # minimum characters of an id on the command line


@click.command(
    "list",
    epilog="\b\nExamples:\n"
    "  audiosearch list ~/Podcasts --sort newest --limit 10\n"
    "  audiosearch list '~/Podcasts/**/*.mp3' lighthouse --json",
)
@click.argument("names", metavar="[NAME]…", nargs=-1)
@store_option
@click.option(
    "--sort",
    "order",
    type=click.Choice(LIST_ORDERS),
    help="Order: by path (name), modification of the file (newest), duration (longest), time of indexing (added), or "
    "name of the file (title). Default: by path, or the order of the NAMEs.",
)
@click.option("--reverse", is_flag=True, help="Print the last of this order first.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of recordings. Default: all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def list_command(
    names: tuple[str, ...], store: str | None, order: ListOrder | None, reverse: bool, limit: int | None, as_json: bool
) -> None:
    """List the recordings in the index, or those of the given names, with all paths of each.

    NAME is a file or folder, a (quoted) glob, an id, or words of a path.
    """
    from audiosearch.settings import load_settings
    from indexer.index import open_index

    with open_index(load_settings(store).store, create=False) as index:
        recordings = index.recordings()
    is_empty = not recordings
    if names:
        recordings = list({each.id: each for name in names for each in _named(recordings, name)}.values())
    if order or not names:
        recordings = in_order(recordings, order or "name", reverse=reverse)
    elif reverse:
        recordings.reverse()
    found, recordings = len(recordings), recordings[:limit]
    if as_json:
        for recording in recordings:
            click.echo(json_line(recording_record(recording)))
        return
    if is_empty:
        click.echo("The index is empty.", err=True)
        return
    table = []
    for recording in recordings:
        table.append((recording.id[:SHORT_ID], clock(recording.duration), recording.added[:10], shown(recording.path)))
        table += [("", "", "", shown(location.path)) for location in recording.locations[1:]]
    for line in rows(("id", "duration", "added", "file"), table):
        click.echo(line)
    if len(recordings) < found:
        click.echo(f"{limit} of {count(found, 'recording')}; --limit shows more.", err=True)


def _named(recordings: Sequence[Recording], name: str) -> list[Recording]:
    """Recordings of a file, folder, glob, beginning of an id, or of words of a path."""
    from indexer.matching.filters import from_here, is_glob, passes
    from indexer.types import Filter

    if is_glob(path := from_here(name)):
        chosen = list(filter(passes(Filter((path,))), recordings))
        if chosen:
            return chosen
    try:
        return selected(recordings, [name])
    except UnknownRecordingError:
        if chosen := named(recordings, name):
            return chosen
        raise


@click.command(epilog="\b\nExample:\n  audiosearch remove ~/Podcasts/old-show")
@click.argument("names", metavar="PATH_OR_ID…", nargs=-1, required=True)
@store_option
def remove(names: tuple[str, ...], store: str | None) -> None:
    """Remove recordings from the index; their files are not touched.

    PATH_OR_ID is a file or folder, which need not exist any more, or an id printed by `audiosearch list`. A recording
    with a copy elsewhere stays in the index, without the removed path.
    """
    from audiosearch.settings import load_settings
    from indexer.index import open_index
    from indexer.matching.filters import locations_under

    with open_index(load_settings(store).store, create=False) as index:
        recordings = index.recordings()
        removals: dict[str, set[str]] = {}  # id → paths
        for name in names:
            matches = locations_under(recordings, name) or {
                recording.id: {location.path for location in recording.locations}
                for recording in by_id(recordings, name)
            }
            for recording_id, paths in matches.items():
                removals.setdefault(recording_id, set()).update(paths)
        removed = corrections = 0
        for recording in recordings:
            removed_paths = removals.get(recording.id, ())
            left = [location for location in recording.locations if location.path not in removed_paths]
            if not left:
                if recording.corrected is not None:
                    corrections += len(index.corrected_words(recording.id).corrections)
                index.remove(recording.id)
                removed += 1
            elif len(left) < len(recording.locations):
                index.relocate(recording.id, left)
                click.echo(f"{shown(left[0].path)} is a copy and stays in the index.", err=True)
    with_corrections = f", with {count(corrections, 'correction')}" if corrections else ""
    click.echo(f"{count(removed, 'recording')} removed{with_corrections}.")


@click.command(epilog="\b\nExample:\n  audiosearch info --store talks.db")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(store: str | None, as_json: bool) -> None:
    """Print the location and size of the index, the models that wrote it, and the one that `index` uses now."""
    from audiosearch.settings import load_settings
    from indexer.index import open_index

    settings = load_settings(store)
    name = settings.store
    with open_index(name, create=False) as index:
        statistics = index.statistics()
        models = Counter(recording.model for recording in index.recordings())
    if as_json:
        record = {
            "store": name,
            "recordings": statistics.recordings,
            "words": statistics.words,
            "seconds": statistics.seconds,
            "bytes": statistics.bytes,
            "models": dict(sorted(models.items())),
        }
        click.echo(json_line(record))
        return
    click.echo(f"store       {shown(name)}")
    click.echo(f"recordings  {statistics.recordings:,}")
    click.echo(f"words       {statistics.words:,}")
    click.echo(f"audio       {length(statistics.seconds)}")
    click.echo(f"size        {statistics.bytes / 1e6:,.1f} MB")
    for model, number in models.most_common():
        click.echo(f"model       {printable(model)} ({count(number, 'recording')})")
    for label, text in zip(("recognizer", *[""] * 9), _recognizer(settings), strict=False):
        click.echo(f"{label:<12}{printable(text)}")


def _recognizer(settings: Settings) -> list[str]:
    """The model in words that `audiosearch index` uses now."""
    from audiosearch.diagnosis.model_description import describe_model
    from audiosearch.model_folder import find_model

    try:
        return describe_model(find_model(None, settings))
    except ModelError as error:
        return [str(error)]


def selected(recordings: Sequence[Recording], names: Sequence[str]) -> list[Recording]:
    """Return the recordings of files, folders and beginnings of ids, each once in the order of the names."""
    from indexer.export.transcripts import recordings_under

    found = [each for name in names for each in recordings_under(recordings, name) or by_id(recordings, name)]
    return list({recording.id: recording for recording in found}.values())


def by_id(recordings: Sequence[Recording], name: str) -> list[Recording]:
    """Return the only recording whose id begins with ``name``, as a list."""
    matches = [recording for recording in recordings if len(name) >= MIN_ID and recording.id.startswith(name)]
    if not matches:
        raise UnknownRecordingError(
            f"{name}: there is no such file, folder or id in the index; see `audiosearch list`."
        )
    if len(matches) > 1:
        raise UnknownRecordingError(f"{name}: {len(matches)} ids begin with it; give more characters.")
    return matches
