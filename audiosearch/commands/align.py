"""``audiosearch align``: the times of the words of a text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.commands.options import model_option
from audiosearch.display import document, printable
from audiosearch.transcripts.writers import FORMATS

if TYPE_CHECKING:
    from audiosearch.aligner import Alignment, CueShift

SHOWN_RUNS = 10
"""Number of runs of words without times that are printed; the longest ones."""

SHOWN_LETTERS = 60
"""Length of the text that is printed of each."""

MIN_SHIFT = 0.2
"""Seconds by which cues are early or late before it is told."""


@click.command(
    epilog="""\b
Examples:
  audiosearch align interview.mp3 interview.txt --format vtt > interview.vtt
  audiosearch align talk.mp4 talk.en.srt --format json > talk.json"""
)
@click.argument("audio", metavar="AUDIO", type=click.Path(path_type=Path))
@click.argument("text", metavar="TEXT", type=click.Path(path_type=Path))
@model_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="Output format.")
@click.option("--fill", is_flag=True, help="Add recognized words where nothing was written.")
def align(audio: Path, text: Path, model: Path | None, form: str, fill: bool) -> None:
    """Find the times of the words of TEXT in the recording AUDIO, and print them.

    TEXT is plain text, captions (SRT, WebVTT) or another transcript; its times, if any, are hints. It need not be
    exact: words that were not said are reported and left out, and speech that was not written is passed over. A label
    such as "ANNA:" at the beginning of a line or cue is the voice of its words. `audiosearch transcribe --help`
    describes the formats.

    Exit status: 0; 1 if no word of the text was found; 2 for errors.
    """
    from audiosearch.aligner import align_recording
    from audiosearch.alignment.scripts import read_script
    from audiosearch.commands.progress import recognition_progress
    from audiosearch.model_folder import find_model
    from audiosearch.recognizer import Recognizer
    from audiosearch.transcripts.writers import render

    script = read_script(text)
    with Recognizer.load(find_model(model)) as recognizer, recognition_progress(recognizer, "Aligning"):
        alignment = align_recording(recognizer, audio, script, fill=fill)
    for line in _report(alignment):
        click.echo(printable(line), err=True)
    if not alignment.placed:
        raise click.exceptions.Exit(1)
    click.echo(document(render(alignment.transcript, form)), nl=False)


def _report(alignment: Alignment) -> list[str]:
    """Lines on the words that were found and not found, and on the times of cues."""
    lines = [f"{alignment.placed:,} of {alignment.total:,} words found."]
    if alignment.filled:
        lines.append(f"{alignment.filled:,} recognized words added.")
    if alignment.shift is not None and (told := _shift(alignment.shift)):
        lines.append(told)
    longest = sorted(alignment.unsaid, key=lambda run: -run.words)[:SHOWN_RUNS]
    for run in [run for run in alignment.unsaid if run in longest]:
        text = run.text if len(run.text) <= SHOWN_LETTERS else f"{run.text[: SHOWN_LETTERS - 1].rstrip()}…"
        lines.append(f"{run.location}: not found: {text}")
    if (rest := len(alignment.unsaid) - len(longest)) > 0:
        lines.append(f"{rest:,} shorter runs of words were not found either.")
    return lines


def _shift(shift: CueShift) -> str:
    first, last = shift.first, shift.last
    if max(abs(first), abs(last)) < MIN_SHIFT:
        return ""
    if abs(first - last) < MIN_SHIFT:
        middle = (first + last) / 2
        return f"Cues are {abs(middle):.1f} s {'early' if middle > 0 else 'late'}."
    return f"Cues drift: words begin {first:+.1f} s from their cues at first, {last:+.1f} s at the end."
