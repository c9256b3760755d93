"""``audiosearch watch``: keep an index up to date with folders."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from indexer.commands.index import check_writable
from indexer.commands.options import (
    channels_option,
    exclude_option,
    hotwords_from_option,
    hotwords_option,
    model_option,
    no_sound_option,
    recognizer_of,
    store_option,
    track_option,
    words_option,
)


@click.command(epilog="\b\nExample:\n  audiosearch watch ~/Podcasts")
@click.argument("paths", metavar="DIR…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@store_option
@model_option
@words_option
@hotwords_option
@hotwords_from_option
@channels_option
@track_option
@no_sound_option
@exclude_option
@click.option("--keep", is_flag=True, help="Do not remove recordings whose files no longer exist.")
@click.option(
    "--poll", is_flag=True, help="Scan all files every second, for file systems without notifications (network drives)."
)
@click.option(
    "--settle",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    default=2.0,
    show_default=True,
    help="Time without changes after which a file counts as complete.",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
def watch(
    paths: tuple[Path, ...],
    store: str | None,
    model: Path | None,
    words: str | None,
    hotwords: Path | None,
    notes: tuple[Path, ...],
    channels: str | None,
    track: int | None,
    no_sound: bool,
    exclude: tuple[str, ...],
    keep: bool,
    poll: bool,
    settle: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Keep the index up to date with folders, until Ctrl-C or SIGTERM.

    Runs `audiosearch index --prune` at the start and after every change: complete new files are transcribed, moved
    recordings are relocated, deleted ones removed. The model is loaded once.
    """
    from indexer.console.format import length, shown
    from indexer.console.ingest_report import IngestReport, is_problem, json_record, line
    from indexer.index import open_index
    from indexer.ingest.ingest import Started
    from indexer.ingest.watch import Finished, changes, follow, lock_watch

    settings, recognizer = recognizer_of(
        store=store,
        model=model,
        words=words,
        hotwords=hotwords,
        notes=notes,
        channels=channels,
        track=track,
        sound=not no_sound,
    )
    with (
        _until_stopped(),
        lock_watch(settings.store, paths),
        open_index(settings.store, create=True) as opened,
        recognizer as transcriber,
    ):
        check_writable(settings.store)
        if not quiet:
            click.echo(f"Watching {', '.join(shown(str(path)) for path in paths)}; stop with Ctrl-C.", err=True)
        report = IngestReport()
        for record in follow(
            opened, transcriber, paths, changes(paths, poll=poll), prune=not keep, settle=settle, exclude=exclude
        ):
            if isinstance(record, Finished):
                if as_json:
                    click.echo(json.dumps(report.record()))
                elif not quiet and (report.indexed or report.relocated or report.replaced or report.removed):
                    click.echo(report.summary())
                report = IngestReport()
                continue
            report.add(record)
            if isinstance(record, Started) and not as_json and not quiet:
                click.echo(f"{shown(record.path)}: transcribing {length(record.duration)}", err=True)
            if (text := line(record)) and (not quiet or is_problem(record)):
                click.echo(text, err=True)
            if as_json and (event := json_record(record)):
                click.echo(json.dumps(event))


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Make SIGTERM stop the block like Ctrl-C; both end the command successfully."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nStopped; indexed recordings are kept.", err=True)
    finally:
        signal.signal(signal.SIGTERM, before)
