"""``audiosearch index``: bring an index up to date with folders."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.errors import StoreError
from indexer.commands.options import (
    INTERRUPTED,
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

if TYPE_CHECKING:
    from indexer.ingest.ingest import Record
    from indexer.ingest.plan import Planned
    from indexer.types import Location


@click.command(epilog="\b\nExample:\n  audiosearch index ~/Podcasts ~/talk.mp4 --prune")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_option
@model_option
@click.option("--prune", is_flag=True, help="Remove recordings whose files no longer exist.")
@click.option("--again", is_flag=True, help="Transcribe again the recordings transcribed by another model.")
@click.option(
    "--part",
    metavar="K/N",
    default="1/1",
    help="Index only shard K of N, chosen by content, so that N machines share the work.",
)
@words_option
@hotwords_option
@hotwords_from_option
@channels_option
@track_option
@no_sound_option
@click.option("--sound-only", is_flag=True, help="Only add the search by sound to recordings with imported words.")
@exclude_option
@click.option(
    "--skip-unreadable",
    is_flag=True,
    help="Report unreadable files once and skip them until they change; they do not count for the exit status.",
)
@click.option("--dry-run", is_flag=True, help="List what would be transcribed, moved and removed; change nothing.")
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event, and a final one with counts.")
@click.pass_context
def index(
    ctx: click.Context,
    paths: tuple[Path, ...],
    store: str | None,
    model: Path | None,
    prune: bool,
    again: bool,
    part: str,
    words: str | None,
    hotwords: Path | None,
    notes: tuple[Path, ...],
    channels: str | None,
    track: int | None,
    no_sound: bool,
    sound_only: bool,
    exclude: tuple[str, ...],
    skip_unreadable: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Index the recordings in files and folders, or bring the index up to date.

    Audio and video files are identified by their content: unchanged, renamed, moved and copied ones are not transcribed
    again. The command can be interrupted at any time; running it again continues.

    Unusable files are reported and skipped, and the exit status is then 1. In a scheduled job, --skip-unreadable
    reports each of them once, and the status is 1 only if a path is missing or something else fails.

    With hot words, --channels or --track the recognizer counts as another model: --again renews the transcripts made
    without them.
    """
    from audiosearch.console.progress_bar import progress_bar
    from audiosearch.settings import is_url
    from audiosearch.types import SoundSelection
    from indexer.console.ingest_report import IngestReport, is_problem, json_record, line
    from indexer.index import open_index
    from indexer.ingest.imported_sound import add_sound
    from indexer.ingest.ingest import ingest
    from indexer.ingest.plan import plan
    from indexer.ingest.shard import Shard
    from indexer.ingest.unreadable import UnreadableFiles
    from indexer.ingest.walk import Failed

    if sound_only and (no_sound or prune or dry_run or part != "1/1"):
        raise click.UsageError(
            "--sound-only goes with --again, and with none of --no-sound, --prune, --part and --dry-run."
        )
    try:
        shard = Shard.parse(part)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--part") from error
    settings, lazy = recognizer_of(
        store=store,
        model=model,
        words=words,
        hotwords=hotwords,
        notes=notes,
        channels=channels,
        track=track,
        sound=not no_sound,
    )
    report = IngestReport(is_dry=dry_run)
    unreadable = (
        UnreadableFiles(settings.store, SoundSelection(settings.channels, track).label) if skip_unreadable else None
    )

    def is_unstable(location: Location) -> bool:
        return unreadable is not None and unreadable.skip(location)

    def steps(stack: ExitStack) -> Iterator[Record | Planned]:
        if not dry_run:
            opened = stack.enter_context(open_index(settings.store, create=True))
            check_writable(settings.store)
            if sound_only:
                return add_sound(opened, recognizer, paths, again=again, is_unstable=is_unstable, exclude=exclude)
            return ingest(
                opened,
                recognizer,
                paths,
                prune=prune,
                again=again,
                shard=shard,
                is_unstable=is_unstable,
                exclude=exclude,
            )
        is_new = not is_url(settings.store) and not Path(settings.store).expanduser().exists()
        known = [] if is_new else stack.enter_context(open_index(settings.store)).recordings()
        return plan(
            known, recognizer, paths, prune=prune, again=again, shard=shard, is_unstable=is_unstable, exclude=exclude
        )

    def progress() -> dict[str, object]:
        if recognizer.is_loading:
            return {"description": "loading the model", "state": ""}
        return report.progress(recognizer.position)

    with lazy as recognizer, ExitStack() as stack:
        records = steps(stack)
        try:
            with progress_bar("searching for recordings", poll=progress) as bar:
                for record in records:
                    report.add(record)
                    if unreadable and isinstance(record, Failed):
                        unreadable.add(record.files)
                    if (text := line(record)) and (not quiet or is_problem(record)):
                        if dry_run and not as_json and not isinstance(record, Failed):
                            click.echo(text)  # the list is the result
                        else:
                            bar.print(text)
                    if as_json and (event := json_record(record)):
                        click.echo(json.dumps(event))
        except KeyboardInterrupt:
            click.echo("\nInterrupted; indexed recordings are kept, and the same command continues.", err=True)
            ctx.exit(INTERRUPTED)
        finally:
            if unreadable:
                report.skipped = unreadable.skipped
                if not dry_run:
                    unreadable.save()
    if as_json or not quiet:
        click.echo(json.dumps(report.record()) if as_json else report.summary())
    ctx.exit(1 if report.failed - (report.unreadable if skip_unreadable else 0) else 0)


def check_writable(store: str) -> None:
    """Raise StoreError for a read-only database before an hour of work; it can be opened and searched."""
    from audiosearch.settings import is_url

    path = Path(store).expanduser()
    if not is_url(store) and not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)):
        raise StoreError(f"{store}: cannot be written; change its permissions, or name another with --store.")
