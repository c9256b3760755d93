"""``audiosearch export``: what the index holds, for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from audiosearch.transcripts.writers import FORMATS, JOINABLE
from indexer.commands.library import by_id
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
@click.option("--all", "everything", is_flag=True, help="All recordings of the index.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What to write.")
@click.option(
    "--output",
    metavar="FILE|DIR",
    type=click.Path(path_type=Path),
    help="A file, or for several recordings a folder with a file each; standard output unless given.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def export(
    names: tuple[str, ...], store: str | None, everything: bool, form: str, output: Path | None, force: bool
) -> None:
    """Write transcripts from the index for other programs.

    A RECORDING is a file, a folder with all that is in it, whether they still exist or not, or an id as `audiosearch
    list` shows it. docs/formats.md describes the formats.

    \b
    json           an object a line: path, id, model, added, duration, text, words with their alternatives
    text, csv, ctm also of several recordings in one document
    srt, vtt       subtitles
    textgrid       Praat
    audacity       a label track
    whisperx-json  segments and words

    `audiosearch query --format` writes hits.
    """
    from audiosearch.settings import load_settings
    from indexer.export.transcripts import check_free, document, in_places, write_files, write_text
    from indexer.index import open_index

    if everything == bool(names):
        raise click.UsageError("Give either RECORDING or --all.")
    with open_index(load_settings(store).store, create=False) as index:
        known = index.recordings()
        wanted = {one.id: one for name in names for one in in_places(known, name) or by_id(known, name)}
        recordings = known if everything else list(wanted.values())
        if not recordings:
            click.echo("The index is empty.", err=True)
            return
        if output is None:
            for piece in document(index, recordings, form):
                click.echo(piece, nl=False)
        elif output.is_dir() or (len(recordings) > 1 and form not in JOINABLE):
            for path in write_files(index, recordings, form, output, force=force):
                click.echo(shown(str(path)))
            click.echo(f"{count(len(recordings), 'transcript')} in {shown(str(output))}.", err=True)
        else:
            check_free(output, force=force)
            write_text(output, document(index, recordings, form))
