"""``audiosearch watch``: an index that stays up to date with folders."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from indexer.commands.index import check_writable
from indexer.commands.options import hotwords_option, model_option, no_sound_option, store_option


@click.command(epilog="\b\nExample:\n  audiosearch watch ~/Podcasts")
@click.argument("paths", metavar="DIR...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@store_option
@model_option
@hotwords_option
@no_sound_option
@click.option("--keep", is_flag=True, help="Do not forget recordings that are no more under the folders.")
@click.option(
    "--poll", is_flag=True, help="Look at all files every second, where changes are not told (network drives)."
)
@click.option(
    "--settle",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    default=2.0,
    show_default=True,
    help="Take a file to be complete when nothing has happened to it for so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print an object a line for each thing done.")
def watch(
    paths: tuple[Path, ...],
    store: str | None,
    model: Path | None,
    hotwords: Path | None,
    no_sound: bool,
    keep: bool,
    poll: bool,
    settle: float,
    as_json: bool,
) -> None:
    """Keep the index in step with folders until it is stopped by Ctrl-C or SIGTERM.

    First what `audiosearch index` would do, then the same whenever something has changed: new files are transcribed
    when they are complete, moved ones found again, removed ones forgotten. The model is loaded once.
    """
    from audiosearch.decoding.hotwords import read_hotwords
    from audiosearch.model_folder import find_model
    from audiosearch.settings import load_settings
    from indexer.console.format import length, shown
    from indexer.console.ingest_report import Tally, facts, line
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.index import open_index
    from indexer.ingest.ingest import Started
    from indexer.ingest.watch import Finished, changes, follow

    name, path = load_settings(store).store, find_model(model)
    wanted = () if hotwords is None else read_hotwords(hotwords)
    recognizer = LazyRecognizer(path, hotwords=wanted, sound=not no_sound)
    with _until_stopped(), open_index(name, create=True) as opened, recognizer as heard:
        check_writable(name)
        click.echo(f"Watching {', '.join(shown(str(path)) for path in paths)}; Ctrl-C ends it.", err=True)
        tally = Tally()
        for record in follow(opened, heard, paths, changes(paths, poll=poll), prune=not keep, settle=settle):
            if isinstance(record, Finished):
                if as_json:
                    click.echo(json.dumps(tally.facts()))
                elif tally.indexed or tally.relocated or tally.replaced or tally.forgotten:
                    click.echo(tally.summary())
                tally = Tally()
                continue
            tally.take(record)
            if isinstance(record, Started) and not as_json:
                click.echo(f"{shown(record.path)}: listening to {length(record.duration)}", err=True)
            if told := line(record):
                click.echo(told, err=True)
            if as_json and (fact := facts(record)):
                click.echo(json.dumps(fact))


@contextmanager
def _until_stopped() -> Iterator[None]:
    """SIGTERM stops what is inside as Ctrl-C does; both are a good end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nStopped; what was indexed is kept.", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)
