"""``audiosearch transcribe``: transcribe recordings."""

from __future__ import annotations

from pathlib import Path

import click

from audiosearch.commands.options import (
    channels_option,
    hotwords_from_option,
    hotwords_option,
    model_option,
    preferred_words,
    track_option,
)
from audiosearch.display import document, printable
from audiosearch.transcripts.writers import FORMATS, JOINABLE


@click.command(
    epilog="""\b
Examples:
  audiosearch transcribe interview.mp3
  audiosearch transcribe --format json *.flac > transcripts.jsonl
  audiosearch transcribe --format vtt lecture.mp4 > lecture.vtt"""
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Output format.")
@click.option("--greedy", is_flag=True, help="Greedy decoding without language model: faster, less accurate.")
@click.option("--hotword", "words", metavar="WORD", multiple=True, help="Prefer this word; repeatable.")
@hotwords_option
@hotwords_from_option
@channels_option
@track_option
def transcribe(
    files: tuple[Path, ...],
    model: Path | None,
    form: str,
    greedy: bool,
    words: tuple[str, ...],
    hotwords: Path | None,
    notes: tuple[Path, ...],
    channels: str | None,
    track: int | None,
) -> None:
    """Transcribe each FILE to standard output.

    \b
    text           words on one line, after the path if there are several files
    json           one object per file and line: path, duration, text, words (text, start, end, confidence)
    srt            subtitles of one file
    vtt            subtitles of one file, for the web
    ctm            one word per line: file, channel, start, duration, word, confidence
    textgrid       tier of words for Praat, of one file
    audacity       label track of one file
    csv            one word per line: path, start, end, confidence, word
    whisperx-json  segments and words of one file

    Unreadable files are reported and skipped; the exit status is then 1.
    """
    from audiosearch.commands.progress import recognition_progress
    from audiosearch.model_folder import find_model
    from audiosearch.normalizer import normalize
    from audiosearch.settings import load_settings
    from audiosearch.types import SoundSelection

    selection = SoundSelection(load_settings(channels=channels).channels, track)
    path = find_model(model)
    if form not in JOINABLE and len(files) > 1:
        raise click.UsageError(f"--format {form} takes one FILE; run the command once per file.")
    preferred = [normalize(word) for word in words]
    if not all(preferred):
        raise click.UsageError(f"--hotword {words[preferred.index('')]!r} contains no letters.")
    preferred += preferred_words(hotwords, notes, path)

    from audiosearch.recognizer import Recognizer, Unreadable
    from audiosearch.transcripts.writers import CSV_HEADER, render

    failed = header_written = False
    with (
        Recognizer.load(path, hotwords=preferred, greedy=greedy, selection=selection) as recognizer,
        recognition_progress(recognizer, "Transcribing"),
    ):
        for result in recognizer.recognize(files):
            if isinstance(result, Unreadable):
                click.echo(f"Error: {result.error}", err=True)
                failed = True
                continue
            text = render(result.transcript, form).removeprefix(CSV_HEADER if header_written else "")
            header_written = form == "csv"
            named = form == "text" and len(files) > 1
            click.echo(document(f"{printable(result.transcript.path)}: {text}" if named else text), nl=False)
    if failed:
        raise click.exceptions.Exit(1)
