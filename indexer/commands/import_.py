"""``audiosearch import``: transcripts that others made → the index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.options import store_option
from indexer.console.format import count, shown

if TYPE_CHECKING:
    from indexer.ingest.import_transcripts import Imported
    from indexer.ingest.walk import Failed


@click.command(
    "import",
    epilog="\b\nExamples:\n"
    "  audiosearch import transcripts/*.json --media ~/Podcasts\n"
    "  audiosearch import talk.en.vtt --media talk.mp4\n"
    "  audiosearch import calls.ctm --channel 1",
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_option
@click.option(
    "--media",
    metavar="FILE|DIR",
    type=click.Path(exists=True, path_type=Path),
    help="The recording, or a folder with recordings that are called as the transcripts are.",
)
@click.option("--channel", metavar="NAME", help="Take only this channel of CTM files; else all are put together.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Of words of which a transcript does not tell it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.pass_context
def import_command(
    ctx: click.Context,
    files: tuple[Path, ...],
    store: str | None,
    media: Path | None,
    channel: str | None,
    confidence: float,
    as_json: bool,
) -> None:
    """Make transcripts with word times searchable that others made.

    Each FILE is JSON of WhisperX, of Whisper with word timestamps, of Vosk or of `audiosearch export`, WebVTT with
    times between its words, or NIST CTM; it is known by its content. docs/formats.md says how each is read.

    With --media the recordings can be heard, and `audiosearch index` does not transcribe them, unless with --again.
    Without, they can be found all the same, and imported again when the recordings are there.

    A file that cannot be used is reported and the others go on; the exit status is then 1.
    """
    from audiosearch.settings import load_settings
    from indexer.index import open_index
    from indexer.ingest.import_transcripts import import_files

    tally = {"new": 0, "replaced": 0, "unchanged": 0, "failed": 0}
    with open_index(load_settings(store).store, create=True) as index:
        for step in import_files(index, files, media=media, channel=channel, confidence=confidence):
            _tell(step, tally, as_json)
    if as_json:
        click.echo(json.dumps({"event": "finished", **tally}))
    else:
        named = {"replaced": "replaced", "unchanged": "unchanged", "failed": "could not be used"}
        parts = [f"{count(tally['new'], 'recording')} imported"]
        parts += [f"{tally[key]:,} {what}" for key, what in named.items() if tally[key]]
        click.echo(", ".join(parts) + ".")
    ctx.exit(1 if tally["failed"] else 0)


def _tell(step: Imported | Failed, tally: dict[str, int], as_json: bool) -> None:
    from indexer.ingest.walk import Failed

    if isinstance(step, Failed):
        tally["failed"] += 1
        click.echo(step.sentence, err=True)
        if as_json:
            click.echo(json.dumps({"event": "failed", "path": step.path, "reason": step.sentence}))
        return
    tally[step.was] += 1
    if as_json:
        about = {"id": step.recording.id, "path": step.recording.path, "source": step.source, "words": step.words}
        click.echo(json.dumps({"event": step.was, **about}, ensure_ascii=False))
    else:
        click.echo(f"{shown(step.recording.path)}: {count(step.words, 'word')} ({step.was})", err=True)
