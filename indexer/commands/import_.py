"""``audiosearch import``: transcripts by other programs into the index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import json_line, printable
from indexer.commands.options import store_option
from indexer.console.format import count, shown

if TYPE_CHECKING:
    from indexer.ingest.import_transcripts import Imported, Mended
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
    help="The recording, or a folder of recordings with the names of the transcripts.",
)
@click.option("--channel", metavar="NAME", help="Import only this channel of CTM files. Default: all channels, merged.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Confidence of words without one in the transcript.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event, and a final one with counts.")
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
    """Import transcripts with word times that other programs made.

    FILE is JSON of Whisper (with word timestamps), Vosk, a speech service or `audiosearch export`, WebVTT with times
    between its words, or NIST CTM; the format is detected by content. docs/formats.md describes them.

    With --media the hits can be played, and `audiosearch index` does not transcribe the recordings again, except with
    --again. Without it they can only be searched; import them again once the recordings are available.

    Unusable files are reported and skipped, and the exit status is then 1.
    """
    from audiosearch.settings import load_settings
    from indexer.index import open_index
    from indexer.ingest.import_transcripts import import_files

    counts = {"new": 0, "replaced": 0, "unchanged": 0, "failed": 0}
    with open_index(load_settings(store).store, create=True) as index:
        for step in import_files(index, files, media=media, channel=channel, confidence=confidence):
            _report(step, counts, as_json)
    if as_json:
        click.echo(json.dumps({"event": "finished", **counts}))
    else:
        parts = [f"{count(counts['new'], 'recording')} imported"]
        parts += [f"{counts[key]:,} {key}" for key in ("replaced", "unchanged", "failed") if counts[key]]
        click.echo(", ".join(parts) + ".")
    ctx.exit(1 if counts["failed"] else 0)


def _report(step: Imported | Mended | Failed, counts: dict[str, int], as_json: bool) -> None:
    """Count a step and print it."""
    from indexer.ingest.import_transcripts import Mended
    from indexer.ingest.walk import Failed

    if isinstance(step, Failed):
        counts["failed"] += 1
        click.echo(printable(step.sentence), err=True)
        if as_json:
            click.echo(json.dumps({"event": "failed", "path": step.path, "reason": step.sentence}))
        return
    if isinstance(step, Mended):
        click.echo(printable(step.sentence), err=True)
        if as_json:
            click.echo(json.dumps({"event": "mended", "path": step.path, "reason": step.sentence}))
        return
    counts[step.was] += 1
    if as_json:
        metadata = {"id": step.recording.id, "path": step.recording.path, "source": step.source, "words": step.words}
        click.echo(json_line({"event": step.was, **metadata}))
    else:
        click.echo(f"{shown(step.recording.path)}: {count(step.words, 'word')} ({step.was})", err=True)
