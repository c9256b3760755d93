"""``audiosearch calibrate``: confidences that say how probable it is that a word is right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audiosearch.commands.options import model_option

if TYPE_CHECKING:
    from audiosearch.evaluation.confidence_fitting import Report


@click.command(
    epilog="""\b
Examples:
  audiosearch calibrate speech/dev/librispeech/manifest.jsonl speech/dev/commonvoice/manifest.jsonl
  audiosearch calibrate dev.jsonl --model runs/mine"""
)
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option("--limit", type=click.IntRange(min=2), help="Only so many utterances of each manifest, the first ones.")
def calibrate(manifests: tuple[Path, ...], model: Path | None, limit: int | None) -> None:
    """Find what confidences mean on the utterances of each MANIFEST, by half of the speakers.

    The weights are stored in calibration.yaml beside the model and used from then on. How far probabilities then are
    from what is right is told for the other half of the speakers, before and after. The utterances should be none that
    the networks or the language model learned from. Tune first: another weight of the language model changes all this.
    """
    from rich.console import Console
    from rich.progress import track

    from audiosearch.data.manifest import read_manifest
    from audiosearch.errors import AudioError, ConfigError, ManifestError
    from audiosearch.model_folder import find_model

    path = find_model(model)
    folder = path if path.is_dir() else path.parent
    if not os.access(folder, os.W_OK):
        raise ConfigError(
            f"{folder}: cannot be written to; copy the model to a folder of yours and name it by --model."
        )
    utterances = [utterance for manifest in manifests for utterance in read_manifest(manifest)[:limit]]

    from audiosearch.decoding.label_priors import subtract_label_priors
    from audiosearch.evaluation.confidence_fitting import calibrated, listen, read
    from audiosearch.evaluation.spotting_fitting import SoundExample, calibrated_sound
    from audiosearch.model_folder import save_calibration
    from audiosearch.recognizer import Recognizer

    screen = Console(stderr=True)
    quiet = not screen.is_terminal
    heard, failed = [], False
    with Recognizer.load(path) as recognizer:
        listening = listen(recognizer, utterances)
        for utterance, result in track(
            listening, "Listening", len(utterances), console=screen, transient=True, disable=quiet
        ):
            if isinstance(result, AudioError | ManifestError):
                click.echo(f"Error: {utterance.id}: {result}", err=True)
                failed = True
            else:
                heard.append(result)
        reading = read(recognizer, heard)
        examples = list(track(reading, "Reading", len(heard), console=screen, transient=True, disable=quiet))
    if examples:
        found, reports = calibrated(examples)
        for report in reports:
            _draw(report)
        save_calibration(folder, "word", {"weights": found.word})
        save_calibration(folder, "alternative", {"weights": found.alternative} if found.alternative else {})
        by_speaker: dict[str, list[SoundExample]] = {}
        for one, example in zip(heard, examples, strict=True):
            words = found.rescore(example.words, example.slots)
            stretches = tuple(subtract_label_priors(emissions, recognizer.decoder) for emissions in one.stretches)
            by_speaker.setdefault(one.speaker, []).append(SoundExample(stretches, one.said, words))
        by_sound, report = calibrated_sound(by_speaker, recognizer.model.alphabet)
        _draw(report)
        stored = save_calibration(folder, "sound", by_sound.to_dict())
        click.echo(f"Stored in {stored}.")
    if failed:
        raise click.exceptions.Exit(1)


def _draw(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(f"{report.what} said to be right", "how many", "in the mean", "are right")
    for row in report.table:
        table.add_row(f"{row.least:.0%} and more", f"{row.count:,}", f"{row.said:.1%}", f"{row.right:.1%}")
    table.caption = f"expected calibration error {report.before:.3f} before, {report.after:.3f} after"
    Console().print(table)
