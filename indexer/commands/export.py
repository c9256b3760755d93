"""``audiosearch export`` and ``correct``: transcripts in the index, for other programs, and with words corrected."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.display import document, json_line, printable
from audiosearch.errors import CorrectionError
from audiosearch.transcripts.writers import FORMATS, JOINABLE
from indexer.commands.library import selected
from indexer.commands.options import store_option
from indexer.console.format import clock, count, rows, shown

if TYPE_CHECKING:
    from indexer.corrections import CorrectedWords


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


_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


class Time(click.ParamType[float]):
    """Seconds, or a time as ``1:02:03``."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds of a time."""
        match = _TIME.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a time: write it as 83.5, 1:23 or 1:02:03", param, ctx)
        hours, minutes, seconds = match.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


@click.command(
    epilog="\b\nExamples:\n"
    "  audiosearch correct talk.mp3 'brow fox' 'brown fox' --at 1:02:03\n"
    "  audiosearch correct talk.mp3 --list\n"
    "  audiosearch correct talk.mp3 --revert 2"
)
@click.argument("name", metavar="RECORDING")
@click.argument("old", required=False)
@click.argument("new", required=False)
@store_option
@click.option(
    "--at", type=Time(), metavar="TIME", help="Time of OLD, if it is said several times: 83.5, 1:23 or 1:02:03."
)
@click.option("--list", "listed", is_flag=True, help="Print the corrections of the recording.")
@click.option("--revert", metavar="NUMBER|all", help="Bring the recognized words back.")
@click.option("--json", "as_json", is_flag=True, help="Print the corrections as JSON objects, one per line.")
def correct(
    name: str,
    old: str | None,
    new: str | None,
    store: str | None,
    at: float | None,
    listed: bool,
    revert: str | None,
    as_json: bool,
) -> None:
    """Correct words of a transcript in the index.

    RECORDING is a file, or an id printed by `audiosearch list`. The words OLD are replaced by NEW; an empty NEW deletes
    them. Corrected words are found as certain, and exported. The recognized words are kept, and can be brought back.
    """
    from audiosearch.settings import load_settings
    from indexer.correction_codec import correction_records
    from indexer.index import open_index

    if ((old is not None) + listed + (revert is not None)) != 1 or (old is None) != (new is None):
        raise click.UsageError("Give OLD and NEW, or --list, or --revert.")
    if at is not None and old is None:
        raise click.UsageError("--at is the time of OLD.")
    if revert not in (None, "all") and not (revert.isascii() and revert.isdigit() and len(revert) < 10):
        raise click.UsageError(f"--revert takes the number of a correction or all, not {revert!r}.")
    with open_index(load_settings(store).store, create=False) as index:
        recordings = selected(index.recordings(), [name])
        if len(recordings) != 1:
            raise CorrectionError(f"{name}: has {count(len(recordings), 'recording')}, name one of them.")
        (recording,) = recordings
        before = index.corrected_words(recording.id)
        words = before
        if revert is not None:
            numbers = None if revert == "all" else [int(revert)]
            words = index.revise(recording.id, lambda current: current.reverted(numbers))
        elif old is not None and new is not None:
            first, texts = _find(before, old, at)
            words = index.revise(recording.id, lambda current: current.corrected(first, texts, new))
    records = correction_records(words)
    if as_json:
        for record in records:
            click.echo(json_line(record))
    elif listed:
        for line in _table(records):
            click.echo(line)
    elif words is before or words == before:
        click.echo("Nothing was changed.")
    else:
        click.echo(f"{shown(recording.path)}: {count(len(words.corrections), 'correction')}.")


def _table(records: list[dict[str, object]]) -> list[str]:
    if not records:
        return ["There are no corrections."]
    table = [
        (
            str(record["number"]),
            clock(float(str(record["start"]))),
            str(record["state"]),
            printable(str(record["recognized"])),
            printable(str(record["text"])) or "(deleted)",
        )
        for record in records
    ]
    return rows(("number", "time", "state", "recognized", "corrected"), table)


def _find(words: CorrectedWords, old: str, at: float | None) -> tuple[int, list[str]]:
    """Position of words in a transcript, and the words; nearest to a time if it is given.

    Raises:
        CorrectionError: they are not there, or several times and no time is given.
    """
    from indexer.corrections import correction_words

    texts = correction_words(old)
    if not texts:
        raise CorrectionError("OLD is empty: give the words to correct")
    spoken = [entry.word.text for entry in words.entries]
    places = [place for place in range(len(spoken)) if spoken[place : place + len(texts)] == texts]
    if not places:
        raise CorrectionError(f'"{" ".join(texts)}" is not in the transcript: see audiosearch export --format text')
    if at is not None:
        return min(places, key=lambda place: abs(words.entries[place].word.start - at)), texts
    if len(places) > 1:
        times = ", ".join(clock(words.entries[place].word.start) for place in places[:5])
        more = " …" if len(places) > 5 else ""
        raise CorrectionError(f'"{" ".join(texts)}" is said {len(places)} times, at {times}{more}: give one as --at')
    return places[0], texts
