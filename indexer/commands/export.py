"""``audiosearch export``: transcripts in the index, for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from audiosearch.display import document, printable
from audiosearch.transcripts.writers import FORMATS, JOINABLE
from indexer.commands.library import selected
from indexer.commands.options import store_option
from indexer.console.format import count, shown


@click.command(
    epilog="\b\nExamples:\n"
    "  audiosearch export talk.mp3 --format srt --output talk.srt\n"
    "  audiosearch export ~/Podcasts --format textgrid --output grids\n"
    "  audiosearch export --all --format json > library.jsonl"
)
@click.argument("names", metavar="[RECORDING]…", nargs=-1)
@store_option
@click.option("--all", "everything", is_flag=True, help="Export all recordings of the index.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="Output format.")
@click.option(
    "--output",
    metavar="FILE|DIR",
    type=click.Path(path_type=Path),
    help="File to write, or folder for one file per recording. Default: standard output.",
)
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.pass_context
def export(
    ctx: click.Context,
    names: tuple[str, ...],
    store: str | None,
    everything: bool,
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Write transcripts from the index for other programs.

    RECORDING is a file or folder, which need not exist any more, or an id printed by `audiosearch list`.
    docs/formats.md describes the formats.

    \b
    json           one object per line: path, id, model, added, duration, text, words with their alternatives
    text           words on one line per recording
    csv, ctm       one word per line
    srt, vtt       subtitles
    textgrid       tier of words for Praat
    audacity       label track
    whisperx-json  segments and words

    Several recordings fit in one document of text, json, csv or ctm. `audiosearch query --format` exports hits.

    Files that cannot be written are reported and skipped, and the exit status is then 1.
    """
    from audiosearch.settings import load_settings
    from indexer.export.transcripts import Unwritten, check_target, render_document, write_files, write_text
    from indexer.index import open_index

    if everything == bool(names):
        raise click.UsageError("Give either RECORDING or --all.")
    with open_index(load_settings(store).store, create=False) as index:
        recordings = index.recordings()
        if not everything:
            recordings = selected(recordings, names)
        if not recordings:
            click.echo("The index is empty.", err=True)
            return
        if output is None:
            for piece in render_document(index, recordings, form):
                click.echo(document(piece), nl=False)
        elif output.is_dir() or (len(recordings) > 1 and form not in JOINABLE):
            failed: list[str] = []
            for result in write_files(index, recordings, form, output, force=force):
                if isinstance(result, Unwritten):
                    failed.append(result.sentence)
                else:
                    click.echo(shown(str(result)))
            written = count(len(recordings) - len(failed), "transcript")
            click.echo(f"{written} in {shown(str(output))}{f', {len(failed):,} failed' if failed else ''}.", err=True)
            for sentence in failed:
                click.echo(printable(sentence), err=True)
            ctx.exit(1 if failed else 0)
        else:
            check_target(output, force=force)
            write_text(output, render_document(index, recordings, form))
