"""``audiosearch inspect``: plot spectrogram, emissions and words of a recording."""

from __future__ import annotations

from pathlib import Path

import click

from audiosearch.commands.options import model_option
from audiosearch.display import printable

MAX_SECONDS = 120.0


@click.command(
    epilog="""\b
Examples:
  audiosearch inspect interview.mp3 -o picture.png
  audiosearch inspect interview.mp3 -o picture.png --start 61.5 --seconds 8"""
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PNG file to write."
)
@model_option
@click.option("--start", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Seconds to skip.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=MAX_SECONDS),
    default=30.0,
    show_default=True,
    help="Seconds to plot.",
)
def inspect(file: Path, output: Path, model: Path | None, start: float, seconds: float) -> None:
    """Plot the spectrogram of a recording and, below it, the probability of each character by frame.

    Between the two are the recognized words at their times.
    """
    from audiosearch.model_folder import find_model

    path = find_model(model)
    if output.suffix.lower() != ".png":
        raise click.UsageError(f"-o {output}: the picture is a PNG; give a name that ends in .png.")
    if not output.absolute().parent.is_dir():
        raise click.UsageError(f"-o {output}: there is no folder {output.parent}.")

    from audiosearch.inspection import draw, inspect_recording
    from audiosearch.recognizer import Recognizer

    with Recognizer.load(path) as recognizer:
        view = inspect_recording(recognizer, file, start, seconds)
    draw(view, output)
    click.echo(printable(str(output)))
