"""``audiosearch import``: transcripts by other programs into the index."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import json_line
from indexer.commands.options import model_option, no_sound_option, store_option
from indexer.console.format import count, shown

if TYPE_CHECKING:
    from collections.abc import Callable

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
@model_option
@click.option("--fill", is_flag=True, help="Add recognized words where a text without times of words has none.")
@no_sound_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event, and a final one with counts.")
@click.pass_context
def import_command(
    ctx: click.Context,
    files: tuple[Path, ...],
    store: str | None,
    media: Path | None,
    channel: str | None,
    confidence: float,
    model: Path | None,
    fill: bool,
    no_sound: bool,
    as_json: bool,
) -> None:
    """Import transcripts and texts that other programs or people made.

    FILE is JSON of Whisper, Vosk, a speech service or `audiosearch export`, captions, CTM or plain text; the format is
    detected by content. docs/formats.md describes them.

    With --media the network runs over the recordings: texts and captions without times of words are aligned, and
    names are found by their sound. The hits can be played, and `audiosearch index` does not transcribe the recordings
    again, except with --again. Without it transcripts with times of words can be searched only; import them again once
    the recordings are available.

    Unusable files are reported and skipped, and the exit status is then 1.
    """
    from audiosearch.console.progress_bar import progress_bar
    from audiosearch.model_folder import find_model
    from audiosearch.settings import load_settings
    from indexer.console.format import clock
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.index import open_index
    from indexer.ingest.import_transcripts import import_files

    counts = {"new": 0, "replaced": 0, "unchanged": 0, "failed": 0}
    settings = load_settings(store)
    lazy = None if media is None else LazyRecognizer(find_model(model, settings), sound=not no_sound)

    def progress() -> dict[str, object]:
        if lazy is None or lazy.is_loading:
            return {"state": "loading the model" if lazy else ""}
        return {"state": clock(lazy.position) if lazy.position else ""}

    with (
        open_index(settings.store, create=True) as index,
        nullcontext() if lazy is None else lazy,
        progress_bar("importing", poll=progress) as bar,
    ):
        for step in import_files(
            index, files, media=media, channel=channel, confidence=confidence, listener=lazy, fill=fill
        ):
            _report(step, counts, as_json, bar.print)
    if as_json:
        click.echo(json.dumps({"event": "finished", **counts}))
    else:
        parts = [f"{count(counts['new'], 'recording')} imported"]
        parts += [f"{counts[key]:,} {key}" for key in ("replaced", "unchanged", "failed") if counts[key]]
        click.echo(", ".join(parts) + ".")
    ctx.exit(1 if counts["failed"] else 0)


def _report(
    step: Imported | Mended | Failed, counts: dict[str, int], as_json: bool, say: Callable[[str], None]
) -> None:
    """Count a step and print it."""
    from indexer.console.ingest_report import corrections_aside
    from indexer.ingest.import_transcripts import Mended
    from indexer.ingest.walk import Failed

    if isinstance(step, Failed):
        counts["failed"] += 1
        say(step.sentence)
        if as_json:
            click.echo(json.dumps({"event": "failed", "path": step.path, "reason": step.sentence}))
        return
    if isinstance(step, Mended):
        say(step.sentence)
        if as_json:
            click.echo(json.dumps({"event": "mended", "path": step.path, "reason": step.sentence}))
        return
    counts[step.was] += 1
    if as_json:
        metadata = {"id": step.recording.id, "path": step.recording.path, "source": step.source, "words": step.words}
        aside = {"aside": step.aside} if step.aside else {}
        click.echo(json_line({"event": step.was, **metadata, **aside}))
    if step.aside:
        say(f"{shown(step.recording.path)}: {corrections_aside(step.aside, step.recording.path)}")
    if not as_json:
        say(f"{shown(step.recording.path)}: {count(step.words, 'word')} ({step.was})")
